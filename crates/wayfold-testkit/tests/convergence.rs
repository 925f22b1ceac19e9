//! Equal sets of events give equal bytes, whatever arrival order, batches, duplicates, shards, threads and
//! steps of the instant; and every answer is the oracle's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use wayfold_core::{LifecycleStage, LoyalReason, Timestamp};
use wayfold_store::MemoryStore;
use wayfold_testkit::{
    Case, Coverage, FoldSubject, Oracle, RestartSubject, StoreSubject, Subject, check, minimal,
};

const HISTORIES: u64 = 2_000;
/// How many of them also go through a store.
const STORED_HISTORIES: u64 = 150;
/// How many of them also go through snapshots.
const RESTARTED_HISTORIES: u64 = 300;
/// How many histories hold tiers and answers, under rules that look at them and at own gaps.
const LOYAL_HISTORIES: u64 = 400;
/// Every so many histories are stories of the seeded shop, the others are hostile.
const SHOP_EVERY: u64 = 20;

/// The least of what all histories together must have held: a test that meets nothing proves nothing.
const MINIMUMS: [(&str, u64); 20] = [
    ("arrivals on several shards", 5_000),
    ("cancels before their order", 300),
    ("cancels of unknown orders", 300),
    ("changes before their order", 300),
    ("duplicates", 20_000),
    ("events after the as-of", 20_000),
    ("events at the as-of", 800),
    ("ids in two tenants", 1_000),
    ("late events", 200_000),
    ("late into a long history", 10_000),
    ("order changes", 4_000),
    ("refolds", 30_000),
    ("refolds from a checkpoint", 3_000),
    ("refunds before their order", 500),
    ("retractions", 3_000),
    ("retractions of a retraction", 400),
    ("retractions of another customer's event", 500),
    ("retractions that arrive before their target", 10_000),
    ("second placements", 8_000),
    ("ties down to the id", 5_000),
];

fn case(seed: u64) -> Case {
    if seed.is_multiple_of(SHOP_EVERY) { Case::of_shop(seed) } else { Case::hostile(seed) }
}

/// Checks one history; a failure names the seed and shows the smallest history that still fails.
fn check_seed(subject: &dyn Subject, seed: u64, coverage: &mut Coverage) {
    check_case(subject, &case(seed), coverage);
}

fn check_case(subject: &dyn Subject, case: &Case, coverage: &mut Coverage) {
    let seed = case.seed;
    if let Err(found) = check(subject, case, coverage) {
        let least = minimal(subject, case);
        let catch =
            check(subject, &least, &mut Coverage::new()).expect_err("the smallest history still fails");
        panic!("seed {seed} failed by {}; the smallest history that does:\n{least}\n{catch}", found.by());
    }
}

#[test]
fn fold_over_the_memory_store_answers_likewise() {
    // The histories reach to the end of time, and a store refuses what lies beyond its clock.
    let subject = StoreSubject::over(|| MemoryStore::new().with_clock(|| Timestamp::MAX));
    let mut coverage = Coverage::new();
    for seed in 0..STORED_HISTORIES {
        check_seed(&subject, seed, &mut coverage);
    }
    println!("{coverage}");
    for what in ["duplicates", "ids in two tenants", "retractions", "refolds from a checkpoint"] {
        assert!(coverage.count(what) > 0, "no {what}");
    }
}

#[test]
fn fold_that_is_restarted_from_snapshots_answers_likewise() {
    let subject = RestartSubject::new();
    let mut coverage = Coverage::new();
    for seed in 0..RESTARTED_HISTORIES {
        check_seed(&subject, seed, &mut coverage);
    }
    println!("{coverage}");
    for what in [
        "late into a long history",
        "retractions that arrive before their target",
        "refolds from a checkpoint",
    ] {
        assert!(coverage.count(what) > 0, "no {what}");
    }
}

#[test]
fn fold_that_looks_further_than_purchases_answers_likewise() {
    let (subject, restarted) = (FoldSubject::new(), RestartSubject::new());
    let mut coverage = Coverage::new();
    let mut by = BTreeMap::new();
    for seed in 0..LOYAL_HISTORIES {
        let case = Case::loyal(seed);
        check_case(&subject, &case, &mut coverage);
        if seed.is_multiple_of(4) {
            check_case(&restarted, &case, &mut coverage);
        }
        for view in Oracle::new(case.events.clone(), case.rules.clone()).views(case.as_of) {
            let reasons = view.loyalty.map_or_else(Vec::new, |loyalty| loyalty.by);
            *by.entry((view.lifecycle.stage, reasons)).or_insert(0_u32) += 1;
        }
    }
    println!("{coverage}\n{by:?}");
    assert!(coverage.count("refolds from a checkpoint") > 0);
    for reasons in
        [vec![LoyalReason::Tier], vec![LoyalReason::Nps], vec![LoyalReason::Tier, LoyalReason::Nps]]
    {
        let count = by.get(&(LifecycleStage::Loyal, reasons.clone())).copied().unwrap_or_default();
        assert!(count >= 3, "{count} customers are loyal by {reasons:?}");
    }
    for stage in LifecycleStage::ALL.iter().filter(|stage| **stage != LifecycleStage::Loyal) {
        let count = by.get(&(*stage, vec![])).copied().unwrap_or_default();
        assert!(count >= 5, "{count} customers are {stage}");
    }
}

#[test]
fn every_arrival_of_a_history_gives_the_same_and_it_is_the_oracles() {
    let subject = FoldSubject::new();
    let next = AtomicU64::new(0);
    let work = || {
        let mut coverage = Coverage::new();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= HISTORIES {
                return coverage;
            }
            check_seed(&subject, seed, &mut coverage);
        }
    };
    let mut coverage = Coverage::new();
    thread::scope(|scope| {
        let threads = [scope.spawn(work), scope.spawn(work)];
        for thread in threads {
            coverage.add(&thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
    });
    println!("{coverage}");
    for (what, least) in MINIMUMS {
        assert!(coverage.count(what) >= least, "{what}: {} of at least {least}", coverage.count(what));
    }
}
