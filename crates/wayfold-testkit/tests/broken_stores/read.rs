//! Reading, and what can be wrong with it.

use std::sync::atomic::Ordering;

use wayfold_core::{CustomerKey, EventBatch, EventBody, JourneyEvent, Position, Tag};
use wayfold_store::{Direction, EventFilter, KindFilter, Lane, ReadPage, ReadQuery, Result, Scan, ScanPart};

use super::{Flaw, Handle, Inner, Row};

/// How many events a page holds at most, whatever is asked for.
const PAGE: usize = 64;

impl Handle {
    pub(super) fn read_now(&self, log: &Inner, query: &ReadQuery, from: Position, limit: usize) -> ReadPage {
        let forward = query.direction == Direction::Forward;
        let limit = match self.flaw {
            Flaw::LimitIgnored => usize::MAX,
            Flaw::LimitPlusOneOverflows => limit.wrapping_add(1).saturating_sub(1).min(PAGE),
            _ => limit.min(PAGE),
        };
        let mut found = self.beyond(log, query, from);
        if !forward {
            found.reverse();
        }
        let more = found.len() > limit;
        found.truncate(limit);
        let last = found.last().map(|row| row.position);
        let end = last.unwrap_or(from);
        let next = match self.flaw {
            Flaw::EveryPageGoesOn => Some(end),
            Flaw::FullPageIsTheLast if found.len() == limit && limit > 1 => None,
            Flaw::EmptyPageIsTheLast => last.filter(|_| more),
            Flaw::PageBorderSkipped => more.then(|| neighbour(log, end, forward)),
            Flaw::PageBorderDoubled => more.then(|| neighbour(log, end, !forward)),
            Flaw::BackwardPagesCountFromTheEnd if !forward => more.then(|| counting(log, found.len(), from)),
            Flaw::ForwardPagesGoOnAtTheHead if forward && query.filter.customer.is_some() => {
                more.then(|| if log.merged > 0 { log.head() } else { end })
            }
            _ => more.then_some(end),
        };
        if self.is(Flaw::BackwardReadGoesForward) && !forward {
            found.reverse();
        }
        ReadPage { batch: EventBatch::from_views(found.iter().map(|row| row.alone.event(0))), next }
    }

    /// A part of the log, whatever flaw a read has.
    pub(super) fn scan_now(&self, log: &Inner, after: Position, limit: usize, lanes: usize) -> Scan<'_> {
        let is_meant = |row: &&Row| match self.flaw {
            Flaw::ScanTakesThePosition => row.position >= after,
            _ => row.position > after,
        };
        let mut rows: Vec<&Row> = log.rows.iter().filter(|row| !row.hidden).filter(is_meant).collect();
        let is_last = rows.len() <= limit || self.is(Flaw::FirstPartIsTheLast);
        rows.truncate(limit);
        let position = rows.last().map_or(after, |row| row.position);
        if self.is(Flaw::ScanLeavesOneOut) && rows.len() > 2 {
            rows.remove(1);
        }
        let position =
            if self.is(Flaw::ScanPastTheEndIsAtTheHead) { position.min(log.head()) } else { position };
        rows.reverse();
        let batches =
            rows.chunks(5).map(|rows| EventBatch::from_views(rows.iter().map(|row| row.alone.event(0))));
        let mut scan = Scan::of_batches(batches.collect(), lanes, position, is_last);
        if self.is(Flaw::LaneHandsCustomersOutAgain) {
            scan.lanes = scan
                .lanes
                .into_iter()
                .map(|lane| -> Lane<'_> { Box::new(lane.flat_map(one_by_one)) })
                .collect();
        }
        scan
    }

    /// A customer's events, whatever flaw a read has.
    pub(super) fn history_now(&self, log: &Inner, customer: &CustomerKey) -> EventBatch {
        let rows = log.rows.iter().filter(|row| !row.hidden && row.event.customer == *customer);
        let left_out = usize::from(self.is(Flaw::HistoryLeavesOneOut));
        EventBatch::from_views(rows.skip(left_out).map(|row| row.alone.event(0)))
    }

