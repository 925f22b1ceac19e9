use anyhow::Result;
use clap::Args;
use wayfold::{
    Cause, CustomerKey, CustomerView, Explanation, JourneyView, KnownAt, Position, Step, Timestamp,
};

use crate::ask::{AskArguments, Asked, parse_time};
use crate::failure::not_found;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, instant, many, or_none};

/// How many journeys are shown; JSON has all.
const JOURNEYS_MAX: usize = 8;

/// Shows where a customer stands, and with --explain the history that brought it there.
#[derive(Debug, Args)]
pub(crate) struct Customer {
    /// The customer's key
    #[arg(value_name = "CUSTOMER")]
    customer: String,
    /// Tells the history: each event, each instant at which time alone changed something, and what changed
    #[arg(long)]
    explain: bool,
    /// Says which event or instant made a field what it is, such as `lifecycle.stage`
    #[arg(long, value_name = "FIELD")]
    why: Option<String>,
    /// Looks only at what was known then: an instant, or a position of the log
    #[arg(long, value_name = "TIME|POSITION")]
    known_at: Option<String>,
    #[command(flatten)]
    ask: AskArguments,
}

impl Customer {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let asked = self.ask.open()?;
        let key = asked.key(&self.customer)?;
        let known_at = self.known_at.as_deref().map(known_at).transpose()?;
        if let Some(field) = &self.why {
            return self.why(output, &self.explanation(&asked, &key, known_at)?, field);
        }
        if self.explain {
            let explanation = self.explanation(&asked, &key, known_at)?;
            if output.is_json() {
                return output.object(&explanation);
            }
            page(output, &explanation.view)?;
            return history(output, &explanation);
        }
        let view = match known_at {
            None => asked.wayfold.customer_as_of(&key, asked.as_of)?,
            Some(known_at) => asked.wayfold.as_known_at(known_at).customer_as_of(&key, asked.as_of)?,
        };
        let view = view.ok_or_else(|| unknown(&key, asked.as_of))?;
        if output.is_json() { output.object(&view) } else { page(output, &view) }
    }

    fn explanation(
        &self,
        asked: &Asked,
        key: &CustomerKey,
        known_at: Option<KnownAt>,
    ) -> Result<Explanation> {
        let explanation = match known_at {
            None => asked.wayfold.explain_as_of(key, asked.as_of)?,
            Some(known_at) => asked.wayfold.as_known_at(known_at).explain_as_of(key, asked.as_of)?,
        };
        explanation.ok_or_else(|| unknown(key, asked.as_of))
    }

    fn why(&self, output: &mut Output, explanation: &Explanation, field: &str) -> Result<()> {
        // A misspelt field is refused with what there is.
        explanation.view.field(field).map_err(wayfold::Error::from)?;
        let (step, change) = explanation.why(field).ok_or_else(|| {
            not_found(format_args!("{field} of customer {} never changed", explanation.view.key))
        })?;
        if output.is_json() {
            return output
                .object(&serde_json::json!({ "at": step.at, "cause": step.cause, "change": change }));
        }
        let after = or_none(change.after.as_ref());
        let before = or_none(change.before.as_ref());
        output
            .line(format!("{field} is {after} since {}, by {}; before it was {before}.", step.at, step.cause))
    }
}

fn known_at(text: &str) -> Result<KnownAt> {
    match Position::try_from(text.to_owned()) {
        Ok(position) => Ok(position.into()),
        Err(_) => Ok(parse_time(text)?.into()),
    }
}

fn unknown(key: &CustomerKey, as_of: Timestamp) -> anyhow::Error {
    not_found(format_args!(
        "nothing is known of customer {key} by {as_of}; `wayfold customers` lists who there is"
    ))
}

/// Shows where a customer stands.
pub(super) fn page(output: &mut Output, view: &CustomerView) -> Result<()> {
    let class = view.segment.class.map_or(String::new(), |class| format!(", {class}"));
    output.heading(&format!("{}: {}{class}", view.key, view.lifecycle.stage))?;
    let (first, last) = (instant(view.first_seen_at), instant(view.last_seen_at));
    let events = many(view.events, "event");
    output.line(format!(
        "As of {} under rules {:?}: {events} from {first} to {last}.",
        view.as_of, view.rules
    ))?;
    output.line(match view.holds_until {
        Some(until) => format!("Without a new event, nothing changes until {}.", instant(until.next())),
        None => "Without a new event, nothing changes any more.".to_owned(),
    })?;
    output.line("")?;
    purchases(output, view)?;
    journeys(output, &view.journeys.journeys)
}

