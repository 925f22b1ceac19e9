//! Tests of reports through their public interface.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "report/browser.rs"]
mod browser;
#[path = "report/chromium.rs"]
mod chromium;
#[path = "report/document.rs"]
mod document;
#[path = "report/loans.rs"]
mod loans;
#[path = "report/support.rs"]
mod support;
#[path = "report/tags.rs"]
mod tags;
