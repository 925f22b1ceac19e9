//! Measures of journeys beside process mining in Rust and Python, DuckDB's SQL, and the same measures one by one.

use std::path::PathBuf;

use anyhow::Result;

use super::Bench;
use super::files::{Files, PARQUET, TABLE};
use super::goals::SINGLES;
use super::peers::{DUCKDB, DUCKDB_TABLE};
use super::process::{Contender, Reference, Who, answer, text};
use super::programs::{ANSWER, JOURNEYS};
use super::rounds::Rounds;
use super::rows::Row;

const PROCESS_MINING: &str = "crate process_mining";
const PM4PY: &str = "pm4py";
const R4PM: &str = "r4pm";
const ONE_BY_ONE: &str = "ten passes";

const STATE: &str = "compacted";
const LOANS: &str = "BPI 2012";
const LOAN_EVENTS: f64 = 262_200.0;
const THREADS: &str = "2";

const IN_MEMORY: Who = Who::Ours { state: "memory", threads: 2 };
const FROM_STORE: Who = Who::Ours { state: STATE, threads: 2 };
const NEW_STORE: Who = Who::Ours { state: "new", threads: 2 };

/// A row: one of ours beside one peer.
struct Pair {
    id: &'static str,
    ours: Who,
    peer: &'static str,
}

/// The rows that are asked for.
pub(super) fn rows(bench: &mut Bench) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    if bench.wants(&["J1"]) {
        rows.extend(map(bench)?);
    }
    if bench.wants(&["J2"]) {
        rows.extend(xes(bench)?);
    }
    for question in ["funnel", "retention"] {
        if bench.wants(&[id(question)]) {
            rows.extend(beside_sql(bench, question)?);
        }
    }
    if bench.wants(&["J4"]) {
        rows.extend(ten(bench)?);
    }
    rows.retain(|row| row.id.starts_with(&bench.options.only));
    Ok(rows)
}

fn id(question: &str) -> &'static str {
    if question == "funnel" { "J3-funnel" } else { "J3-retention" }
}

/// The directly-follows graph: all logs in memory case by case, and ours from a closed store too.
fn map(bench: &mut Bench) -> Result<Vec<Row>> {
    let files = Files::new(bench, "W");
    let memory = ["memory", THREADS, files.workload, &files.events];
    let mut contenders = vec![
        Contender::new(IN_MEMORY, bench.programs.path(JOURNEYS)?, &memory),
        of_store(bench, &files, "graph", FROM_STORE)?,
    ];
    let graph = ["graph", files.workload, &files.events];
    let peer = bench.programs.peers().map(|peers| Contender::new(Who::Peer(PROCESS_MINING), peers, &graph));
    add(bench, &mut contenders, PROCESS_MINING, peer);
    let peer = files
        .peers_file(bench, PARQUET)
        .and_then(|file| python(bench, PM4PY, PM4PY, "dfg.py", &[text(&file)?]));
    add(bench, &mut contenders, PM4PY, peer);
    eprintln!("J1 on {}", files.label());
    let rounds = Rounds::run(&contenders, bench.options.pairs, &Reference::default())?;
    let pairs = [
        Pair { id: "J1-process-mining", ours: IN_MEMORY, peer: PROCESS_MINING },
        Pair { id: "J1-pm4py", ours: IN_MEMORY, peer: PM4PY },
        Pair { id: "J1-store", ours: FROM_STORE, peer: PROCESS_MINING },
    ];
    let events = bench.options.events as f64;
    Ok(pairs.iter().map(|pair| pair.row(&files.label(), events, &rounds)).collect())
}

/// An event log in XES: ours into batches in memory as the peer's into a data frame, and ours into a new store.
fn xes(bench: &mut Bench) -> Result<Vec<Row>> {
    let Some(shared) = std::env::var_os("WAYFOLD_SHARED") else {
        bench.missing.push(format!("J2, {LOANS}: set WAYFOLD_SHARED to the folder that holds the data"));
        return Ok(Vec::new());
    };
    let file = PathBuf::from(shared).join("data/bpi-2012/bpic2012.xes.gz");
    let (file, store) = (text(&file)?, bench.folder.join("xes.wayfold"));
    let program = bench.programs.path(JOURNEYS)?;
    let mut contenders = vec![
        Contender::new(IN_MEMORY, program, &["xes", file]),
        Contender::new(NEW_STORE, program, &["xes-store", file, text(&store)?]),
    ];
    let peer = python(bench, R4PM, R4PM, "xes.py", &[file]);
    add(bench, &mut contenders, R4PM, peer);
    eprintln!("J2 on {LOANS}");
    let reference = Reference { check: Some(vec![LOAN_EVENTS as i64]), ..Reference::default() };
    let rounds = Rounds::run(&contenders, bench.options.pairs, &reference)?;
    let pairs = [
        Pair { id: "J2-memory", ours: IN_MEMORY, peer: R4PM },
        Pair { id: "J2-store", ours: NEW_STORE, peer: R4PM },
    ];
    Ok(pairs.iter().map(|pair| pair.row(LOANS, LOAN_EVENTS, &rounds)).collect())
}

