//! The bytes of Wayfold's log, as `docs/format.md` of the repository specifies them.

mod bytes;
mod column;
mod customer;
mod directory;
mod error;
mod fresh;
mod later;
mod lookup;
mod merge;
mod page;
mod part;
mod sealed;
mod text;
mod text_list;

pub use self::directory::Directory;
pub use self::error::{Error, ErrorKind, Result};
pub use self::fresh::{read_fresh, write_fresh};
pub use self::later::{LaterParts, PartSource};
pub use self::lookup::{Filter, Lookup};
pub use self::merge::{Merge, Part, cluster, seal};
pub use self::page::Page;
pub use self::part::{FORMAT_VERSION, PartKind, PartName, frame, unframe};
pub use self::sealed::SealedBlock;
