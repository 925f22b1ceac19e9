//! Whatever order events arrive in, a fold over this store gives what the oracle gives.

use wayfold_core::Timestamp;
use wayfold_sqlite::{Durability, SqliteConfig, SqliteStore};
use wayfold_testkit::{Case, Coverage, StoreSubject, check};

use super::folder::Folder;

#[test]
fn folds_over_a_log_that_seals_all_the_time_agree_with_the_oracle() {
    let folder = Folder::new();
    let opened = std::sync::atomic::AtomicU64::new(0);
    let open = || {
        let number = opened.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let mut config = SqliteConfig::default().with_durability(Durability::Off);
        config.seal_events = 30;
        config.merge_blocks = 3;
        let path = folder.file().with_file_name(format!("{number}.wayfold"));
        let store = SqliteStore::open(path, config).unwrap();
        // Histories reach to the end of time, which a store refuses by its clock.
        store.with_clock(|| Timestamp::MAX)
    };
    let mut coverage = Coverage::new();
    for seed in 0..40 {
        let case = if seed % 5 == 4 { Case::of_shop(seed) } else { Case::hostile(seed) };
        if let Err(catch) = check(&StoreSubject::over(open), &case, &mut coverage) {
            panic!("seed {seed}: {catch}");
        }
    }
}
