//! How a history becomes cases of steps: what process mining looks at.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use hashbrown::HashMap;
use wayfold_core::{AttributeName, AttributeValue, Currency, EventKind, EventView, History};

use super::names::Names;
use super::ties::Ties;

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

impl fmt::Display for Activity {
    /// As it stands in semantics.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind => f.write_str("kind"),
            Self::KindAnd(attribute) => write!(f, "kind and attribute {attribute}"),
            Self::Attribute(attribute) => write!(f, "attribute {attribute}"),
            Self::Person => f.write_str("person"),
            Self::Team => f.write_str("team"),
            Self::Channel => f.write_str("channel"),
        }
    }
}

impl Activity {
    /// The number of what names the step, if it has a name that is kept; what comes from a closed list is looked up once.
    #[inline]
    pub(super) fn number(
        &self,
        event: &EventView<'_>,
        steps: &mut StepNames,
        keeps: impl Fn(&str) -> bool,
    ) -> Option<u32> {
        let code = match self {
            // Kinds of one's own have names of their own, so that none of them is ever known by its code.
            Self::Kind => Some(usize::from(event.kind().rank())),
            Self::Channel => Some(event.channel()? as usize),
            _ => None,
        };
        match code.and_then(|code| steps.by_code.get(code)) {
            Some(Numbered::As(number)) => Some(*number),
            Some(Numbered::LeftOut) => None,
            Some(Numbered::NotYet) | None => self.new_number(event, code, steps, keeps),
        }
    }

    #[inline(never)]
    fn new_number(
        &self,
        event: &EventView<'_>,
        code: Option<usize>,
        steps: &mut StepNames,
        keeps: impl Fn(&str) -> bool,
    ) -> Option<u32> {
        let name = self.name(event)?;
        let number = keeps(&name).then(|| steps.names.number(&name));
        if let Some(code) = code.filter(|_| *self == Self::Channel || !event.kind().is_custom()) {
            if steps.by_code.len() <= code {
                steps.by_code.resize(code + 1, Numbered::NotYet);
            }
            steps.by_code[code] = number.map_or(Numbered::LeftOut, Numbered::As);
        }
        number
    }

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

/// The names of steps by number, of one way to name them.
#[derive(Debug, Clone, Default)]
pub(super) struct StepNames {
    pub(super) names: Names,
    /// What is known of the kinds or channels, by their codes.
    by_code: Vec<Numbered>,
    /// For the memory of the case before.
    case: Case,
}

impl StepNames {
    /// The number here of each of another's names.
    pub(super) fn take_over(&mut self, other: &Self) -> Vec<u32> {
        self.names.take_over(&other.names)
    }

    pub(super) fn name(&self, number: u32) -> &str {
        self.names.name(number)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Numbered {
    NotYet,
    As(u32),
    LeftOut,
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
    /// What is kept, in words.
    kept: Option<String>,
    currency: Option<Currency>,
    /// `None` leaves it to the measure.
    ties: Option<Ties>,
}

impl fmt::Debug for Cases {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.semantics())
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
        self.kept = None;
        self
    }

    /// As [`Cases::keeping`], and says in words which steps are kept, for the semantics of results.
    pub fn keeping_only(
        self,
        what: impl Into<String>,
        keeps: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let kept = Some(what.into());
        Self { kept, ..self.keeping(keeps) }
    }

    /// Makes a case worth what was ordered in it in a currency: the amounts of its orders as they were placed.
    pub fn valued_in(mut self, currency: Currency) -> Self {
        self.currency = Some(currency);
        self
    }

    /// Sets in which order steps of one instant stand. Where nothing is said they stand as they are folded, in
    /// [`Paths`](super::Paths) by name. [`Norms`](super::Norms) look at events as they are folded in any case.
    pub fn with_ties(mut self, ties: Ties) -> Self {
        self.ties = Some(ties);
        self
    }

