//! Test tools for Wayfold: an independent oracle, seeded histories and workloads, and given / when / then.
//!
//! Nothing in this crate is needed to use Wayfold; it is there to be distrusted less. [`Oracle`] answers every
//! question about a customer a second time, slowly and from the domain's text alone.

mod oracle;
mod random;

pub use self::oracle::{Oracle, causal_rank, stage_of};
pub use self::random::Random;
