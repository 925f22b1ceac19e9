//! The results for a reader, as they go into the documents.

use std::process::Command;

use super::Bench;
use super::rows::Row;
use crate::cargo::Workspace;

/// How many processes wanted to run, over the last minute; `None` where the system does not tell.
pub(super) fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split_whitespace().next().map(str::to_owned)
}

/// What was measured, where.
pub(super) fn heading(workspace: &Workspace, bench: &Bench, loads: [Option<String>; 2]) -> String {
    let [before, after] = loads.map(|load| load.unwrap_or_else(|| "unknown".to_owned()));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let (commit, pairs) = (commit(workspace), bench.options.pairs);
    format!(
        "commit {commit}, {cores} cores, load {before} before and {after} after, medians of {pairs} pairs, page cache warm"
    )
}

pub(super) fn print(heading: &str, bench: &Bench, rows: &[Row]) {
    println!("{heading}\n");
    println!("| id | workload | state | ours | peer | theirs | unit | ratio | goal [floor] | met |");
    println!("|---|---|---|---|---|---|---|---|---|---|");
    rows.iter().for_each(|row| println!("{}", line(row)));
    println!();
    bench.missing.iter().for_each(|missing| println!("missing: {missing}"));
}

fn line(row: &Row) -> String {
    let number = |number: Option<f64>| number.map_or_else(|| "missing".to_owned(), shown);
    let of_peer = |value| row.peer.as_ref().map_or_else(|| "-".to_owned(), |_| number(value));
    let goal = row.goal.map_or_else(|| "-".to_owned(), shown);
    let floor = row.floor.map_or_else(String::new, |floor| format!(" [{}]", shown(floor)));
    let cells = [
        row.id.clone(),
        row.workload.clone(),
        row.state.to_owned(),
        number(row.value),
        row.peer.clone().unwrap_or_else(|| "-".to_owned()),
        of_peer(row.peer_value),
        row.unit.clone(),
        of_peer(row.ratio),
        goal + &floor,
        row.met.map_or("-", |met| if met { "yes" } else { "no" }).to_owned(),
    ];
    format!("| {} |", cells.join(" | "))
}

/// Three digits that say something.
pub(super) fn shown(number: f64) -> String {
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
    use crate::bench::goals::Target;
    use crate::bench::rows::tests::row;

    #[test]
    fn a_row_shows_three_digits_and_what_is_missing() {
        let mut row = row("R1b-2t", "W", 2.4321, "M events/s");
        (row.peer, row.peer_value, row.ratio) = (Some("peer".to_owned()), Some(123.4), Some(0.0197));
        row = row.judged(Some(Target::Ratio { goal: 4.0, floor: Some(1.3) }));
        let begin = "| R1b-2t | W, 20 events | fresh | 2.43 |";
        assert_eq!(line(&row), format!("{begin} peer | 123 | M events/s | 0.02 | 4.00 [1.30] | no |"));
        (row.peer_value, row.ratio, row.met) = (None, None, None);
        assert_eq!(line(&row), format!("{begin} peer | missing | M events/s | missing | 4.00 [1.30] | - |"));
        row.peer = None;
        assert_eq!(line(&row), format!("{begin} - | - | M events/s | - | 4.00 [1.30] | - |"));
    }
}