    /// Sets it where nothing was said.
    pub(super) fn or_ties(mut self, ties: Ties) -> Self {
        self.ties.get_or_insert(ties);
        self
    }

    /// What a case, a step and a value is, in words, for who reads the figures.
    pub(super) fn semantics(&self) -> String {
        let by = match self.by {
            CaseBy::Customer => "customer",
            CaseBy::Journey => "journey (events without one are left out)",
        };
        let kept = match (&self.keeps, &self.kept) {
            (None, _) => String::new(),
            (Some(_), Some(what)) => format!(", steps other than {what} left out"),
            (Some(_), None) => ", some steps left out".to_owned(),
        };
        let value = match self.currency {
            Some(currency) => format!("worth their orders in {currency} as placed"),
            None => "worth nothing".to_owned(),
        };
        let ties = self.ties.unwrap_or(Ties::AsFolded).semantics();
        format!("cases by {by}, steps by {}{kept}, {ties}, {value}", self.activity)
    }

    pub(super) fn case_by(&self) -> CaseBy {
        self.by
    }

    pub(super) fn activity(&self) -> &Activity {
        &self.activity
    }

    fn keeps(&self, name: &str) -> bool {
        self.keeps.as_ref().is_none_or(|keeps| keeps(name))
    }

    /// The name of an event as a step, if it is one that is kept.
    pub(super) fn name<'a>(&self, event: &EventView<'a>) -> Option<Cow<'a, str>> {
        self.activity.name(event).filter(|name| self.keeps(name))
    }

    /// Calls with each case of a history that has a step, and the names of steps.
    pub(super) fn for_each(
        &self,
        history: &History<'_>,
        steps: &mut StepNames,
        mut take: impl FnMut(&Case, &Names),
    ) {
        match self.by {
            CaseBy::Customer => {
                // The case before lends its memory.
                let mut case = std::mem::take(&mut steps.case);
                case.clear();
                case.steps.reserve(history.events().len());
                self.add(&mut case, history.events(), steps);
                self.take(&mut case, &steps.names, &mut take);
                steps.case = case;
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
                    self.add(&mut cases[place], std::slice::from_ref(event), steps);
                }
                cases.iter_mut().for_each(|case| self.take(case, &steps.names, &mut take));
            }
        }
    }

    fn add(&self, case: &mut Case, events: &[EventView<'_>], steps: &mut StepNames) {
        if self.currency.is_some() {
            let orders = events.iter().filter(|event| event.kind() == EventKind::OrderPlaced);
            orders.for_each(|event| self.add_order(case, event));
        }
        for event in events {
            if let Some(activity) = self.activity.number(event, steps, |name| self.keeps(name)) {
                case.steps.push(CaseStep { activity, at: event.occurred_at().as_micros() });
            }
        }
    }

    fn take(&self, case: &mut Case, names: &Names, take: &mut impl FnMut(&Case, &Names)) {
        if self.ties == Some(Ties::ByName) {
            case.order_ties(names);
        }
        if !case.steps.is_empty() {
            take(case, names);
        }
    }

    fn add_order(&self, case: &mut Case, event: &EventView<'_>) {
        if let Some(money) = event.money_amount().filter(|money| Some(money.currency) == self.currency) {
            let value = i128::from(money.amount.as_ten_thousandths());
            case.value += value;
            case.orders.push((event.occurred_at().as_micros(), value));
        }
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

impl Case {
    /// Puts steps of one instant in the order of their names.
    fn order_ties(&mut self, names: &Names) {
        // Most steps differ in time, and stand in its order already.
        for instant in self.steps.chunk_by_mut(|a, b| a.at == b.at).filter(|instant| instant.len() > 1) {
            instant.sort_by(|a, b| names.name(a.activity).cmp(names.name(b.activity)));
        }
    }

    fn clear(&mut self) {
        self.steps.clear();
        self.value = 0;
        self.orders.clear();
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct CaseStep {
    pub(super) activity: u32,
    pub(super) at: i64,
}
