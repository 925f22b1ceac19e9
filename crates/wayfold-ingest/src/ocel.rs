//! Object-centric event logs in OCEL 2.0 as JSON, in and out.

mod elements;
mod import;
mod write;

pub use self::import::OcelImport;
pub use self::write::OcelWriter;

/// Which names stand for something of ours.
mod keys {
    /// The type of the objects that are customers, where events of ours are written.
    pub(super) const CUSTOMER: &str = "customer";
    /// The type of the objects that are journeys.
    pub(super) const JOURNEY: &str = "journey";
    /// The place of an event in the log that is written.
    pub(super) const POSITION: &str = "position";
    /// Names the events of an import, beside their source.
    pub(super) const ID: &str = "ocel";
}
