//! `cargo xtask test`: every check of the repository, one after the other, and one count at the end.
//!
//! A step that fails does not stop the next one, so that one run shows all that is wrong. A test that cannot do
//! its work, because real data or a server is absent, appends one line `name: reason` to the file that the
//! environment variable `WAYFOLD_SKIPS_FILE` names and returns; it is then counted as skipped and listed. Where
//! the data is said to be there (`CI=true` with `WAYFOLD_SHARED`), a skip is a failure.

mod counts;
mod report;
mod skips;
mod steps;
mod tee;

use std::process::ExitCode;

use anyhow::Result;

use crate::cargo::Workspace;
use counts::Counts;
use report::Report;
use skips::SkipsFile;
use steps::Step;

/// Runs all steps and prints `N passed, N failed, N skipped` as the last line.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let skips = SkipsFile::create(&workspace.target)?;
    let mut report = Report::default();
    for step in steps::all(&workspace)? {
        run_step(step, &skips, &mut report);
    }
    report.take_skips(skips.read()?);
    if skips_are_failures() {
        report.turn_skips_into_failures();
    }
    print!("{report}");
    Ok(if report.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A step that cannot even be started, such as a missing rustfmt, is a failed one.
fn run_step(mut step: Step, skips: &SkipsFile, report: &mut Report) {
    println!("\n== {}", step.name);
    let counts = match tee::run(step.command.env(skips::VARIABLE, skips.path())) {
        Ok(finished) => step.counting.count(finished.success, &finished.output),
        Err(error) => {
            eprintln!("{error:#}");
            Counts::one(false)
        }
    };
    report.add(&step.name, counts);
}

fn skips_are_failures() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true") && std::env::var_os("WAYFOLD_SHARED").is_some()
}
