//! Test tools for Wayfold: an independent oracle, seeded histories and workloads, and given / when / then.
//!
//! Nothing in this crate is needed to use Wayfold; it is there to be distrusted less. [`Oracle`] answers every
//! question about a customer a second time, slowly and from the domain's text alone; [`stream`] is the
//! one stream on which speed is compared.

mod oracle;
mod random;
mod workload;

pub use self::oracle::{Oracle, causal_rank, stage_of};
pub use self::random::Random;
pub use self::workload::{answer_a, stream};
