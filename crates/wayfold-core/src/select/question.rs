//! A selection made ready for a set of projections: every name looked up once.

use std::cell::{Cell, OnceCell};
use std::sync::Arc;

use super::condition::{Asked, Condition};
use super::rank::{Rank, Value};
use super::sample::sample;
use super::verdict::FilterVerdict;
use super::{OrderDirection, Selection};
use crate::error::{Error, ErrorKind, Result};
use crate::field::{Path, Tree};
use crate::fold::Fold;
use crate::key::CustomerId;
use crate::list::{CustomerList, LISTED};
use crate::projection::{CustomerAt, ProjectionSet};
use crate::time::Timestamp;

/// The fields of the view itself.
const OWN: [(&str, Own); 6] = [
    ("key.customer", Own::Customer),
    ("events", Own::Events),
    ("unknown_events", Own::UnknownEvents),
    ("first_seen_at", Own::FirstSeenAt),
    ("last_seen_at", Own::LastSeenAt),
    ("holds_until", Own::HoldsUntil),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Own {
    Customer,
    Events,
    UnknownEvents,
    FirstSeenAt,
    LastSeenAt,
    HoldsUntil,
}

/// Where the value of a field comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Own(Own),
    /// Whether the customer is on a list.
    List(Arc<CustomerList>),
    /// The view of a projection; the members that are looked at, or all.
    View {
        column: usize,
        wanted: Option<Vec<String>>,
    },
}

pub(super) struct Question {
    condition: Condition,
    order: usize,
    direction: OrderDirection,
    fields: Fields,
}

/// The fields that filter and order mention, each once.
struct Fields {
    names: Vec<String>,
    /// Of each field, the number of its source and the way from there.
    paths: Vec<(usize, Path)>,
    sources: Vec<Source>,
    projections: Vec<String>,
    lists: Vec<Arc<CustomerList>>,
}

impl Question {
    pub(super) fn new(selection: &Selection, projections: &ProjectionSet) -> Result<Self> {
        selection.filter.check_limits()?;
        let mut fields = Fields {
            names: Vec::new(),
            paths: Vec::new(),
            sources: Vec::new(),
            projections: projections.field_names(),
            lists: projections.shared_lists().cloned().collect(),
        };
        let condition = Condition::new(&selection.filter, &mut |name| fields.number(name))?;
        let order = fields.number(&selection.order.field)?;
        if fields.paths[order].1.is_plural() {
            let message =
                format_args!("order by {:?}: [*] gives many values; name one element", fields.names[order]);
            return Err(Error::new(ErrorKind::InvalidSelection, message));
        }
        let question = Self { condition, order, direction: selection.order.direction, fields };
        question.check(projections)?;
        Ok(question)
    }

    /// Asks the question of examples.
    fn check(&self, projections: &ProjectionSet) -> Result<()> {
        let samples = self.fields.sources.iter().map(|source| source.sample(projections));
        let samples: Vec<Option<Tree>> = samples.collect::<Result<_>>()?;
        let mut examples = Vec::new();
        for (name, (source, path)) in self.fields.names.iter().zip(&self.fields.paths) {
            let sample = samples[*source].as_ref();
            let found = sample.map_or(Ok(Vec::new()), |sample| path.through_each().values(sample));
            examples.push(found.map_err(|message| bad_field(name, &message))?);
        }
        self.condition.check(&self.fields.names, &examples)?;
        let customer = CustomerId::new("c1")?;
        self.rank(examples[self.order].first().copied(), customer).map(|_| ())
    }

    /// Where a customer stands in the order; `None` if the filter does not select it.
    pub(super) fn ask(&self, fold: &Fold, customer: usize, as_of: Timestamp) -> Result<Option<Rank>> {
        let seen = Seen::new(&self.fields, fold, customer, as_of);
        if !seen.asked(|asked| self.condition.holds(asked))? {
            return Ok(None);
        }
        self.rank(seen.values(self.order)?.first().copied(), fold.key(customer).customer).map(Some)
    }

    /// Whether the filter selects a customer, and how long it stays so.
    pub(super) fn judge(&self, fold: &Fold, customer: usize, as_of: Timestamp) -> Result<FilterVerdict> {
        let seen = Seen::new(&self.fields, fold, customer, as_of);
        let (holds, until) = seen.asked(|asked| Ok((self.condition.holds(asked)?, asked.until.get())))?;
        let until = seen.holds_until().map_or(until, |end| end.min(until));
        Ok(FilterVerdict { holds, until: Some(until).filter(|until| *until < Timestamp::MAX) })
    }

