//! Other rules over the same history: who would have stood elsewhere, and from which event on.

use pollster::block_on;
use wayfold::{
    Builder, Cause, CustomerKey, ErrorKind, EventId, JourneyEvent, LifecycleStage, MemoryStore, Moved,
    RevenueBasis, Rules, Tenant, Timestamp, Wayfold,
};
use wayfold_testkit::{Case, Oracle, Random};

use crate::support::{day, order};

fn open(rules: &Rules, events: &[JourneyEvent]) -> Wayfold {
    let store = MemoryStore::new().with_clock(|| Timestamp::MAX);
    let builder = Builder::new(rules.clone())
        .unwrap()
        .by_hand(Timestamp::MAX)
        .with_threads(2)
        .on_demand()
        .with_checkpoints_every(64);
    let wayfold = block_on(builder.open(store)).unwrap();
    block_on(wayfold.append(events)).unwrap();
    wayfold
}

fn stricter() -> Rules {
    let mut rules = Rules::default();
    (rules.version, rules.lifecycle.churned_after_days) = ("churn-90".to_owned(), 90);
    rules
}

/// Ada buys every 100 days, bob once, eve every week.
fn shop() -> Wayfold {
    let mut events = vec![order("ada", 1, 0), order("ada", 2, 100), order("bob", 3, 20)];
    events.extend((0..30_u32).map(|week| order("eve", u128::from(10 + week), week * 7)));
    open(&Rules::default(), &events)
}

#[test]
fn each_instant_says_who_would_have_stood_elsewhere() {
    use LifecycleStage::{Churned, FirstTime, Repeat, WonBack};
    let wayfold = shop();
    let before = block_on(wayfold.export()).unwrap();
    let told = block_on(wayfold.backtest(&stricter(), &[day(50), day(95), day(105), day(900)])).unwrap();
    let moved = |here, there, customers| Moved { here, there, customers };
    let stages: Vec<_> = told.iter().map(|difference| difference.stages.clone()).collect();
    assert_eq!(stages[0], []);
    assert_eq!(stages[1], [moved(FirstTime, Churned, 1)]);
    // Bob has not churned for another five days; ada has come back.
    assert_eq!(stages[2], [moved(Repeat, WonBack, 1)]);
    assert_eq!(stages[3], []);
    let ada = &told[2].members[0];
    assert_eq!((ada.key.to_string().as_str(), told[2].customers, told[2].members.len()), ("ada", 3, 1));
    let stage = |member: &Option<wayfold::Member>| member.as_ref().unwrap().lifecycle;
    assert_eq!((stage(&ada.here), stage(&ada.there)), (Repeat, WonBack));
    assert_eq!((told[2].rules.as_str(), told[2].other_rules.as_str()), ("default-1", "churn-90"));
    assert!(block_on(wayfold.export()).unwrap() == before, "the live states are as they were");
}

#[test]
fn a_parting_names_the_event_or_the_instant() {
    let wayfold = shop();
    let ada = CustomerKey::new("ada").unwrap();
    let parting = block_on(wayfold.parting(&ada, &stricter(), day(105))).unwrap().unwrap();
    assert_eq!((parting.at, &parting.cause), (day(90).next(), &Cause::Time));
    let changed = |changes: &[wayfold::Change]| {
        changes
            .iter()
            .find(|change| change.field == "lifecycle.stage")
            .and_then(|change| change.after.clone())
    };
    assert_eq!((changed(&parting.here), changed(&parting.there)), (None, Some("churned".to_owned())));
    let eve = CustomerKey::new("eve").unwrap();
    assert_eq!(block_on(wayfold.parting(&eve, &stricter(), day(200))).unwrap(), None);
    let nobody = CustomerKey::new("nobody").unwrap();
    assert_eq!(block_on(wayfold.parting(&nobody, &stricter(), day(200))).unwrap(), None);
    let mut paid = Rules::default();
    (paid.version, paid.value.revenue) = ("paid".to_owned(), RevenueBasis::Paid);
    let parting = block_on(wayfold.parting(&eve, &paid, day(200))).unwrap().unwrap();
    let first = Cause::Event { id: EventId::from_u128(10), kind: "order_placed".to_owned() };
    assert_eq!((parting.at, parting.cause), (day(0), first));
    let mut contradiction = Rules::default();
    contradiction.lifecycle.repeat_purchases_min = 0;
    let error = block_on(wayfold.backtest(&contradiction, &[day(0)])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidConfiguration);
}

/// Both sides of a backtest are what the oracle says under each of the rules, on hostile histories.
#[test]
fn both_sides_are_the_oracles() {
    let (mut differing, mut compared) = (0, 0);
    for seed in 0..120 {
        let (case, other) = (Case::hostile(seed), Case::hostile(seed + 1_000).rules);
        let wayfold = open(&case.rules, &case.events);
        let mut random = Random::new(seed);
        let instants = [random.pick(&case.events).occurred_at.instant(), case.as_of];
        let oracles = [&case.rules, &other].map(|rules| Oracle::new(case.events.clone(), rules.clone()));
        let told = block_on(wayfold.backtest_of(&Tenant::default(), &other, &instants)).unwrap();
        for (difference, as_of) in told.iter().zip(instants) {
            let [here, there] = oracles.each_ref().map(|oracle| oracle.views(as_of));
            let both = here.iter().zip(&there).filter(|(view, _)| view.key.tenant == Tenant::default());
            let expected: Vec<String> = both
                .filter(|(here, there)| {
                    let outcomes = |view: &wayfold::CustomerView| {
                        let mut outcomes: Vec<_> =
                            view.journeys.journeys.iter().map(|journey| journey.outcome).collect();
                        outcomes.sort();
                        outcomes
                    };
                    here.lifecycle.stage != there.lifecycle.stage
                        || here.segment.class != there.segment.class
                        || here.value.currencies != there.value.currencies
                        || outcomes(here) != outcomes(there)
                })
                .map(|(view, _)| view.key.to_string())
                .collect();
            let members: Vec<String> =
                difference.members.iter().map(|member| member.key.to_string()).collect();
            assert_eq!(members, expected, "seed {seed} as of {as_of}");
            differing += members.len();
            compared += difference.customers;
        }
    }
    println!("{differing} of {compared} differ");
    assert!(differing > 100 && compared > 300);
}
