//! Stores around stores: what is added to any of them without its knowing.

mod fault;
mod forward;
mod traced;

pub use self::fault::FaultStore;
pub use self::traced::TracedStore;
