//! The live states of all customers: one fold a thread, each with the customers that hash to it.

use std::collections::VecDeque;

use metrics::counter;
use wayfold_core::{
    CustomerKey, CustomerList, EventBatch, Fold, Handle, Page, Population, Position, Projection,
    ProjectionSet, Refold, Selection, Shard, Snapshot, SnapshotPart, SortedViews, Tenant, Timestamp,
};
use wayfold_store::{EventStore, Lane, Scan, ScanPart};

use crate::error::Result;
use crate::known::{Known, KnownAt};

/// Below this many events a thread costs more than it gives.
const EVENTS_PER_THREAD_MIN: u64 = 8_192;

/// Folds of a log up to a position.
#[derive(Debug)]
pub(crate) struct Shards {
    folds: Vec<Fold>,
    position: Position,
    /// How many events were read to come there.
    events: u64,
    /// Refolds that are asked for and not done; kept so that a dropped call is taken up by the next.
    pending: VecDeque<(usize, Refold)>,
    /// Whether a fold was left half done, as by a panic in a projection; it is then begun anew.
    torn: bool,
}

/// What was read of a part of the log.
pub(crate) struct Read {
    pub(crate) events: u64,
    /// When the last of them were recorded: none of the others was much later.
    pub(crate) recorded_at: Option<Timestamp>,
}

/// What a fold has made of its lane.
#[derive(Default)]
struct Folded {
    events: u64,
    refolds: Vec<Refold>,
    /// The last batch.
    last: Option<EventBatch>,
}

impl Shards {
    pub(crate) fn new(projections: &ProjectionSet, as_of: Timestamp, shards: usize) -> Self {
        let fold = |index| Fold::new(projections).with_as_of(as_of).with_shard(index, shards);
        Self::begin((0..shards).map(fold).collect())
    }

    /// One fold, which takes the customers of a shard alone.
    #[cfg(feature = "cluster")]
    pub(crate) fn of_shard(
        projections: &ProjectionSet,
        as_of: Timestamp,
        shard: wayfold_core::Shard,
    ) -> Self {
        Self::begin(vec![Fold::new(projections).with_as_of(as_of).with_customers(shard)])
    }

    fn begin(folds: Vec<Fold>) -> Self {
        Self { folds, position: Position::START, events: 0, pending: VecDeque::new(), torn: false }
    }

    /// Folds everything that stands in the log after the last call, up to what is known.
    pub(crate) async fn catch_up(&mut self, store: &dyn EventStore, known: Known) -> Result<()> {
        while self.fold_on(store, known, usize::MAX).await? {}
        Ok(())
    }

    /// Folds about so many events of what stands in the log next, up to what is known; says whether there is more.
    pub(crate) async fn fold_on(
        &mut self,
        store: &dyn EventStore,
        known: Known,
        events: usize,
    ) -> Result<bool> {
        let scan = store.scan(self.position, events, self.lanes()).await?;
        let is_last = scan.is_last || known.ends_by(scan.position);
        self.apply(scan, known)?;
        self.refold_pending(store, known).await?;
        Ok(!is_last)
    }

    /// Starts from nothing if a fold was left half done.
    pub(crate) fn begin_anew_if_torn(&mut self) {
        if self.torn {
            let anew = |fold: &Fold| {
                Fold::new(fold.projections()).with_as_of(fold.as_of()).with_customers(fold.shard())
            };
            *self = Self::begin(self.folds.iter().map(anew).collect());
        }
    }

    /// Moves the instant up to which events are folded, if it lies ahead.
    pub(crate) fn advance_to(&mut self, instant: Timestamp) -> Result<()> {
        for (shard, fold) in self.folds.iter_mut().enumerate() {
            let due = fold.advance_to(instant.max(fold.as_of()))?;
            self.pending.extend(due.into_iter().map(|refold| (shard, refold)));
        }
        Ok(())
    }

    /// Puts a list of customers into each fold.
    pub(crate) fn put_list(&mut self, list: &CustomerList) {
        self.folds.iter_mut().for_each(|fold| fold.put_list(list.clone()));
    }

    /// The one fold of a log that is not sharded.
    pub(crate) fn into_fold(mut self) -> Fold {
        assert!(self.folds.len() == 1 && self.is_settled(), "one fold, and nothing left half done");
        self.folds.pop().expect("there is one")
    }

    /// The customers that each fold takes.
    pub(crate) fn customers(&self) -> impl Iterator<Item = Shard> {
        self.folds.iter().map(Fold::shard)
    }

    /// Lets each fold restore what is for it before anything is folded, in a thread of its own where there are several.
    pub(crate) fn restore<W: Send, E: Send>(
        &mut self,
        work: Vec<W>,
        restore: impl Fn(&mut Fold, W) -> std::result::Result<(), E> + Sync,
    ) -> std::result::Result<(), E> {
        let work = self.folds.iter_mut().zip(work);
        side_by_side(work, |(fold, own)| restore(fold, own)).into_iter().collect()
    }

