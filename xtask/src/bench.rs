//! `cargo xtask bench`: rebuilds workload W from a closed store and asks answer A of it, in turn with other engines.
//!
//! Every run is a fresh process and counts its own seconds, from opening its file to the answer in memory. In each round
//! every contender runs once, so that a ratio compares runs that stand close together; the first round warms the page
//! cache and does not count. No time counts before all contenders have given the same figures, and ours the states of
//! a fold without store and engine. Files and results are kept under `target/bench`.

mod options;
mod ours;
mod peers;
mod process;
mod rounds;
mod rows;
mod table;

use std::fs;
use std::process::ExitCode;

use anyhow::{Context, Result};

use crate::cargo::Workspace;
use options::Options;
use ours::Ours;
use rounds::Rounds;

/// Measures, prints a table and writes `results.json`.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let options = Options::read(arguments)?;
    let workspace = Workspace::read()?;
    let folder = workspace.target.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("failed to make {}", folder.display()))?;

    let goals = rows::goals(&options.only)?;
    let ours = Ours::build(&workspace, &folder, options.events)?;
    let reference = ours.reference()?;
    let peers = peers::prepare(&workspace, &folder, &ours)?;
    let mut contenders = ours.contenders(&goals)?;
    contenders.extend(peers.contenders);
    let before = table::load();
    let rounds = Rounds::run(&contenders, options.pairs, reference)?;
    let rows = rows::all(&goals, options.events, &rounds);

    table::print(&workspace, &options, &rows, &peers.missing, [before, table::load()]);
    let path = folder.join("results.json");
    fs::write(&path, serde_json::to_vec_pretty(&rows)?)
        .with_context(|| format!("failed to write {}", path.display()))?;
    println!("\nwritten to {}", path.display());
    Ok(ExitCode::SUCCESS)
}
