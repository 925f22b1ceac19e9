//! `cargo xtask bench`: measures this library on the workloads W and S, in turn with other engines and with what is bare.
//!
//! A contest asks one question of several contenders. Every run is a fresh process and counts its own seconds, from
//! opening its file to the answer in memory. In each round every contender runs once, so that a ratio compares runs that
//! stand close together; the first round warms the page cache and does not count. No time counts before all contenders
//! have given the same figures, and ours the states of a fold without store and engine.
//!
//! What is measured beside something bare is measured by one program, which does both in turn. Files and results are
//! kept under `target/bench`.

mod calls;
mod chart;
mod contest;
mod files;
mod goals;
mod import;
mod insight;
mod instructions;
mod journeys;
mod options;
mod peers;
mod process;
mod programs;
mod python;
mod rounds;
mod rows;
mod table;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cargo::Workspace;
use files::{Files, WORKLOADS};
use options::Options;
use programs::{ANSWER, CALLS, JOURNEYS, LIFETIME, Programs, SEGMENTS, STATE};
use python::Python;

/// Our programs, and how the rows begin that they are needed for.
const PROGRAMS: [(&str, &[&str]); 6] = [
    (ANSWER, &[""]),
    (CALLS, &["A", "D", "I", "L", "V"]),
    (JOURNEYS, &["J"]),
    (LIFETIME, &["M"]),
    (SEGMENTS, &["S"]),
    (STATE, &["R3"]),
];

/// What every measurement needs.
#[derive(Debug)]
struct Bench {
    options: Options,
    programs: Programs,
    python: Python,
    /// Of the sources.
    root: PathBuf,
    /// Of the files that are made.
    folder: PathBuf,
    /// Peers and data that are not there, and why.
    missing: Vec<String>,
}

impl Bench {
    /// Whether rows are asked for that begin like one of these.
    fn wants(&self, rows: &[&str]) -> bool {
        self.options.wants(rows)
    }
}

pub(crate) use instructions::{Counted, run as count_instructions};

/// Measures, prints a table, writes `results.json` and draws a chart.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    let workspace = Workspace::read()?;
    let folder = folder(&workspace)?;
    let programs: Vec<&str> =
        PROGRAMS.iter().filter(|(_, rows)| options.wants(rows)).map(|(name, _)| *name).collect();
    let programs = Programs::build(&workspace, &programs)?;
    let python = Python::prepare(&workspace.root.join("benches/peers"), &folder)?;
    let root = workspace.root.clone();
    let mut bench = Bench { options, programs, python, root, folder, missing: Vec::new() };
    let before = table::load();
    let mut rows = Vec::new();
    for workload in WORKLOADS {
        let files = Files::new(&bench, workload);
        rows.extend(contest::rows(&mut bench, &files)?);
    }
    rows.extend(calls::rows(&bench)?);
    rows.extend(import::rows(&mut bench)?);
    rows.extend(insight::rows(&mut bench)?);
    rows.extend(journeys::rows(&mut bench)?);
    rows::compare_workloads(&mut rows);

    let heading = table::heading(&workspace, &bench, [before, table::load()]);
    table::print(&heading, &bench, &rows);
    println!();
    write(&bench.folder.join("results.json"), &serde_json::to_string_pretty(&rows)?)?;
    let chart = bench.options.chart.clone().unwrap_or_else(|| bench.folder.join("results.svg"));
    write(&chart, &chart::draw(&rows, &heading))?;
    Ok(ExitCode::SUCCESS)
}

/// Where files and results are kept.
fn folder(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))?;
    println!("written to {}", path.display());
    Ok(())
}
