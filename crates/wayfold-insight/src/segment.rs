//! Segments by rules: who belongs to them, told by what is known of one customer and its events.

mod compare;
mod measure;
mod members;
mod parse;
mod print;
mod ranking;
mod schedule;
mod standings;
mod token;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use wayfold_core::{CustomerList, Filter, Projection, ProjectionSet};

pub use self::compare::{
    CompareSegments, ComparedCustomer, ComparedGroup, ComparedGroups, ComparedTotal, ComparedVersion,
    MemberChanges, SegmentComparison, SegmentVersion,
};
pub use self::measure::{EventMeasure, EventMeasureState, EventMeasureView};
pub use self::members::{MemberChange, Members};
use self::parse::Parser;
use self::print::Printed;
pub use self::ranking::RankRule;
pub use self::schedule::Schedule;
pub use self::standings::{Standings, StandingsTotal};
use crate::error::{Error, ErrorKind, Result};

/// A rule about one customer, as text: comparisons of fields and of what happened, joined by `and`, `or` and `not`.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, Fold, JourneyEvent, ProductViewed, ProjectionSet, Rules, Selection, Tenant, Timestamp,
/// };
/// use wayfold_insight::Rule;
///
/// let rule: Rule = "lifecycle.stage is prospect and count of product_viewed within 7 days >= 2".parse()?;
///
/// let ada = CustomerKey::new("ada")?;
/// let view = |id, at| -> wayfold_core::Result<JourneyEvent> {
///     Ok(JourneyEvent::new(EventId::from_u128(id), ada.clone(), Timestamp::parse(at)?, ProductViewed {}))
/// };
/// let mut projections = ProjectionSet::new(Rules::default())?;
/// for measure in rule.measures() {
///     projections.register(measure.clone())?;
/// }
/// let mut fold = Fold::new(&projections);
/// let _ = fold.apply(&[EventBatch::from_events(&[view(1, "2024-03-01")?, view(2, "2024-03-05")?])?]);
///
/// let verdict = |at| fold.verdicts(rule.filter(), [(&ada, at)]);
/// let now = verdict(Timestamp::parse("2024-03-06")?)?[0].expect("ada is known");
/// assert!(now.holds);
/// let until = now.until.expect("views leave the window");
/// assert_eq!(until.next(), Timestamp::parse("2024-03-08")?);
/// assert!(!verdict(until.next())?[0].expect("ada is known").holds);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # The language
/// ```text
/// rule  = all { "or" all }                     all  = one { "and" one }
/// one   = "not" one | "(" rule ")" | subject test | kind "followed by" kind "within" span
///       | "in list" name | ranking
/// subject = field | "count of" kind "within" span
/// test  = "is" ["not"] value | ("<" | "<=" | ">" | ">=") value | "in" "(" value { "," value } ")"
///       | "between" value "and" value | "contains" value | "exists" | ("older" | "newer") "than" span
/// ranking  = ( field "in" ("top" | "bottom") share | ("score of" field | "rfm" part "in" currency) score ) schedule
/// part     = "recency" | "frequency" | "monetary"      score = ("is" | "<=" | ">=") ("1" | ... | "5")
/// schedule = "each" ("day" | "week" | "month") [ "in" zone ]
/// ```
/// - Fields and what they compare with are those of [`Filter`]; `between` includes both ends.
/// - A value is a word such as `loyal`, a number, a date or instant, money such as `9.5 EUR`, `true`, `false`, or a text
///   in quotes as JSON writes it. `and`, `or`, `not`, `true` and `false` as texts stand in quotes.
/// - A kind is a name such as `order_placed`, or `custom:NAME`; in quotes if it is not one word.
/// - A list is a [`CustomerList`](wayfold_core::CustomerList); [`RankRule`] says what is asked of all customers, and when.
/// - A span is a whole number of days, hours, minutes, seconds or microseconds.
/// - `not` binds tighter than `and`, and that tighter than `or`. Line ends are spaces.
///
/// Written, a rule has one form, which reads as the same rule; so serde writes it too. A text has at most 64 KiB, and its
/// filter the limits of [`Filter`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Rule {
    filter: Filter,
    measures: Vec<EventMeasure>,
    rankings: Vec<RankRule>,
    lists: Vec<String>,
}

/// A rule under a name and a version, which what rests on it cites.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The name.
    pub name: String,
    /// Counts up with every change of the rule.
    pub version: u32,
    /// Who belongs to it.
    pub rule: Rule,
}

impl Rule {
    /// The filter that selects whom the rule means, where its measures are registered.
    pub fn filter(&self) -> &Filter {
        &self.filter
    }

    /// What the rule asks of events, each once: projections to be registered before its filter is asked. Rules may share
    /// them.
    pub fn measures(&self) -> &[EventMeasure] {
        &self.measures
    }

    /// What the rule asks of all customers, by its text: rankings whose lists [`Standings`] makes, to be put before its filter
    /// is asked.
    pub fn rankings(&self) -> &[RankRule] {
        &self.rankings
    }

    /// The names of the other lists that it asks for, in order.
    pub fn lists(&self) -> &[String] {
        &self.lists
    }

    /// Registers what the rule asks of events, as far as it is not registered, and looks whether its lists are put.
    ///
    /// # Errors
    /// `InvalidRule` if a list is not there, with the names of those that are.
    pub fn register(&self, projections: &mut ProjectionSet) -> Result<()> {
        let mut wanted =
            self.lists.iter().map(String::as_str).chain(self.rankings.iter().map(RankRule::as_str));
        if let Some(name) = wanted.find(|name| projections.list(name).is_none()) {
            let known: Vec<&str> = projections.lists().map(CustomerList::name).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let message = format_args!("no list is named {name:?}; there is: {known}; put it first");
            return Err(Error::new(ErrorKind::InvalidRule, message));
        }
        for measure in &self.measures {
            if !projections.contains(measure.name(), measure.version()) {
                let registered = projections.register(measure.clone());
                registered.map_err(|error| Error::new(ErrorKind::InvalidRule, error))?;
            }
        }
        Ok(())
    }
}

impl FromStr for Rule {
    type Err = Error;

    /// Reads a rule.
    ///
    /// # Errors
    /// `InvalidRule` with line and column, and what was expected there; or what limit is exceeded.
    fn from_str(text: &str) -> Result<Self> {
        let mut rule = Parser::read(text, |parser| {
            let filter = parser.rule()?;
            let (measures, rankings) =
                (std::mem::take(&mut parser.measures), std::mem::take(&mut parser.rankings));
            Ok(Self { filter, measures, rankings, lists: std::mem::take(&mut parser.lists) })
        })?;
        rule.filter.check_limits().map_err(|error| Error::new(ErrorKind::InvalidRule, error))?;
        rule.measures.sort();
        rule.measures.dedup();
        rule.rankings.sort_by(|a, b| a.as_str().cmp(b.as_str()));
        rule.rankings.dedup();
        rule.lists.sort();
        rule.lists.dedup();
        Ok(rule)
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Printed(&self.filter).fmt(f)
    }
}

impl TryFrom<String> for Rule {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Rule> for String {
    fn from(rule: Rule) -> String {
        rule.to_string()
    }
}
