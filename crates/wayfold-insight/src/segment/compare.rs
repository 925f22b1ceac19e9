//! Two versions of a segment, held against each other over the same histories.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use wayfold_core::{
    Currency, CustomerKey, FilterJudge, Fold, History, MoneySum, ProjectionSet, Rules, Spell, Timestamp,
};

use super::Segment;
use crate::error::{Error, ErrorKind, Result};
use crate::measure::{Measure, Tally};

/// A segment under thresholds, made ready to be compared with another version of it.
///
/// Versions differ in the segment's rule, in the thresholds (`Rules`) that the fields of its rule rest on, or in both.
#[derive(Debug, Clone)]
pub struct SegmentVersion {
    segment: Segment,
    judge: FilterJudge,
}

impl SegmentVersion {
    /// Takes a segment under thresholds.
    ///
    /// # Errors
    /// `InvalidRule` if the thresholds contradict each other, or the rule names a field that there is not.
    pub fn new(segment: Segment, rules: Rules) -> Result<Self> {
        Self::over(segment, ProjectionSet::new(rules).map_err(unanswerable)?)
    }

    /// Takes a segment over projections, one's own among them; what its rule asks of events is registered as far as it is
    /// not.
    ///
    /// # Errors
    /// `InvalidRule` if the rule names a field that there is not.
    pub fn over(segment: Segment, mut projections: ProjectionSet) -> Result<Self> {
        segment.rule.register(&mut projections)?;
        let judge = FilterJudge::new(&projections, segment.rule.filter()).map_err(unanswerable)?;
        Ok(Self { segment, judge })
    }

    /// The segment.
    pub fn segment(&self) -> &Segment {
        &self.segment
    }

    fn named(&self) -> ComparedVersion {
        let rules = self.judge.projections().rules().version.clone();
        ComparedVersion { segment: self.segment.clone(), rules }
    }
}

fn unanswerable(error: wayfold_core::Error) -> Error {
    Error::new(ErrorKind::InvalidRule, error)
}

/// Measures who belongs to a segment by an old version of it and by a new one, at an instant and in the time before it.
///
/// Histories are measured up to the end of the period or later: what happened behind it is not looked at, and what is
/// known now counts for every instant. The total keeps a record of each customer that belongs by either version at some
/// instant of the period, and none of the others.
///
/// ```
/// use wayfold_core::{
///     CustomerKey, EventBatch, EventId, JourneyEvent, ProductViewed, Rules, Shard, Timestamp, for_each_history,
/// };
/// use wayfold_insight::{CompareSegments, Measure, Segment, SegmentVersion};
///
/// let version = |version, rule: &str| {
///     let segment = Segment { name: "looking".to_owned(), version, rule: rule.parse()? };
///     SegmentVersion::new(segment, Rules::default())
/// };
/// let day = |text| Timestamp::parse(text);
/// let (old, new) = (version(1, "last_seen_at newer than 7 days")?, version(2, "last_seen_at newer than 3 days")?);
/// let question = CompareSegments::new(old, new, day("2024-03-01")?, day("2024-03-09")?)?;
///
/// let view = |id, name, at| {
///     Ok::<_, wayfold_core::Error>(JourneyEvent::new(EventId::from_u128(id), CustomerKey::new(name)?, at, ProductViewed {}))
/// };
/// let events = [view(1, "ada", day("2024-03-03")?)?, view(2, "bob", day("2024-03-08")?)?];
/// let mut total = Default::default();
/// for_each_history(&[EventBatch::from_events(&events)?], Shard::ALL, Timestamp::MAX, |history| {
///     question.add(history, 1, &mut total);
/// });
/// let found = question.report(&total, 1)?;
/// assert_eq!((found.at_end.both.customers, found.at_end.only_old.customers), (1, 1));
/// assert_eq!(found.at_end.only_old.examples[0].customer.to_string(), "ada");
/// // Both belonged by both versions at some time, and ada left at another instant by each.
/// assert_eq!((found.in_period.both.customers, found.at_other_instants.customers), (2, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct CompareSegments {
    old: SegmentVersion,
    new: SegmentVersion,
    from: Timestamp,
    to: Timestamp,
}

