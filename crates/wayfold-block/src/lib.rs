//! The bytes of Wayfold's log.

mod bytes;
mod column;
mod error;
mod fresh;
mod page;
mod part;
mod text;

pub use self::error::{Error, ErrorKind, Result};
pub use self::fresh::{read_fresh, write_fresh};
pub use self::page::Page;
pub use self::part::{FORMAT_VERSION, PartKind, PartName, frame, unframe};