    /// What the field of the order holds; `None` if it has no value.
    pub(super) fn value(&self, fold: &Fold, customer: usize, as_of: Timestamp) -> Result<Option<Value>> {
        let seen = Seen::new(&self.fields, fold, customer, as_of);
        let tree = seen.values(self.order)?.first().copied();
        tree.map(|tree| Value::of(tree).ok_or_else(|| self.no_order(Some(tree)))).transpose()
    }

    fn rank(&self, value: Option<&Tree>, customer: CustomerId) -> Result<Rank> {
        Rank::new(value, self.direction, customer).ok_or_else(|| self.no_order(value))
    }

    fn no_order(&self, value: Option<&Tree>) -> Error {
        let what = value.map_or("nothing", Tree::what);
        let field = &self.fields.names[self.order];
        let message = format_args!("order by {field:?}: it holds {what}, which has no order");
        Error::new(ErrorKind::InvalidSelection, message)
    }
}

/// A customer as the question sees it.
struct Seen<'a> {
    fields: &'a Fields,
    fold: &'a Fold,
    customer: usize,
    at: CustomerAt<'a>,
    /// By source. A view is made when a field of it is looked at: most customers are passed over by the first.
    trees: Vec<OnceCell<Tree>>,
}

impl<'a> Seen<'a> {
    fn new(fields: &'a Fields, fold: &'a Fold, customer: usize, as_of: Timestamp) -> Self {
        let at = fold.customer_at(customer, as_of);
        Self { fields, fold, customer, at, trees: fields.sources.iter().map(|_| OnceCell::new()).collect() }
    }

    fn values(&self, field: usize) -> Result<Vec<&Tree>> {
        let (source, path) = &self.fields.paths[field];
        let tree = match self.trees[*source].get() {
            Some(tree) => tree,
            None => {
                let tree = self.fields.sources[*source].tree(self.fold, self.customer, &self.at)?;
                self.trees[*source].get_or_init(|| tree)
            }
        };
        path.values(tree).map_err(|message| bad_field(&self.fields.names[field], &message))
    }

    fn asked<T>(&self, ask: impl FnOnce(&Asked<'_, '_>) -> Result<T>) -> Result<T> {
        let values = |field: usize| self.values(field);
        let until = Cell::new(Timestamp::MAX);
        ask(&Asked { as_of: self.at.as_of(), names: &self.fields.names, values: &values, until })
    }

    /// The last instant at which everything that was looked at stays as it is; `None` for ever.
    fn holds_until(&self) -> Option<Timestamp> {
        let looked_at = self.fields.sources.iter().zip(&self.trees).filter(|(_, tree)| tree.get().is_some());
        let ends = looked_at.filter_map(|(source, _)| source.holds_until(self.fold, self.customer, &self.at));
        ends.filter(|end| *end >= self.at.as_of()).min()
    }
}

impl Fields {
    /// The number of a field, which is looked up when it is mentioned first.
    fn number(&mut self, name: &str) -> Result<usize> {
        if let Some(number) = self.names.iter().position(|known| known == name) {
            return Ok(number);
        }
        let (source, path) = self.find(name)?;
        let source = self.source(source, &path);
        self.names.push(name.to_owned());
        self.paths.push((source, path));
        Ok(self.names.len() - 1)
    }

    fn find(&self, name: &str) -> Result<(Source, Path)> {
        let no_step = || Path::parse("").expect("no step is a path");
        if let Some(list) = name.strip_prefix(LISTED) {
            let known = self.lists.iter().find(|known| known.name() == list);
            let list = known.ok_or_else(|| self.unlisted(name))?;
            return Ok((Source::List(list.clone()), no_step()));
        }
        let own = OWN.iter().find(|(known, _)| *known == name).map(|(_, own)| *own);
        let ends = |rest: &str| rest.is_empty() || rest.starts_with(['.', '[']);
        let of_projection = self.projections.iter().enumerate().filter_map(|(column, projection)| {
            let rest = name.strip_prefix(projection.as_str()).filter(|rest| ends(rest))?;
            Some((column, rest))
        });
        // A projection may be named like another and a member of it: the longer name counts.
        match (own, of_projection.min_by_key(|(_, rest)| rest.len())) {
            (Some(_), Some(_)) => {
                Err(bad_field(name, "a projection is named like this field of the view; name it differently"))
            }
            (Some(own), None) => Ok((Source::Own(own), no_step())),
            (None, Some((column, rest))) => {
                let path = Path::parse(rest).map_err(|message| bad_field(name, &message))?;
                Ok((Source::View { column, wanted: Some(Vec::new()) }, path))
            }
            (None, None) => Err(self.unknown(name)),
        }
    }

