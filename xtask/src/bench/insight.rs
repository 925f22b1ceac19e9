//! Models of lifetime value beside the Python package `lifetimes`, and members of a segment kept up beside a full pass.

use std::path::PathBuf;

use anyhow::Result;
use serde::Deserialize;

use super::Bench;
use super::goals::SINGLES;
use super::process::{Contender, Reference, Who, answer, finish, text};
use super::programs::{LIFETIME, SEGMENTS};
use super::rounds::{Rounds, median};
use super::rows::Row;

const PEER: &str = "lifetimes";
/// How many customers are re-evaluated, of whom one in a hundred did something.
const CUSTOMERS: &str = "500000";

/// A command of both sides, and the histories that it looks at.
#[derive(Debug)]
struct Model {
    id: &'static str,
    command: &'static str,
    histories: Histories,
}

#[derive(Debug, Clone, Copy)]
enum Histories {
    Cdnow,
    Made,
}

const MODELS: [Model; 4] = [
    Model { id: "M1-bg", command: "bg", histories: Histories::Cdnow },
    Model { id: "M1-pareto", command: "pareto", histories: Histories::Cdnow },
    Model { id: "M2-bg", command: "bg", histories: Histories::Made },
    Model { id: "M3-bg", command: "predict", histories: Histories::Made },
];

/// What one run of the segments says.
#[derive(Debug, Deserialize)]
struct Kept {
    value: f64,
    unit: String,
    peer: String,
    peer_value: f64,
}

/// The rows that are asked for.
pub(super) fn rows(bench: &mut Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for model in &MODELS {
        if bench.wants(&[model.id]) {
            rows.push(model.row(bench)?);
        }
    }
    if bench.wants(&["S1"]) {
        rows.push(members(bench)?);
    }
    Ok(rows)
}

impl Histories {
    fn name(self) -> &'static str {
        match self {
            Self::Cdnow => "CDNOW, 2,357 customers",
            Self::Made => "100,000 made customers",
        }
    }

    /// The file, which is made once.
    fn file(self, bench: &Bench) -> Result<PathBuf> {
        let sample = bench.root.join("examples/data/cdnow_sample.txt");
        let (name, arguments) = match self {
            Self::Cdnow => ("cdnow.histories", ["cdnow", text(&sample)?]),
            Self::Made => ("made.histories", ["make", "100000"]),
        };
        let path = bench.folder.join(name);
        if !path.exists() {
            let making = path.with_extension("making");
            finish(bench.programs.command(LIFETIME)?.args(arguments).arg(&making))?;
            std::fs::rename(&making, &path)?;
        }
        Ok(path)
    }
}

impl Model {
    fn row(&self, bench: &mut Bench) -> Result<Row> {
        let file = self.histories.file(bench)?;
        let (ours, them) = (Who::Ours { state: "memory", threads: 1 }, Who::Peer(PEER));
        let arguments = [self.command, text(&file)?];
        let mut contenders = vec![Contender::new(ours.clone(), bench.programs.path(LIFETIME)?, &arguments)];
        match bench.python.ensure(PEER) {
            Ok(()) => {
                let script = bench.python.scripts.join("lifetimes_fit.py");
                let arguments = [text(&script)?, self.command, text(&file)?];
                contenders.push(Contender::new(them.clone(), &bench.python.program, &arguments));
            }
            Err(why) => bench.missing.push(format!("{}, {PEER}: {why:#}", self.id)),
        }
        eprintln!("{} on {}", self.id, self.histories.name());
        let rounds = Rounds::run(&contenders, bench.options.pairs, &Reference::default())?;
        let row = Row {
            id: self.id.to_owned(),
            workload: self.histories.name().to_owned(),
            state: "memory",
            value: rounds.median(&ours, |run| run.seconds * 1e3),
            unit: "ms".to_owned(),
            peer: Some(PEER.to_owned()),
            peer_value: rounds.median(&them, |run| run.seconds * 1e3),
            ratio: rounds.ratio(&them, &ours, |run| run.seconds),
            ..Row::default()
        };
        Ok(judged(row))
    }
}

/// Members that are kept up, beside members that are counted anew, in one process.
fn members(bench: &Bench) -> Result<Row> {
    let mut runs: Vec<Kept> = Vec::new();
    for round in 1..=bench.options.pairs {
        eprintln!("S1: round {round}");
        let run: Vec<Kept> = answer(bench.programs.command(SEGMENTS)?.arg(CUSTOMERS))?;
        runs.extend(run);
    }
    let of = |measure: fn(&Kept) -> f64| median(runs.iter().map(measure).collect());
    Ok(judged(Row {
        id: "S1".to_owned(),
        workload: format!("{CUSTOMERS} customers, 1 % changed"),
        state: "memory",
        value: of(|run| run.value),
        unit: runs[0].unit.clone(),
        peer: Some(runs[0].peer.clone()),
        peer_value: of(|run| run.peer_value),
        ratio: of(|run| run.peer_value / run.value),
        ..Row::default()
    }))
}

fn judged(row: Row) -> Row {
    let target = SINGLES.iter().find(|single| single.id == row.id).map(|single| single.target);
    row.judged(target)
}
