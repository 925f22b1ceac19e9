//! What the benches of Wayfold have in common; run them with `cargo bench -p wayfold-benches`.

pub mod by_hand;
mod closed;
mod measured;
mod memory;
mod new_events;
mod workload;

use wayfold_core::{EventBatch, Fold};

pub use self::closed::{StoreState, make_closed, remove_store};
pub use self::measured::{Measured, Times};
pub use self::memory::peak_rss_kib;
pub use self::new_events::{Bare, Ids, NewEvents, new_tag};
pub use self::workload::{Named, Planned, Workload, chunks, events};

/// Folds batches one after the other, with every refold that they ask for; says how many there were.
pub fn fold_one_by_one(fold: &mut Fold, batches: &[EventBatch]) -> usize {
    let mut refolded = 0;
    for number in 0..batches.len() {
        for refold in fold.apply(&batches[number..=number]).refolds {
            fold.refold(&refold, &batches[..=number]);
            refolded += 1;
        }
    }
    refolded
}
