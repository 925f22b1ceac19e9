//! How a history becomes cases of steps: what process mining looks at.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use wayfold_core::{AttributeName, AttributeValue, Currency, EventKind, EventView, History};

use super::names::Names;

/// Which events belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CaseBy {
    /// All events of a customer.
    #[default]
    Customer,
    /// The events of a customer that name the same journey; those without a journey are left out.
    Journey,
}

/// What names a step; events that have no such name are left out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Activity {
    /// The kind of the event; of a custom kind its own name.
    #[default]
    Kind,
    /// The kind, a bar, and a text attribute: `A_ACCEPTED|COMPLETE`. The kind alone where the attribute is absent.
    KindAnd(AttributeName),
    /// A text attribute.
    Attribute(AttributeName),
    /// Who did it: a map of it shows the hand-over of work.
    Person,
    /// The team that did it.
    Team,
    /// Where it happened.
    Channel,
}

impl Activity {
    pub(super) fn name<'a>(&self, event: &EventView<'a>) -> Option<Cow<'a, str>> {
        match self {
            Self::Kind => Some(Cow::Borrowed(kind_name(event))),
            Self::KindAnd(attribute) => Some(match text_attribute(event, attribute) {
                Some(text) => Cow::Owned(format!("{}|{text}", kind_name(event))),
                None => Cow::Borrowed(kind_name(event)),
            }),
            Self::Attribute(attribute) => text_attribute(event, attribute).map(Cow::Owned),
            Self::Person => event.person().map(Cow::Borrowed),
            Self::Team => event.team().map(Cow::Borrowed),
            Self::Channel => event.channel().map(|channel| Cow::Borrowed(channel.as_str())),
        }
    }
}

pub(super) fn kind_name<'a>(event: &EventView<'a>) -> &'a str {
    match event.kind() {
        kind if kind.is_custom() => event.custom_name().unwrap_or(kind.name()),
        kind => kind.name(),
    }
}

fn text_attribute(event: &EventView<'_>, name: &AttributeName) -> Option<String> {
    match event.attribute(name.as_str())? {
        AttributeValue::Text(text) => Some(text),
        _ => None,
    }
}

/// Says whether a step of a name counts.
type Keeps = Arc<dyn Fn(&str) -> bool + Send + Sync>;

/// Says what a case is, what a step is called, and what a case is worth.
#[derive(Clone, Default)]
pub struct Cases {
    by: CaseBy,
    activity: Activity,
    keeps: Option<Keeps>,
    currency: Option<Currency>,
}

impl fmt::Debug for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cases")
            .field("by", &self.by)
            .field("activity", &self.activity)
            .field("currency", &self.currency)
            .finish_non_exhaustive()
    }
}

impl Cases {
    /// Cases by customer, steps by kind, worth nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says which events belong together.
    pub fn by(mut self, by: CaseBy) -> Self {
        self.by = by;
        self
    }

    /// Says what names a step.
    pub fn named_by(mut self, activity: Activity) -> Self {
        self.activity = activity;
        self
    }

    /// Leaves steps out whose names are not to be kept.
    pub fn keeping(mut self, keeps: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.keeps = Some(Arc::new(keeps));
        self
    }

    /// Makes a case worth what was ordered in it in a currency: the amounts of its orders as they were placed.
    pub fn valued_in(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    pub(super) fn case_by(&self) -> CaseBy {
        self.by
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    /// The name of an event as a step, if it is one that is kept.
    pub(super) fn name<'a>(&self, event: &EventView<'a>) -> Option<Cow<'a, str>> {
        self.activity.name(event).filter(|name| self.keeps.as_ref().is_none_or(|keeps| keeps(name)))
    }

    /// Calls with each case of a history that has a step.
    pub(super) fn for_each(&self, history: &History<'_>, names: &mut Names, mut take: impl FnMut(&Case)) {
        match self.by {
            CaseBy::Customer => {
                let mut case = Case::default();
                history.events().iter().for_each(|event| self.add(&mut case, event, names));
                take_steps(&case, &mut take);
            }
            CaseBy::Journey => {
                let mut places = HashMap::new();
                let mut cases: Vec<Case> = Vec::new();
                for event in history.events() {
                    let Some(journey) = event.journey() else { continue };
                    let place = *places.entry(journey).or_insert(cases.len());
                    if place == cases.len() {
                        cases.push(Case::default());
                    }
                    self.add(&mut cases[place], event, names);
                }
                cases.iter().for_each(|case| take_steps(case, &mut take));
            }
        }
    }

    fn add(&self, case: &mut Case, event: &EventView<'_>, names: &mut Names) {
        if event.kind() == EventKind::OrderPlaced
            && let Some(money) = event.money_amount().filter(|money| Some(money.currency) == self.currency)
        {
            let value = i128::from(money.amount.as_ten_thousandths());
            case.value += value;
            case.orders.push((event.occurred_at().as_micros(), value));
        }
        if let Some(name) = self.name(event) {
            case.steps.push(CaseStep { activity: names.number(&name), at: event.occurred_at().as_micros() });
        }
    }
}

fn take_steps(case: &Case, take: &mut impl FnMut(&Case)) {
    if !case.steps.is_empty() {
        take(case);
    }
}

/// The steps of a case in the order in which they are folded.
#[derive(Debug, Clone, Default)]
pub(super) struct Case {
    pub(super) steps: Vec<CaseStep>,
    /// In ten-thousandths of the currency.
    pub(super) value: i128,
    /// The same, order by order with its instant.
    pub(super) orders: Vec<(i64, i128)>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CaseStep {
    pub(super) activity: u32,
    pub(super) at: i64,
}
