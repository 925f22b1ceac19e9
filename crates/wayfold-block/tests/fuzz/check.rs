//! What holds of every batch that was accepted, wherever its columns came from.

use std::collections::HashSet;

use wayfold_block::{Error, Merge, Page, PartKind, SealedBlock, cluster, seal};
use wayfold_core::{
    EventBatch, EventBody, Fold, JourneyEvent, ProjectionSet, Rules, Tenant, Timestamp, Upcasters, explain,
};

use super::support::check_labels;

/// Events beyond which a page is only read: its columns of one value take few bytes and all of the time.
const EVENTS_MAX: usize = 4_096;

/// Checks that what was accepted is whole: it is written, read, lifted, folded, explained and sealed.
pub(crate) fn check_batch(batch: &EventBatch) {
    if batch.len() > EVENTS_MAX {
        return;
    }
    let events = batch.to_events();
    assert_eq!(events.len(), batch.len());
    for page in [Page::write(batch), Page::write_dense(batch)] {
        let read = Page::read(&page.fold, &page.identity, &page.rest).unwrap();
        assert_eq!(read.to_events(), events, "what is written is read again");
    }
    assert_eq!(EventBatch::from_raw(batch.to_raw()).unwrap().to_events(), events);
    events.iter().for_each(check_json);
    for upcasters in [Upcasters::default(), with_chain()] {
        if let Ok(lifted) = batch.lifted(&upcasters) {
            assert_eq!(lifted.len(), batch.len());
            check_fold(&lifted);
        }
    }
    check_fold(batch);
    check_sealed(batch);
}

/// Checks that a page of which little is decoded at first is folded and read as the whole one.
pub(crate) fn check_opened(opened: &EventBatch, read: &EventBatch) {
    check_labels(opened, read);
    let projections = ProjectionSet::new(Rules::default()).unwrap();
    let fold =
        |batch: &EventBatch| export(&folded(&projections, Timestamp::MAX, std::slice::from_ref(batch)));
    assert_eq!(fold(opened), fold(read));
    for (a, b) in opened.iter().zip(read.iter()) {
        assert_eq!((a.id(), a.position(), a.recorded_at()), (b.id(), b.position(), b.recorded_at()));
        assert_eq!((a.integer("score"), a.event_id("event")), (b.integer("score"), b.event_id("event")));
    }
    opened.check().unwrap();
    assert_eq!(opened.to_events(), read.to_events());
    assert_eq!(opened.to_raw(), read.to_raw());
}

/// Checks that a page of which something cannot be read is folded without a panic, and says so.
pub(crate) fn check_unreadable(opened: &EventBatch) {
    let projections = ProjectionSet::new(Rules::default()).unwrap();
    let fold = folded(&projections, Timestamp::MAX, std::slice::from_ref(opened));
    for key in fold.customers() {
        serde_json::to_string(&fold.view(&key, Timestamp::MAX).unwrap().unwrap()).unwrap();
    }
    for event in opened.iter() {
        let _ = (event.position(), event.tags().count(), event.attributes(), event.text("reason"));
        let _ = (event.lines().count(), event.same_content(&event), event.kind_name());
    }
    assert_eq!(opened.to_events().len(), opened.len());
    let error = opened.check().unwrap_err();
    assert_eq!(opened.failure(), Some(&error));
}

fn check_json(event: &JourneyEvent) {
    let text = serde_json::to_string(event).unwrap();
    // What was kept as unknown may be known under its name, or be a name that no source may give.
    if !matches!(event.body, EventBody::Unknown(_)) {
        assert_eq!(&serde_json::from_str::<JourneyEvent>(&text).unwrap(), event);
    }
}

fn with_chain() -> Upcasters {
    let step = |fields: &mut wayfold_core::RawFields| Ok(fields.rename_attribute("shop", "store")?);
    Upcasters::builder().step("custom:fitting_booked", 1, 2, step).build().unwrap()
}

fn check_fold(batch: &EventBatch) {
    let projections = ProjectionSet::new(Rules::default()).unwrap();
    let batches = std::slice::from_ref(batch);
    let whole = folded(&projections, Timestamp::MAX, batches);
    // An id that stands twice is what a store refuses, and then nothing is promised about retractions and order.
    let ids: HashSet<_> = batch.iter().map(|event| event.id()).collect();
    let is_history = ids.len() == batch.len();
    for key in whole.customers() {
        let view = whole.view(&key, Timestamp::MAX).unwrap().unwrap();
        serde_json::to_string(&view).unwrap();
        let told = explain(&projections, &key, batches, Timestamp::MAX).unwrap().unwrap();
        assert!(!is_history || told.view == view, "{:?} is explained, and {view:?} folded", told.view);
        serde_json::to_string(&told).unwrap();
    }
    for tenant in batch.customers().map(|key| key.tenant).collect::<HashSet<Tenant>>() {
        let population = whole.population(&tenant, Timestamp::MAX).unwrap();
        serde_json::to_string(&population.summary()).unwrap();
    }
    let middle = batch.iter().nth(batch.len() / 2).map_or(Timestamp::MIN, |event| event.occurred_at());
    let (first, second): (Vec<_>, Vec<_>) = batch.iter().enumerate().partition(|(row, _)| row % 2 == 1);
    let half = |rows: Vec<(usize, _)>| EventBatch::from_views(rows.into_iter().map(|(_, event)| event));
    let halves = folded(&projections, middle, &[half(first), half(second)]);
    assert!(!is_history || export(&halves) == export(&whole), "equal sets of events give equal bytes");
}

/// Folds batches one after the other up to an instant, and then to the end of time.
fn folded(projections: &ProjectionSet, as_of: Timestamp, batches: &[EventBatch]) -> Fold {
    let mut fold = Fold::new(projections).with_as_of(as_of);
    for known in 1..=batches.len() {
        let applied = fold.apply(&batches[known - 1..known]);
        applied.refolds.iter().for_each(|refold| fold.refold(refold, &batches[..known]));
    }
    let due = fold.advance_to(Timestamp::MAX).unwrap();
    due.iter().for_each(|refold| fold.refold(refold, batches));
    fold
}

fn export(fold: &Fold) -> Vec<u8> {
    let mut bytes = Vec::new();
    fold.export(&mut bytes).unwrap();
    bytes
}

fn check_sealed(batch: &EventBatch) {
    let clustered = cluster(std::slice::from_ref(batch));
    let source = std::iter::once(Ok::<_, Error>(clustered.clone()));
    let parts: Vec<_> = Merge::new(1, clustered.len() as u64, [source]).collect();
    let parts: Vec<_> = parts.into_iter().map(Result::unwrap).collect();
    assert!(seal(1, std::slice::from_ref(batch)).eq(parts.iter().cloned()), "both ways give the same bytes");
    let part = |kind, number| {
        let found = parts.iter().find(|part| part.name.kind == kind && part.name.number == number);
        found.map(|part| part.bytes.as_slice()).unwrap()
    };
    let header = SealedBlock::read(1, part(PartKind::Header, 0)).unwrap();
    let page = |number| {
        let group = |kind| part(kind, number);
        let (fold, identity) = (group(PartKind::Fold), group(PartKind::Identity));
        header.read_page(number, fold, identity, group(PartKind::Rest)).unwrap()
    };
    let events: Vec<_> = (0..header.pages()).flat_map(|number| page(number).to_events()).collect();
    assert_eq!(events, clustered.to_events());
}