fn purchases(output: &mut Output, view: &CustomerView) -> Result<()> {
    let (value, lifecycle) = (&view.value, &view.lifecycle);
    let mut told = vec![many(value.purchases.into(), "purchase")];
    if let (Some(first), Some(last)) = (lifecycle.first_purchase_at, lifecycle.last_purchase_at) {
        told.push(format!("the first on {}, the last on {}", instant(first), instant(last)));
    }
    if let Some(returned) = lifecycle.returned_at {
        told.push(format!("won back on {}", instant(returned)));
    }
    if let Some(loyalty) = &view.loyalty {
        let by: Vec<&str> = loyalty.by.iter().map(|reason| reason.as_str()).collect();
        if !by.is_empty() {
            told.push(format!("loyal by {}", by.join(", ")));
        }
        if let Some(last) = loyalty.churns_after {
            told.push(format!("churned if silent beyond {}", instant(last)));
        }
    }
    for (number, what) in [(value.cancelled, "cancelled"), (value.fully_refunded, "fully refunded")] {
        if number > 0 {
            told.push(format!("{number} {what}"));
        }
    }
    output.line(format!("{}.", told.join("; ")))?;
    if value.currencies.is_empty() {
        return output.line("");
    }
    let rows = value.currencies.iter().map(|of| {
        let sums = [Some(of.revenue), Some(of.refunds), Some(of.net), of.margin, of.average];
        let counts = [of.currency.to_string(), of.purchases.to_string()];
        counts.into_iter().chain(sums.map(or_none)).collect()
    });
    let header = ["currency", "purchases", "revenue", "refunds", "net", "margin", "average"];
    output.table(Table::new(&header, 1).with_rows(rows))
}

fn journeys(output: &mut Output, journeys: &[JourneyView]) -> Result<()> {
    if journeys.is_empty() {
        return Ok(());
    }
    // The newest are what one asks for.
    let mut newest: Vec<&JourneyView> = journeys.iter().collect();
    newest.sort_by_key(|journey| std::cmp::Reverse(journey.last_event_at));
    let row = |journey: &&JourneyView| {
        let promises = journey.promises;
        let counts = [(promises.kept, "kept"), (promises.broken, "broken"), (promises.pending, "pending")];
        let told: Vec<String> = counts
            .iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{number} {what}"))
            .collect();
        vec![
            journey.key.to_string(),
            or_none(journey.stage),
            journey.outcome.to_string(),
            instant(journey.started_at),
            instant(journey.last_event_at),
            if told.is_empty() { NONE.to_owned() } else { told.join(", ") },
        ]
    };
    let header = ["journey", "stage", "outcome", "started", "last event", "promises"];
    output.table(Table::new(&header, 6).with_rows(newest.iter().take(JOURNEYS_MAX).map(row)))?;
    match journeys.len().saturating_sub(JOURNEYS_MAX) {
        0 => Ok(()),
        more => output.line(format!("And {} before; --json has all.", many(more as u64, "journey"))),
    }
}

/// Tells a customer's history: each event, each instant at which time alone changed something, and what changed.
pub(super) fn history(output: &mut Output, explanation: &Explanation) -> Result<()> {
    let row = |step: &Step| {
        let what = match &step.cause {
            Cause::Event { kind, .. } => kind.clone(),
            Cause::Time => "(time passed)".to_owned(),
        };
        vec![instant(step.at), what, changes(step, explanation)]
    };
    let table = Table::new(&["when", "what happened", "what it changed"], 3);
    output.table(table.with_rows(explanation.steps.iter().map(row)))?;
    for report in &explanation.reports {
        let json = serde_json::to_string(report)?;
        output.line(format!("Noted: {json}"))?;
    }
    let fields = explanation.steps.iter().map(|step| step.changes.len() as u64).sum();
    output.line(format!(
        "{} changed in all; --json has every one, --why FIELD the last.",
        many(fields, "field")
    ))
}

/// The changes of a step that a reader looks for, in words: the customer's first, then those of journeys.
fn changes(step: &Step, explanation: &Explanation) -> String {
    let (mut told, mut of_journeys) = (Vec::new(), Vec::new());
    for change in &step.changes {
        let (field, after) = (change.field.as_str(), or_none(change.after.as_ref()));
        let of_journey = field.strip_prefix("journey.journeys[").and_then(|rest| rest.split_once("]."));
        match (field, of_journey) {
            ("lifecycle.stage", _) => told.push(format!("becomes {after}")),
            ("segment.class", _) if change.after.is_none() => told.push("no class".to_owned()),
            ("segment.class", _) => told.push(format!("class {after}")),
            (_, Some((key, what @ ("stage" | "outcome")))) if is_told(key, explanation) => {
                of_journeys.push(format!("journey {key}: {what} {after}"));
            }
            (field, _) if field.starts_with("value.") && field.ends_with("].net") => {
                told.push(format!("net {after}"));
            }
            _ => {}
        }
    }
    told.extend(of_journeys);
    told.join("; ")
}

/// A journey of one order, as files of plain purchases have them, tells nothing beside the order.
fn is_told(key: &str, explanation: &Explanation) -> bool {
    let journey = explanation.view.journeys.journeys.iter().find(|journey| journey.key.as_str() == key);
    journey.is_none_or(|journey| journey.stages.iter().map(|stage| stage.events).sum::<u64>() > 1)
}