/// The customers that belong by either version.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ComparedTotal {
    customers: i64,
    members: Tally<Compared>,
    /// Customers of whom a rule could not be answered, and why.
    failed: Tally<(CustomerKey, String)>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Compared {
    customer: CustomerKey,
    old: Vec<Spell>,
    new: Vec<Spell>,
    net: Vec<(Currency, i128)>,
}

/// Who belongs by an old version and by a new one; its text says it in sentences.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SegmentComparison {
    /// The old version.
    pub old: ComparedVersion,
    /// The new one.
    pub new: ComparedVersion,
    /// The first instant of the period.
    pub from: Timestamp,
    /// Its last, as of which values are.
    pub to: Timestamp,
    /// Customers that were looked at.
    pub customers: u64,
    /// Who belongs at the last instant.
    pub at_end: ComparedGroups,
    /// Who belongs at some instant of the period.
    pub in_period: ComparedGroups,
    /// Who belongs by both in the period, and entered or left at other instants by each.
    pub at_other_instants: ComparedGroup,
    /// How often customers entered and left within the period by the old version.
    pub old_changes: MemberChanges,
    /// How often by the new one.
    pub new_changes: MemberChanges,
}

/// A version that was compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedVersion {
    /// The segment.
    pub segment: Segment,
    /// The version of the thresholds.
    pub rules: String,
}

/// Customers by the versions that they belong by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedGroups {
    /// By both.
    pub both: ComparedGroup,
    /// By the old one alone.
    pub only_old: ComparedGroup,
    /// By the new one alone.
    pub only_new: ComparedGroup,
}

/// Customers, and what they are worth.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ComparedGroup {
    /// How many.
    pub customers: u64,
    /// Their net value as of the end, by currency in the order of the codes, under the thresholds of the old version.
    pub net: Vec<MoneySum>,
    /// Some of them: those of the highest net value in the currency that most of them have, equals by key.
    pub examples: Vec<ComparedCustomer>,
}

/// A customer, and from when to when it belonged in the period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ComparedCustomer {
    /// Who.
    pub customer: CustomerKey,
    /// When by the old version: the times that reach into the period, whole as far as it ends.
    pub old: Vec<Spell>,
    /// When by the new one.
    pub new: Vec<Spell>,
    /// Its net value as of the end, by currency.
    pub net: Vec<MoneySum>,
}

/// How often customers entered and left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct MemberChanges {
    /// Entered, behind the first instant of the period.
    pub entered: u64,
    /// Left, likewise.
    pub left: u64,
}

impl CompareSegments {
    /// Compares two versions from an instant to another; both may be the same.
    ///
    /// # Errors
    /// `Mismatch` if the period ends before it begins.
    pub fn new(
        old: SegmentVersion,
        new: SegmentVersion,
        from: impl Into<Timestamp>,
        to: impl Into<Timestamp>,
    ) -> Result<Self> {
        let (from, to) = (from.into(), to.into());
        if from > to {
            let message = format_args!("a period from {from} to {to} ends before it begins");
            return Err(Error::new(ErrorKind::Mismatch, message));
        }
        Ok(Self { old, new, from, to })
    }