    /// Says up to where the log is folded in what was restored.
    pub(crate) fn begin_at(&mut self, position: Position, events: u64) {
        (self.position, self.events) = (position, events);
    }

    /// How many folds there are, each of which takes a lane.
    pub(crate) fn lanes(&self) -> usize {
        self.folds.len()
    }

    /// How many events were read.
    pub(crate) fn events(&self) -> u64 {
        self.events
    }

    /// What the states are folded by.
    pub(crate) fn projections(&self) -> &ProjectionSet {
        self.folds.first().expect("there is at least one shard").projections()
    }

    /// The states of all customers as parts.
    pub(crate) fn snapshot(&self) -> Result<Vec<SnapshotPart>> {
        Ok(Snapshot::of(&self.folds)?.collect::<wayfold_core::Result<_>>()?)
    }

    /// The instant up to which events are folded.
    pub(crate) fn as_of(&self) -> Timestamp {
        self.folds.first().map_or(Timestamp::MIN, Fold::as_of)
    }

    /// Up to where the log is folded.
    pub(crate) fn position(&self) -> Position {
        self.position
    }

    /// Says whether nothing is left half done.
    pub(crate) fn is_settled(&self) -> bool {
        !self.torn && self.pending.is_empty()
    }

    /// Says whether the states can be asked as of an instant: no event folded is later, none scheduled as early.
    pub(crate) fn answers(&self, as_of: Timestamp) -> bool {
        let is_due = |fold: &Fold| fold.next_due().is_some_and(|due| due <= as_of);
        self.newest().is_none_or(|newest| newest <= as_of) && !self.folds.iter().any(is_due)
    }

    /// Folds a part of the log that stands next, up to what is known; who is to be refolded is pending then.
    ///
    /// # Errors
    /// `Unsupported` if there is not a lane for each fold, whose customers would be left out; `Corrupt` or as the store if
    /// the part, or something in it that the fold has looked at, cannot be read, and the states are torn then.
    pub(crate) fn apply(&mut self, scan: Scan<'_>, known: Known) -> Result<Read> {
        check_lanes(&scan, self.lanes())?;
        self.torn = true;
        let lanes = self.folds.iter_mut().zip(scan.lanes);
        let fold = |(fold, lane)| fold_lane(fold, lane, known);
        let folded: Vec<_> = match scan.events < EVENTS_PER_THREAD_MIN {
            true => lanes.map(fold).collect(),
            false => side_by_side(lanes, fold),
        };
        let mut read = Read { events: 0, recorded_at: None };
        for (shard, folded) in folded.into_iter().enumerate() {
            let Folded { events, refolds, last } = folded?;
            self.pending.extend(refolds.into_iter().map(|refold| (shard, refold)));
            read.events += events;
            let recorded_at = last.iter().flat_map(EventBatch::iter).filter_map(|event| event.recorded_at());
            read.recorded_at = recorded_at.max().max(read.recorded_at);
        }
        // A part may reach beyond what was known, and what was cut off is read by who knows more.
        self.position = known.last(scan.position).max(self.position);
        self.events += read.events;
        self.torn = false;
        Ok(read)
    }

    /// Does the refolds that are asked for, by histories up to the position that is folded: no state is ahead of it.
    pub(crate) async fn refold_pending(&mut self, store: &dyn EventStore, known: Known) -> Result<()> {
        let known = Known(known.0.or(Some(KnownAt::Position(self.position))));
        while let Some((shard, refold)) = self.pending.front().cloned() {
            let history = history(store, &refold.customer, known).await?;
            self.torn = true;
            self.folds[shard].refold(&refold, &history);
            history.iter().try_for_each(readable)?;
            self.torn = false;
            self.pending.pop_front();
            counter!("wayfold_refolded_total").increment(1);
        }
        Ok(())
    }

    /// The instant of the newest event folded.
    pub(crate) fn newest(&self) -> Option<Timestamp> {
        self.folds.iter().filter_map(Fold::newest).max()
    }

    pub(crate) fn population(&self, tenant: &Tenant, as_of: Timestamp) -> Result<Population> {
        let populations = side_by_side(self.folds.iter(), |fold| fold.population(tenant, as_of));
        let mut populations = populations.into_iter();
        let first = populations.next().expect("there is at least one shard")?;
        Ok(populations.try_fold(first, |merged, next| Ok::<_, wayfold_core::Error>(merged.merge(next?)))?)
    }