/// A funnel or retention of a closed store, beside DuckDB's.
fn beside_sql(bench: &mut Bench, question: &'static str) -> Result<Vec<Row>> {
    let files = Files::new(bench, "W");
    let mut contenders = vec![of_store(bench, &files, question, FROM_STORE)?];
    let peers = [(DUCKDB, PARQUET), (DUCKDB_TABLE, TABLE)];
    for (peer, name) in peers {
        let asked = files.peers_file(bench, name).and_then(|file| {
            python(bench, "duckdb", peer, "journeys.py", &[question, text(&file)?, THREADS])
        });
        add(bench, &mut contenders, peer, asked);
    }
    eprintln!("{} on {}", id(question), files.label());
    let rounds = Rounds::run(&contenders, bench.options.pairs, &Reference::default())?;
    let events = bench.options.events as f64;
    let row =
        |(peer, _)| Pair { id: id(question), ours: FROM_STORE, peer }.row(&files.label(), events, &rounds);
    Ok(peers.into_iter().map(row).collect())
}

/// Ten measures in one pass of a closed store, beside ten passes that each decode what they look at.
fn ten(bench: &mut Bench) -> Result<Vec<Row>> {
    let files = Files::new(bench, "W");
    let contenders = [
        of_store(bench, &files, "once", FROM_STORE)?,
        of_store(bench, &files, "each", Who::Peer(ONE_BY_ONE))?,
    ];
    eprintln!("J4 on {}", files.label());
    let rounds = Rounds::run(&contenders, bench.options.pairs, &Reference::default())?;
    let pair = Pair { id: "J4-ten", ours: FROM_STORE, peer: ONE_BY_ONE };
    Ok(vec![pair.row(&files.label(), bench.options.events as f64, &rounds)])
}

impl Pair {
    fn row(&self, workload: &str, events: f64, rounds: &Rounds) -> Row {
        let them = Who::Peer(self.peer);
        let rate = |who: &Who| rounds.median(who, |run| events / run.seconds / 1e6);
        let Who::Ours { state, .. } = self.ours else { unreachable!("a row is about one of ours") };
        let row = Row {
            id: self.id.to_owned(),
            workload: workload.to_owned(),
            state,
            value: rate(&self.ours),
            unit: "M events/s".to_owned(),
            peer: Some(self.peer.to_owned()),
            peer_value: rate(&them),
            ratio: rounds.ratio(&them, &self.ours, |run| run.seconds),
            ..Row::default()
        };
        row.judged(SINGLES.iter().find(|single| single.id == self.id).map(|single| single.target))
    }
}

fn of_store(bench: &Bench, files: &Files, question: &str, who: Who) -> Result<Contender> {
    let store = files.store(bench, STATE)?;
    let about = ["about", "A", files.workload, &files.events];
    let reference: Reference = answer(bench.programs.command(ANSWER)?.args(about))?;
    let arguments = [question, THREADS, &reference.as_of_us.to_string(), text(&store)?];
    Ok(Contender::new(who, bench.programs.path(JOURNEYS)?, &arguments))
}

/// A peer that is a script, which needs a package.
fn python(
    bench: &Bench,
    package: &str,
    peer: &'static str,
    script: &str,
    arguments: &[&str],
) -> Result<Contender> {
    bench.python.ensure(package)?;
    let script = bench.python.scripts.join(script);
    let arguments: Vec<&str> = std::iter::once(text(&script)?).chain(arguments.iter().copied()).collect();
    Ok(Contender::new(Who::Peer(peer), &bench.python.program, &arguments))
}

/// Takes a peer, or notes why it is missing.
fn add(bench: &mut Bench, contenders: &mut Vec<Contender>, name: &str, peer: Result<Contender>) {
    match peer {
        Ok(peer) => contenders.push(peer),
        Err(why) => bench.missing.push(format!("{name}: {why:#}")),
    }
}
