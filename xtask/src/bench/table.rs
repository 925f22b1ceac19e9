//! The results for a reader, as they go into the documents.

use std::process::Command;

use super::options::Options;
use super::rows::{MISSING, Row};
use crate::cargo::Workspace;

/// How many processes wanted to run, over the last minute; `None` where the system does not tell.
pub(super) fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

pub(super) fn print(
    workspace: &Workspace,
    options: &Options,
    rows: &[Row],
    missing: &[String],
    loads: [Option<String>; 2],
) {
    let [before, after] = loads.map(|load| load.unwrap_or_else(|| "unknown".to_owned()));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!("commit {}, {cores} cores, load {before} before and {after} after", commit(workspace));
    println!("W of {} events, medians of {} pairs, page cache warm\n", options.events, options.pairs);
    println!("| id | store | ours | peer | theirs | unit | ratio | goal [floor] | met |");
    println!("|---|---|---|---|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{}", line(row)));
    println!("\nmissing: {MISSING}");
    missing.iter().for_each(|peer| println!("missing: {peer}"));
}

fn line(row: &Row) -> String {
    let number = |number: Option<f64>| number.map_or_else(|| "missing".to_owned(), shown);
    let goal = row.goal.map_or_else(|| "-".to_owned(), |goal| goal.to_string());
    let floor = row.floor.map_or_else(String::new, |floor| format!(" [{floor}]"));
    let met = row.met.map_or("-", |met| if met { "yes" } else { "no" });
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {goal}{floor} | {met} |",
        row.id,
        row.state,
        number(row.value),
        row.peer,
        number(row.peer_value),
        row.unit,
        number(row.ratio)
    )
}

/// Three digits that say something.
fn shown(number: f64) -> String {
    let digits = if number < 10.0 {
        2
    } else if number < 100.0 {
        1
    } else {
        0
    };
    format!("{number:.digits$}")
}

fn commit(workspace: &Workspace) -> String {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(arguments).current_dir(&workspace.root).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let Some(commit) = git(&["rev-parse", "--short", "HEAD"]) else { return "unknown".to_owned() };
    let is_changed = git(&["status", "--porcelain"]).is_some_and(|changes| !changes.is_empty());
    if is_changed { format!("{commit} with changes") } else { commit }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_shows_three_digits_and_what_is_missing() {
        let mut row = Row {
            id: "R1b-2t",
            workload: "W".to_owned(),
            state: "fresh",
            value: Some(2.4321),
            unit: "M events/s",
            peer: "peer",
            peer_value: Some(123.4),
            ratio: Some(0.0197),
            goal: Some(4.0),
            floor: Some(1.3),
            met: Some(false),
        };
        assert_eq!(line(&row), "| R1b-2t | fresh | 2.43 | peer | 123 | M events/s | 0.02 | 4 [1.3] | no |");
        (row.peer_value, row.ratio, row.met) = (None, None, None);
        assert_eq!(
            line(&row),
            "| R1b-2t | fresh | 2.43 | peer | missing | M events/s | missing | 4 [1.3] | - |"
        );
    }
}