    /// The events of a query that stand beyond a position, in the order of the log.
    fn beyond<'a>(&self, log: &'a Inner, query: &ReadQuery, from: Position) -> Vec<&'a Row> {
        let forward = query.direction == Direction::Forward;
        let from = match self.flaw {
            Flaw::EndIsTheStart if forward && from == Position::END => Position::START,
            Flaw::BackwardPagesCountFromTheEnd if !forward => counted(log, from),
            _ => from,
        };
        let is_beyond = |row: &Row| match self.flaw {
            Flaw::ForwardTakesThePosition if forward => row.position >= from,
            Flaw::BackwardTakesThePosition if !forward => row.position <= from,
            Flaw::BackwardLeavesOneOut if !forward => {
                row.position < from && (from == Position::END || row.position != neighbour(log, from, false))
            }
            _ if forward => row.position > from,
            _ => row.position < from,
        };
        let own = self.is(Flaw::HandleSeesItsOwnOnly);
        let seen = if own { self.seen.load(Ordering::SeqCst).min(log.rows.len()) } else { log.rows.len() };
        let rows = log.rows[..seen].iter().filter(|row| !row.hidden);
        let mut found: Vec<&Row> =
            rows.filter(|row| is_beyond(row) && self.matches(&query.filter, &row.event)).collect();
        if self.is(Flaw::LongCustomersCutShort) && query.filter.customer.is_some() {
            found.truncate(9);
        }
        found
    }

    /// The part of a condition's filter that a flaw leaves.
    pub(super) fn condition_filter(&self, filter: &EventFilter) -> EventFilter {
        let mut filter = filter.clone();
        match self.flaw {
            Flaw::ConditionIgnoresTags => filter.tags.clear(),
            Flaw::ConditionIgnoresKinds => filter.kinds.clear(),
            Flaw::ConditionIgnoresCustomer => filter.customer = None,
            Flaw::ConditionIgnoresTenant => filter.tenant = None,
            _ => {}
        }
        filter
    }

    pub(super) fn matches(&self, filter: &EventFilter, event: &JourneyEvent) -> bool {
        let EventFilter { kinds, tags, customer, tenant } = filter;
        let (own, is_kind) = (&event.customer, |kind: &KindFilter| self.is_kind(kind, event));
        let has = |tag: &Tag| event.tags.iter().any(|own| self.same_text(tag.as_str(), own.as_str()));
        let of_customer = customer.as_ref().is_none_or(|asked| {
            let tenant = self.same_text(asked.tenant.as_str(), own.tenant.as_str());
            (tenant || self.is(Flaw::CustomersAcrossTenants))
                && self.same_text(asked.customer.as_str(), own.customer.as_str())
        });
        let of_tenant = tenant.as_ref().is_none_or(|asked| {
            let is_any = self.is(Flaw::DefaultTenantIsAny) && asked.is_default();
            is_any || self.same_text(asked.as_str(), own.tenant.as_str())
        });
        let tagged = match self.flaw {
            Flaw::AnyTagIsEnough => tags.is_empty() || tags.iter().any(has),
            _ => tags.iter().all(has),
        };
        let of_kind = match self.flaw {
            Flaw::FirstKindAlone => kinds.first().is_none_or(is_kind),
            _ => kinds.is_empty() || kinds.iter().any(is_kind),
        };
        of_customer && of_tenant && tagged && of_kind
    }

    fn is_kind(&self, kind: &KindFilter, event: &JourneyEvent) -> bool {
        match (kind, &event.body) {
            (KindFilter::Custom(name), EventBody::Custom(body)) => {
                self.is(Flaw::CustomKindsAreOne) || self.same_text(name.as_str(), body.name.as_str())
            }
            (KindFilter::Custom(name), EventBody::Unknown(body)) => {
                self.is(Flaw::UnknownKindsAreCustom) && name.as_str() == body.kind()
            }
            (KindFilter::Custom(_), _) => false,
            (KindFilter::Kind(kind), EventBody::Custom(_)) if self.is(Flaw::StagesOfCustomKindsAreOne) => {
                kind.is_custom()
            }
            (KindFilter::Kind(kind), _) => *kind == event.kind(),
        }
    }
}

/// The position of the event after or before a position.
fn neighbour(log: &Inner, of: Position, forward: bool) -> Position {
    let mut places = log.rows.iter().map(|row| row.position);
    let found = if forward { places.find(|at| *at > of) } else { places.rfind(|at| *at < of) };
    found.unwrap_or(of)
}

/// A position that says how many events from the end were read.
fn counting(log: &Inner, more: usize, from: Position) -> Position {
    let from = counted(log, from);
    let read = log.rows.iter().filter(|row| row.position >= from).count();
    Position::from_bytes((u128::MAX - (read + more) as u128).to_be_bytes())
}

/// What such a position means by now.
fn counted(log: &Inner, from: Position) -> Position {
    match usize::try_from(u128::MAX - u128::from_be_bytes(from.to_bytes())) {
        Ok(read @ 1..100_000) => {
            log.rows.get(log.rows.len().saturating_sub(read)).map_or(Position::END, |row| row.position)
        }
        _ => from,
    }
}

/// The batches of a part, each as a part of its own.
fn one_by_one(part: Result<ScanPart>) -> Vec<Result<ScanPart>> {
    let part = part.expect("what is in memory is read");
    let alone = |batch: &EventBatch| Ok(ScanPart { customers: part.customers, batches: vec![batch.clone()] });
    part.batches.iter().map(alone).collect()
}