    /// The figures, with so many examples of each group at the most.
    ///
    /// # Errors
    /// `InvalidRule` if a rule could not be answered of a customer, the first by key, with its reason.
    pub fn report(&self, total: &ComparedTotal, examples: usize) -> Result<SegmentComparison> {
        if let Some((_, why)) = total.failed.iter().next() {
            return Err(Error::new(ErrorKind::InvalidRule, why));
        }
        let members: Vec<&Compared> = total.members.iter().collect();
        let group = |wanted: &dyn Fn(&Compared) -> bool| {
            group(members.iter().copied().filter(|member| wanted(member)), examples)
        };
        let groups = |belongs: fn(&[Spell]) -> bool| {
            let is = |old, new| {
                move |member: &Compared| (belongs(&member.old), belongs(&member.new)) == (old, new)
            };
            ComparedGroups {
                both: group(&is(true, true)),
                only_old: group(&is(true, false)),
                only_new: group(&is(false, true)),
            }
        };
        let instants = |spells: &[Spell]| -> Vec<_> {
            let of = |spell: &Spell| (spell.entered_at.max(self.from), spell.left_at);
            spells.iter().map(of).collect()
        };
        let differ = |member: &Compared| {
            !member.old.is_empty() && !member.new.is_empty() && instants(&member.old) != instants(&member.new)
        };
        Ok(SegmentComparison {
            old: self.old.named(),
            new: self.new.named(),
            from: self.from,
            to: self.to,
            customers: total.customers.max(0) as u64,
            at_end: groups(|spells| spells.last().is_some_and(|last| last.left_at.is_none())),
            in_period: groups(|spells| !spells.is_empty()),
            at_other_instants: group(&differ),
            old_changes: self.changes(members.iter().flat_map(|member| &member.old)),
            new_changes: self.changes(members.iter().flat_map(|member| &member.new)),
        })
    }

    fn changes<'a>(&self, spells: impl Iterator<Item = &'a Spell>) -> MemberChanges {
        let mut changes = MemberChanges::default();
        for spell in spells {
            changes.entered += u64::from(spell.entered_at > self.from);
            changes.left += u64::from(spell.left_at.is_some());
        }
        changes
    }

    /// What is kept of a customer; `None` if it belongs by neither version in the period.
    fn compared(&self, history: &History<'_>) -> wayfold_core::Result<Option<Compared>> {
        let spells = |version: &SegmentVersion| -> wayfold_core::Result<Vec<Spell>> {
            let mut spells = version.judge.spells(history, self.to)?;
            spells.retain(|spell| spell.left_at.is_none_or(|left_at| left_at > self.from));
            Ok(spells)
        };
        let (old, new) = (spells(&self.old)?, spells(&self.new)?);
        if old.is_empty() && new.is_empty() {
            return Ok(None);
        }
        let fold = Fold::of_history(self.old.judge.projections(), &history.until(self.to));
        let customer = fold.customers().remove(0);
        let view = fold.view(&customer, self.to)?;
        let values = view.into_iter().flat_map(|view| view.value.currencies);
        let net = values.map(|value| (value.currency, value.net.as_ten_thousandths())).collect();
        Ok(Some(Compared { customer, old, new, net }))
    }
}

/// Counts customers, and names some of them.
fn group<'a>(members: impl Iterator<Item = &'a Compared>, examples: usize) -> ComparedGroup {
    let mut members: Vec<&Compared> = members.collect();
    let mut net: BTreeMap<Currency, (usize, i128)> = BTreeMap::new();
    for (currency, amount) in members.iter().flat_map(|member| &member.net) {
        let (customers, sum) = net.entry(*currency).or_default();
        (*customers, *sum) = (*customers + 1, *sum + amount);
    }
    // Of currencies that equally many have, the first.
    let common = net.iter().rev().max_by_key(|(_, (customers, _))| *customers).map(|(currency, _)| *currency);
    let worth = |member: &Compared| {
        let own = member.net.iter().find(|(currency, _)| Some(*currency) == common);
        own.map(|(_, amount)| *amount)
    };
    members.sort_by_key(|member| std::cmp::Reverse(worth(member)));
    ComparedGroup {
        customers: members.len() as u64,
        net: net.into_iter().map(|(currency, (_, sum))| MoneySum::new(sum, currency)).collect(),
        examples: members.into_iter().take(examples).map(ComparedCustomer::of).collect(),
    }
}

