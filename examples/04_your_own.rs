//! Your own event and your own projection, through the same trait as the built-in ones.

use serde::{Deserialize, Serialize};
use wayfold::{
    AttributeName, AttributeValue, Builder, Custom, CustomKind, CustomerAt, CustomerKey, EventId, EventView,
    JourneyEvent, JourneyKey, Projection, Rules, Stage, Timestamp,
};
use wayfold_examples::store;

/// How far a customer has come with a trial: what was tried, and when it was last active.
struct TrialProgress;

/// What is kept of one customer: ordered and without floats, so that equal events give equal bytes, and read back as
/// it was written.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Trial {
    features: std::collections::BTreeSet<String>,
    last_used_at: Option<Timestamp>,
}

/// What is answered about one customer.
#[derive(Debug, Serialize, PartialEq, Eq)]
struct TrialView {
    features: usize,
    dormant: bool,
}

/// Without use for longer than this, a trial is dormant.
const PATIENCE: wayfold::Span = wayfold::Span::from_days(7);

impl Projection for TrialProgress {
    type State = Trial;
    type View = TrialView;

    fn name(&self) -> &str {
        "trial"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, trial: &mut Trial, event: &EventView<'_>) {
        if event.custom_name() != Some("feature_used") {
            return;
        }
        if let Some(AttributeValue::Text(feature)) = event.attribute("feature") {
            trial.features.insert(feature);
        }
        trial.last_used_at = Some(event.occurred_at());
    }

    fn view(&self, trial: &Trial, customer: &CustomerAt<'_>) -> TrialView {
        let silent = |last: Timestamp| customer.as_of().since(last) > PATIENCE;
        TrialView { features: trial.features.len(), dormant: trial.last_used_at.is_some_and(silent) }
    }

    fn holds_until(&self, trial: &Trial, customer: &CustomerAt<'_>) -> Option<Timestamp> {
        let until = trial.last_used_at? + PATIENCE;
        (customer.as_of() <= until).then_some(until)
    }
}

fn main() -> wayfold::Result<()> {
    let mut builder = Builder::new(Rules::default())?;
    let trial = builder.register(TrialProgress)?;
    let wayfold = builder.open_blocking(store()?)?;

    let ada = CustomerKey::new("ada")?;
    let used = |feature: &str, date: &str| -> wayfold::Result<JourneyEvent> {
        // The stage makes the event move its journey, as the built-in kinds do.
        let body =
            Custom { name: CustomKind::new("feature_used")?, stage: Some(Stage::Information), amount: None };
        let id = EventId::from_natural_key("product", "feature_used", &["ada", feature, date]);
        Ok(JourneyEvent::new(id, ada.clone(), Timestamp::parse(date)?, body)
            .with_journey(JourneyKey::new("trial")?)
            .with_attribute(AttributeName::new("feature")?, feature))
    };
    wayfold.append(&[
        used("import", "2024-03-01")?,
        used("report", "2024-03-03")?,
        used("import", "2024-03-04")?,
    ])?;

    let ask = |date: &str| wayfold.own_view_as_of(trial, &ada, Timestamp::parse(date)?);
    assert_eq!(ask("2024-03-05")?, Some(TrialView { features: 2, dormant: false }));
    assert_eq!(ask("2024-03-12")?, Some(TrialView { features: 2, dormant: true }));

    // The built-in journey took part as well, and explanations cover both.
    let told = wayfold.explain_as_of(&ada, Timestamp::parse("2024-03-12")?)?.expect("ada is known");
    assert_eq!(told.view.journeys.journeys[0].stage, Some(Stage::Information));
    let (step, change) = told.why("trial.dormant").expect("the trial went dormant");
    println!(
        "trial.dormant became {} at {} by {}",
        change.after.as_deref().unwrap_or("nothing"),
        step.at,
        step.cause
    );
    assert_eq!(step.at, (Timestamp::parse("2024-03-04")? + PATIENCE).next());
    Ok(())
}
