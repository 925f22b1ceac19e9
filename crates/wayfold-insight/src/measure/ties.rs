//! In which order steps of one instant stand.

/// In which order steps of one instant stand in a case, where that changes which step follows which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ties {
    /// As they are folded: by the source's sequence, then the causal rank of the kind, then the id. So logs whose files have
    /// an order keep it.
    AsFolded,
    /// By the names of the steps, so that the order in which a source happened to write says nothing; equal names as they
    /// are folded.
    ByName,
}

impl Ties {
    pub(super) const fn semantics(self) -> &'static str {
        match self {
            Self::AsFolded => "steps of one instant as they are folded (sequence, causal rank, id)",
            Self::ByName => "steps of one instant by name",
        }
    }
}
