//! The built command on real input: what it prints, how it ends, and what a terminal gets.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "command/acting.rs"]
mod acting;
#[path = "command/formats.rs"]
mod formats;
#[path = "command/guide.rs"]
mod guide;
#[path = "command/importing.rs"]
mod importing;
#[path = "command/json.rs"]
mod json;
#[path = "command/loans.rs"]
mod loans;
#[cfg(unix)]
#[path = "command/other_tools.rs"]
mod other_tools;
#[cfg(unix)]
#[path = "command/postgres.rs"]
mod postgres;
#[path = "command/real.rs"]
mod real;
#[path = "command/refused.rs"]
mod refused;
#[path = "command/reporting.rs"]
mod reporting;
#[path = "command/shown.rs"]
mod shown;
#[path = "command/support.rs"]
mod support;
#[path = "command/terminal.rs"]
mod terminal;
