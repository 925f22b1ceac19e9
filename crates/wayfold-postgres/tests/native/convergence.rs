//! Whatever order events arrive in, a fold over this store gives what the oracle gives.

use std::sync::atomic::{AtomicU64, Ordering};

use pollster::block_on;
use wayfold_core::Timestamp;
use wayfold_postgres::PostgresStore;
use wayfold_testkit::{Case, Coverage, StoreSubject, check};

use super::support::{config, server};

#[test]
fn folds_over_the_log_agree_with_the_oracle() {
    let Some(server) = server("folds_over_the_log_agree_with_the_oracle") else { return };
    let opened = AtomicU64::new(0);
    let open = || {
        let schema = format!("log_{}", opened.fetch_add(1, Ordering::Relaxed));
        let store = block_on(PostgresStore::open(config(&server).with_schema(schema))).unwrap();
        // Histories reach to the end of time, which a store refuses by its clock.
        store.with_clock(|| Timestamp::MAX)
    };
    let mut coverage = Coverage::new();
    for seed in 0..5 {
        let case = if seed % 5 == 4 { Case::of_shop(seed) } else { Case::hostile(seed) };
        if let Err(catch) = check(&StoreSubject::over(open), &case, &mut coverage) {
            panic!("seed {seed}: {catch}");
        }
    }
}