    fn unlisted(&self, name: &str) -> Error {
        let known: Vec<&str> = self.lists.iter().map(|list| list.name()).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        bad_field(name, &format!("there is no such list; there is: {known}"))
    }

    fn unknown(&self, name: &str) -> Error {
        let own = OWN.iter().map(|(name, _)| *name);
        let known: Vec<&str> = own.chain(self.projections.iter().map(String::as_str)).collect();
        bad_field(name, &format!("no projection or field is named so; there is: {}", known.join(", ")))
    }

    /// The number of a source, which is shared by the fields that come from it.
    fn source(&mut self, source: Source, path: &Path) -> usize {
        let same = |known: &Source| match (known, &source) {
            (Source::View { column, .. }, Source::View { column: asked, .. }) => column == asked,
            (known, asked) => known == asked,
        };
        let number = self.sources.iter().position(same).unwrap_or(self.sources.len());
        if number == self.sources.len() {
            self.sources.push(source);
        }
        if let Source::View { wanted, .. } = &mut self.sources[number] {
            match (path.first_member(), wanted.as_mut()) {
                (Some(member), Some(wanted)) => wanted.push(member.to_owned()),
                _ => *wanted = None,
            }
        }
        number
    }
}

impl Source {
    fn tree(&self, fold: &Fold, customer: usize, at: &CustomerAt<'_>) -> Result<Tree> {
        let record = at.record();
        let instant = |instant: Timestamp| Tree::Instant(instant.to_string());
        Ok(match self {
            Self::Own(Own::Customer) => Tree::Name(fold.key(customer).customer.as_str().to_owned()),
            Self::Own(Own::Events) => Tree::Integer(record.events().into()),
            Self::Own(Own::UnknownEvents) => Tree::Integer(record.unknown_events().into()),
            Self::Own(Own::FirstSeenAt) => instant(record.first_seen_at()),
            Self::Own(Own::LastSeenAt) => instant(record.last_seen_at()),
            Self::Own(Own::HoldsUntil) => fold.held_until(customer, at).map_or(Tree::Null, instant),
            Self::List(list) => Tree::Boolean(list.contains(&fold.key(customer), at.as_of())),
            Self::View { column, wanted } => {
                let wanted: Option<Vec<&str>> =
                    wanted.as_ref().map(|names| names.iter().map(String::as_str).collect());
                fold.columns()[*column].view_tree(customer, at, wanted.as_deref())?
            }
        })
    }

    fn holds_until(&self, fold: &Fold, customer: usize, at: &CustomerAt<'_>) -> Option<Timestamp> {
        match self {
            Self::Own(Own::HoldsUntil) => fold.held_until(customer, at),
            Self::Own(_) => None,
            Self::List(list) => list.holds_until(&fold.key(customer).tenant, at.as_of()),
            Self::View { column, .. } => fold.columns()[*column].holds_until(customer, at),
        }
    }

    fn sample(&self, projections: &ProjectionSet) -> Result<Option<Tree>> {
        Ok(match self {
            Self::Own(Own::Customer) => Some(Tree::Name("c1".to_owned())),
            Self::Own(Own::Events | Own::UnknownEvents) => Some(Tree::Integer(1)),
            Self::Own(Own::FirstSeenAt | Own::LastSeenAt | Own::HoldsUntil) => {
                Some(Tree::Instant(Timestamp::MIN.to_string()))
            }
            Self::List(_) => Some(Tree::Boolean(true)),
            Self::View { column, .. } => sample(projections, *column)?,
        })
    }
}

fn bad_field(name: &str, message: &str) -> Error {
    Error::new(ErrorKind::InvalidSelection, format_args!("field {name:?}: {message}"))
}