    pub(crate) fn select(&self, tenant: &Tenant, as_of: Timestamp, selection: &Selection) -> Result<Page> {
        let mut pages =
            side_by_side(self.folds.iter(), |fold| fold.select(tenant, as_of, selection)).into_iter();
        let first = pages.next().expect("there is at least one shard")?;
        Ok(pages.try_fold(first, |merged, next| Ok::<_, wayfold_core::Error>(merged.merge(next?)))?)
    }

    /// A projection's views, by the bytes of the customers' names.
    pub(crate) fn own_views<P: Projection>(
        &self,
        handle: Handle<P>,
        tenant: &Tenant,
        as_of: Timestamp,
    ) -> Result<SortedViews<P::View>> {
        let views = side_by_side(self.folds.iter(), |fold| fold.own_views(handle, tenant, as_of));
        let views: Vec<_> = views.into_iter().collect::<wayfold_core::Result<_>>()?;
        Ok(SortedViews::merge(tenant.clone(), views))
    }

    /// The canonical export of all shards, by key bytes.
    pub(crate) fn export(&self) -> Result<Vec<u8>> {
        export([self])
    }

    /// The same of one tenant.
    pub(crate) fn export_of(&self, tenant: &Tenant) -> Result<Vec<u8>> {
        let lines = lines([self])?.into_iter().filter(|(customer, _)| customer.tenant == *tenant);
        Ok(lines.flat_map(|(_, line)| line).collect())
    }
}

/// The canonical export of states that have no customer in common, by key bytes.
pub(crate) fn export<'a>(states: impl IntoIterator<Item = &'a Shards>) -> Result<Vec<u8>> {
    Ok(lines(states)?.into_iter().flat_map(|(_, line)| line).collect())
}

fn lines<'a>(states: impl IntoIterator<Item = &'a Shards>) -> Result<Vec<(CustomerKey, Vec<u8>)>> {
    let mut lines: Vec<(CustomerKey, Vec<u8>)> = Vec::new();
    for fold in states.into_iter().flat_map(|shards| &shards.folds) {
        let mut bytes = Vec::new();
        fold.export(&mut bytes)?;
        let own = bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec);
        lines.extend(fold.customers().into_iter().zip(own));
    }
    lines.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(lines)
}

/// Refuses a scan that leaves customers out, because it has not a lane for each thread.
pub(crate) fn check_lanes(scan: &Scan<'_>, lanes: usize) -> Result<()> {
    if scan.lanes.len() == lanes {
        return Ok(());
    }
    let message = format_args!("the store reads in {} lanes, not in {lanes}", scan.lanes.len());
    Err(wayfold_store::Error::new(wayfold_store::ErrorKind::Unsupported, message).into())
}

/// Folds what a lane reads, but for what was not known.
fn fold_lane(fold: &mut Fold, lane: Lane<'_>, known: Known) -> Result<Folded> {
    let mut folded = Folded::default();
    for part in lane {
        let ScanPart { customers, batches } = part?;
        let mut cut = Vec::with_capacity(batches.len());
        for batch in batches {
            cut.extend(known.cut(batch.clone()));
            // What cannot be read has no position, and would be left out without a word.
            readable(&batch)?;
        }
        let applied = fold.apply_of(customers, &cut);
        cut.iter().try_for_each(readable)?;
        folded.events += applied.events;
        folded.refolds.extend(applied.refolds);
        folded.last = cut.pop().or(folded.last);
    }
    Ok(folded)
}

/// Says whether all of a batch that was looked at could be read.
pub(crate) fn readable(batch: &EventBatch) -> Result<()> {
    match batch.failure() {
        None => Ok(()),
        Some(error) => {
            let kind = match error.kind() {
                wayfold_core::ErrorKind::Unavailable => wayfold_store::ErrorKind::Unavailable,
                _ => wayfold_store::ErrorKind::Corrupt,
            };
            Err(wayfold_store::Error::new(kind, error).into())
        }
    }
}

/// Does all pieces of work, each in a thread of its own where there are several.
pub(crate) fn side_by_side<W: Send, T: Send>(
    work: impl ExactSizeIterator<Item = W>,
    run: impl Fn(W) -> T + Sync,
) -> Vec<T> {
    if work.len() <= 1 {
        return work.map(run).collect();
    }
    std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = work.map(|piece| scope.spawn(move || run(piece))).collect();
        let result = |thread: std::thread::ScopedJoinHandle<'_, T>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().map(result).collect()
    })
}

/// All events of a customer up to what is known, and maybe some of others.
pub(crate) async fn history(
    store: &dyn EventStore,
    key: &CustomerKey,
    known: Known,
) -> Result<Vec<EventBatch>> {
    let batches = store.history(key).await?;
    let cut: Vec<_> = batches.iter().filter_map(|batch| known.cut(batch.clone())).collect();
    // What cannot be read has no position, and would be left out without a word.
    batches.iter().try_for_each(readable)?;
    Ok(cut)
}
