//! What an engine that is opened on a file answers, beside one that folds the log anew and beside the oracle.

use std::collections::BTreeMap;

use pollster::block_on;
use wayfold::store::EventStoreExt;
use wayfold::{
    Currency, CustomerKey, CustomerView, EventBatch, EventFilter, Filter, JourneyEvent, MemoryStore, Opened,
    Population, PopulationSummary, RfmScores, Selection, Start, Subscription, Tenant, TieRule, Told, Wayfold,
};
use wayfold_testkit::{Oracle, Random, Scratch};

use crate::history::{Rulebook, as_of, open};
use crate::known::{Heard, Known, Step};
use crate::life::{listener, point};

/// What was met, to show that all of it was.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Openings that went on from a snapshot, that dropped one, and that found none.
    pub(crate) restored: usize,
    pub(crate) dropped: usize,
    pub(crate) without: usize,
    /// Rebuilds that went on from what was kept, and that began anew.
    pub(crate) resumed: usize,
    pub(crate) begun_anew: usize,
    /// Steps in doubt that had been left, and that had been done.
    pub(crate) left: usize,
    pub(crate) done: usize,
    /// Files on which notices were told that had been told before.
    pub(crate) told_again: usize,
    pub(crate) events: usize,
}

/// What is true of a log under some rules.
struct Truth {
    export: Vec<u8>,
    population: Population,
    views: Vec<CustomerView>,
    summary: PopulationSummary,
    scores: BTreeMap<CustomerKey, RfmScores>,
}

impl Truth {
    fn of(events: &[JourneyEvent], history: u64, rulebook: Rulebook) -> Self {
        let anew = block_on(rulebook.builder(history).on_demand().open(MemoryStore::new())).unwrap();
        if !events.is_empty() {
            block_on(anew.append(events)).unwrap();
        }
        let export = block_on(anew.export()).unwrap();
        let population = block_on(anew.population(as_of())).unwrap();
        let (oracle, tenant) = (Oracle::new(events.to_vec(), rulebook.rules()), Tenant::default());
        let scores = oracle.rfm(&tenant, Currency::EUR, as_of(), TieRule::Shared);
        let (views, summary) = (oracle.views(as_of()), oracle.population(&tenant, as_of()));
        Self { export, population, views, summary, scores }
    }

    /// Compares the live states, and one customer folded from the log.
    #[track_caller]
    fn compare(&self, wayfold: &Wayfold, random: &mut Random) {
        assert!(
            block_on(wayfold.export()).unwrap() == self.export,
            "the export is not that of the log folded anew"
        );
        let population = block_on(wayfold.population(as_of())).unwrap();
        assert!(population == self.population, "the population is not that of the log folded anew");
        assert_eq!(population.summary(), self.summary);
        let table = population.rfm(Currency::EUR, TieRule::Shared);
        let scores: BTreeMap<_, _> = table.customers.into_iter().map(|one| (one.key, one.scores)).collect();
        assert_eq!(scores, self.scores);
        let everybody = Selection::new(Filter::default()).with_limit(self.views.len() + 1);
        let mut views = block_on(wayfold.customers(&everybody)).unwrap().into_customers();
        views.sort_by(|a, b| a.key.cmp(&b.key));
        assert!(views == self.views, "the views are not the oracle's");
        if !self.views.is_empty() {
            let view = random.pick(&self.views);
            assert_eq!(block_on(wayfold.customer(&view.key)).unwrap().as_ref(), Some(view));
        }
    }
}

/// Opens a file under some rules, rebuilds under the others and swaps, and holds everything to what is known.
pub(crate) fn verify(
    file: &Scratch,
    (history, batches): (u64, &[Vec<JourneyEvent>]),
    known: &mut Known,
    random: &mut Random,
    found: &mut Found,
) {
    let rulebook = known.opener(random);
    let builder = |rulebook: Rulebook| rulebook.builder(history).with_threads(1 + rulebook as usize);
    let wayfold = block_on(builder(rulebook).open(open(&file.file()))).unwrap();
    let log = block_on(wayfold.store().read_all(EventFilter::all())).unwrap();
    known.read(&log, batches);
    let opened = block_on(wayfold.opened()).unwrap();
    found.settle(known.opened(&opened, rulebook));
    found.open(&opened);
    let events: Vec<JourneyEvent> = log.iter().flat_map(EventBatch::to_events).collect();
    found.events += events.len();
    assert_eq!(wayfold.rules(), rulebook.rules());
    Truth::of(&events, history, rulebook).compare(&wayfold, random);
    if random.percent(35) {
        found.told_again += usize::from(listen(&wayfold, known, rulebook));
    }

    let target = rulebook.other();
    let truth = Truth::of(&events, history, target);
    let rebuild = block_on(wayfold.rebuild(builder(target))).unwrap();
    let from = point(&rebuild);
    found.settle(known.resumed(from, target));
    assert_eq!(from.events, known.events_to(from.position));
    *(if from.events > 0 { &mut found.resumed } else { &mut found.begun_anew }) += 1;
    block_on(rebuild.swap()).unwrap();
    assert_eq!(wayfold.rules(), target.rules());
    truth.compare(&wayfold, random);
    drop(wayfold);

    let reopened = block_on(builder(target).on_demand().open(open(&file.file()))).unwrap();
    let Opened { snapshot, folded, .. } = block_on(reopened.opened()).unwrap();
    assert_eq!((snapshot, folded), (Some(block_on(reopened.store().head()).unwrap()), 0));
    truth.compare(&reopened, random);
}

impl Found {
    fn settle(&mut self, step: Option<Step>) {
        match step {
            Some(Step::Left) => self.left += 1,
            Some(Step::Done) => self.done += 1,
            None => {}
        }
    }

    fn open(&mut self, opened: &Opened) {
        match opened {
            Opened { snapshot: Some(_), .. } => self.restored += 1,
            Opened { dropped: Some(_), .. } => self.dropped += 1,
            _ => self.without += 1,
        }
    }
}

/// Hears on where the processes have, and compares with who hears everything anew; says whether anything was told again.
fn listen(wayfold: &Wayfold, known: &Known, rulebook: Rulebook) -> bool {
    let mut heard = known.heard(rulebook).clone();
    let before = heard.again;
    let name = listener(rulebook);
    hear(&mut heard, block_on(wayfold.subscribe_as(&name, Start::Beginning)).unwrap());
    let mut anew = Heard::default();
    hear(&mut anew, block_on(wayfold.subscribe(Start::Beginning)).unwrap());
    assert!(heard.holding == anew.holding, "what was told does not cover what holds");
    heard.again > before
}

fn hear(heard: &mut Heard, mut notices: Subscription) {
    while let Some(delivery) = block_on(notices.try_next()).unwrap() {
        heard.hear(delivery.told.iter().map(|told| (told.notice().id, matches!(told, Told::Fact(_)))));
    }
}
