//! Event logs of process mining in XES (IEEE 1849), in and out.

mod attribute;
mod import;
mod read;
mod write;

pub use self::import::XesImport;
pub use self::write::XesWriter;

/// Which attributes of XES are not attributes of an event here.
mod keys {
    pub(super) const NAME: &str = "concept:name";
    pub(super) const TIME: &str = "time:timestamp";
    pub(super) const RESOURCE: &str = "org:resource";
    pub(super) const GROUP: &str = "org:group";
    /// Before the key of an attribute of the trace, which its first event carries.
    pub(super) const OF_CASE: &str = "case:";
    /// Names the events of an import, beside its source and the trace.
    pub(super) const ID: &str = "xes";
}
