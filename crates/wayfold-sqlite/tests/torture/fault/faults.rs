//! Which operations fail, and how.

use std::ffi::c_int;
use std::path::Path;

use rusqlite::ffi;

use crate::torture::vfs::{Answer, Op, Watch};

/// A kind of operation and the code with which it fails.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    meets: fn(&Op<'_>) -> bool,
    code: c_int,
    /// Half of a failed write arrives.
    is_torn: bool,
}

const fn fault(name: &'static str, meets: fn(&Op<'_>) -> bool, code: c_int) -> Fault {
    Fault { name, meets, code, is_torn: false }
}

fn writes(op: &Op<'_>) -> bool {
    matches!(op, Op::Write { .. })
}

fn syncs(op: &Op<'_>) -> bool {
    matches!(op, Op::Sync)
}

fn grows(op: &Op<'_>) -> bool {
    matches!(op, Op::Write { .. } | Op::Truncate { .. } | Op::Open { is_new: true, .. })
}

/// Nothing can be made or grow; what would overwrite fails as well, because whoever writes does not know.
pub(crate) const FULL_DISK: Fault = Fault { is_torn: true, ..fault("full disk", grows, ffi::SQLITE_FULL) };

/// What fails where a disk is bad or full.
pub(crate) const WRITING: [Fault; 7] = [
    fault("failed write", writes, ffi::SQLITE_IOERR_WRITE),
    Fault { is_torn: true, ..fault("torn write", writes, ffi::SQLITE_IOERR_WRITE) },
    FULL_DISK,
    fault("failed sync", syncs, ffi::SQLITE_IOERR_FSYNC),
    fault("failed truncate", |op| matches!(op, Op::Truncate { .. }), ffi::SQLITE_IOERR_TRUNCATE),
    fault("failed delete", |op| matches!(op, Op::Delete { .. }), ffi::SQLITE_IOERR_DELETE),
    fault("failed map", |op| matches!(op, Op::ShmMap), ffi::SQLITE_IOERR_SHMMAP),
];

/// What fails where a file cannot be read.
pub(crate) const READING: [Fault; 3] = [
    fault("failed open", |op| matches!(op, Op::Open { .. }), ffi::SQLITE_CANTOPEN),
    fault("failed read", |op| matches!(op, Op::Read), ffi::SQLITE_IOERR_READ),
    fault("failed size", |op| matches!(op, Op::FileSize), ffi::SQLITE_IOERR_FSTAT),
];

/// What fails where another process has a lock, or locks fail themselves.
pub(crate) const LOCKING: [Fault; 4] = [
    fault("busy file", |op| matches!(op, Op::Lock), ffi::SQLITE_BUSY),
    fault("failed lock", |op| matches!(op, Op::Lock), ffi::SQLITE_IOERR_LOCK),
    fault("busy log", |op| matches!(op, Op::ShmLock), ffi::SQLITE_BUSY),
    fault("failed lock of the log", |op| matches!(op, Op::ShmLock), ffi::SQLITE_IOERR_SHMLOCK),
];

/// For how long a fault lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Length {
    Once,
    /// SQLite itself tries some locks again, a hundred times and for ten seconds.
    Often,
    UntilMended,
}

impl Length {
    fn hits_max(self) -> usize {
        match self {
            Self::Once => 1,
            Self::Often => 14,
            Self::UntilMended => usize::MAX,
        }
    }
}

/// Fails the operations of a folder. Syncs are not done where they do not fail, because nothing cuts the power.
#[derive(Debug)]
pub(crate) struct Faults {
    fault: Fault,
    length: Length,
    /// The operations that are still to pass.
    left: usize,
    pub(crate) hits: usize,
    is_mended: bool,
    /// What was hit first, for a message.
    pub(crate) place: Option<String>,
}

impl Faults {
    pub(crate) fn new(fault: Fault, length: Length, number: usize) -> Self {
        Self { fault, length, left: number, hits: 0, is_mended: false, place: None }
    }

    /// Lets everything pass from now on.
    pub(crate) fn mend(&mut self) {
        self.is_mended = true;
    }
}

impl Watch for Faults {
    fn before(&mut self, file: &Path, op: &Op<'_>) -> Answer {
        let pass = if matches!(op, Op::Sync) { Answer::Skip } else { Answer::Do };
        if self.is_mended || !(self.fault.meets)(op) {
            return pass;
        }
        self.left = self.left.saturating_sub(1);
        let is_over = self.hits >= self.length.hits_max();
        if self.left > 0 || is_over {
            return pass;
        }
        self.hits += 1;
        self.place.get_or_insert_with(|| format!("{:?} {}", std::mem::discriminant(op), file.display()));
        match op {
            Op::Write { bytes, .. } if self.fault.is_torn => Answer::Tear(bytes.len() / 2, self.fault.code),
            _ => Answer::Refuse(self.fault.code),
        }
    }

    fn after(&mut self, _: &Path, _: &Op<'_>) {}
}
