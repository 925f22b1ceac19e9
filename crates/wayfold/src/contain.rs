use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::error::{Error, ErrorKind, Result};

/// Runs code that the engine was given, and makes an error of its panic that says whose it was.
///
/// What the code has left half done must be its own: nothing of the engine may be reached through it.
pub(crate) fn contained<T>(place: impl fmt::Display, run: impl FnOnce() -> T) -> Result<T> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let said = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Error::new(ErrorKind::Panicked, format_args!("{place} panicked: {}", said.unwrap_or("no message")))
    })
}