impl ComparedCustomer {
    fn of(compared: &Compared) -> Self {
        let Compared { customer, old, new, net } = compared.clone();
        let net = net.into_iter().map(|(currency, amount)| MoneySum::new(amount, currency)).collect();
        Self { customer, old, new, net }
    }
}

impl Measure for CompareSegments {
    type Total = ComparedTotal;

    fn add(&self, history: &History<'_>, times: i64, total: &mut ComparedTotal) {
        if history.until(self.to).events().is_empty() {
            return;
        }
        total.customers += times;
        match self.compared(history) {
            Ok(Some(compared)) => total.members.add(compared, times),
            Ok(None) => {}
            Err(error) => {
                let (tenant, customer) = history.customer();
                if let Ok(key) = CustomerKey::in_tenant(tenant, customer) {
                    total.failed.add((key, error.to_string()), times);
                }
            }
        }
    }

    fn merge(&self, total: &mut ComparedTotal, other: ComparedTotal) {
        total.customers += other.customers;
        total.members.merge(other.members);
        total.failed.merge(other.failed);
    }
}

impl fmt::Display for SegmentComparison {
    /// What is compared, the counts and sums of each group, and the examples, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = |of: &ComparedVersion| {
            let Segment { name, version, rule } = &of.segment;
            format!("{name} version {version} under rules {:?}: {rule}", of.rules)
        };
        writeln!(f, "old: {}", version(&self.old))?;
        writeln!(f, "new: {}", version(&self.new))?;
        let lines = |f: &mut fmt::Formatter<'_>, groups: &ComparedGroups| {
            writeln!(f, "  both: {}", groups.both)?;
            write!(f, "  only old: {}", groups.only_old)?;
            groups.only_old.write_examples(f)?;
            write!(f, "\n  only new: {}", groups.only_new)?;
            groups.only_new.write_examples(f)
        };
        writeln!(f, "as of {}, of {} customers:", self.to, self.customers)?;
        lines(f, &self.at_end)?;
        if self.from == self.to {
            return Ok(());
        }
        writeln!(f, "\nat some instant since {}:", self.from)?;
        lines(f, &self.in_period)?;
        write!(f, "\n  both, at other instants: {}", self.at_other_instants)?;
        self.at_other_instants.write_examples(f)?;
        let (old, new) = (self.old_changes, self.new_changes);
        write!(f, "\n  entered {} and left {} by the old, ", old.entered, old.left)?;
        write!(f, "entered {} and left {} by the new", new.entered, new.left)
    }
}

impl fmt::Display for ComparedGroup {
    /// How many, and their net value, such as `12 customers, net 99.50 EUR`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.customers, if self.customers == 1 { "customer" } else { "customers" })?;
        self.net.iter().try_for_each(|net| write!(f, ", net {net}"))
    }
}

impl ComparedGroup {
    fn write_examples(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.examples.iter().try_for_each(|customer| write!(f, "\n    {customer}"))
    }
}

impl fmt::Display for ComparedCustomer {
    /// Who, and from when to when by each version, with the number of events that began or ended it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: old ", self.customer)?;
        write_spells(f, &self.old)?;
        f.write_str("; new ")?;
        write_spells(f, &self.new)
    }
}

fn write_spells(f: &mut fmt::Formatter<'_>, spells: &[Spell]) -> fmt::Result {
    if spells.is_empty() {
        return f.write_str("never");
    }
    let cause = |events: &[wayfold_core::EventId]| match events {
        [] => "by time alone".to_owned(),
        [event] => format!("by event {event}"),
        [event, rest @ ..] => format!("by event {event} and {} more", rest.len()),
    };
    for (place, spell) in spells.iter().enumerate() {
        let separator = if place == 0 { "" } else { ", " };
        write!(f, "{separator}from {} {}", spell.entered_at, cause(&spell.entered_by))?;
        if let Some(left_at) = spell.left_at {
            write!(f, " to {left_at} {}", cause(&spell.left_by))?;
        }
    }
    Ok(())
}
