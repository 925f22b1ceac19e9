//! The import of a real file into a new store, in turn with DuckDB's own import of it into a table.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use super::Bench;
use super::goals::{SINGLES, Target};
use super::process::{Contender, Reference, Who, text};
use super::programs::CALLS;
use super::rounds::Rounds;
use super::rows::Row;

pub(super) const IDS: [&str; 2] = ["I1", "I1-rate"];
const PEER: &str = "DuckDB, CREATE TABLE AS read_csv";
const WORKLOAD: &str = "Online Retail";
const STATE: &str = "new";
const LINES: f64 = 541_909.0;

/// The rows of the import, if they are asked for and the file is there.
pub(super) fn rows(bench: &mut Bench) -> Result<Vec<Row>> {
    if !bench.wants(&IDS) {
        return Ok(Vec::new());
    }
    let Some(csv) = csv(bench)? else {
        bench.missing.push(format!("I1, {WORKLOAD}: set WAYFOLD_SHARED to the folder that holds the data"));
        return Ok(Vec::new());
    };
    let ours = Who::Ours { state: STATE, threads: 2 };
    let them = Who::Peer(PEER);
    let mapping = bench.root.join("examples/mappings/online_retail.toml");
    let store = bench.folder.join("import.wayfold");
    let arguments = ["import", text(&mapping)?, text(&csv)?, text(&store)?];
    let mut contenders = vec![Contender::new(ours.clone(), bench.programs.path(CALLS)?, &arguments)];
    match bench.python.ensure("duckdb") {
        Ok(()) => {
            let (script, file) = (bench.python.scripts.join("import.py"), bench.folder.join("import.duckdb"));
            let arguments = [text(&script)?, text(&csv)?, text(&file)?];
            contenders.push(Contender::new(them.clone(), &bench.python.program, &arguments));
        }
        Err(why) => bench.missing.push(format!("I1, {PEER}: {why:#}")),
    }
    eprintln!("import of {WORKLOAD}");
    let reference = Reference { check: Some(vec![LINES as i64]), ..Reference::default() };
    let rounds = Rounds::run(&contenders, bench.options.pairs, &reference)?;
    let rate = |who: &Who| rounds.median(who, |run| LINES / run.seconds);
    let row = |id: &str| {
        let target = SINGLES.iter().find(|single| single.id == id).map(|single| single.target);
        let is_beside = matches!(target, Some(Target::Ratio { .. }));
        let row = Row {
            id: id.to_owned(),
            workload: WORKLOAD.to_owned(),
            state: STATE,
            value: rate(&ours),
            unit: "lines/s".to_owned(),
            peer: is_beside.then(|| PEER.to_owned()),
            peer_value: rate(&them).filter(|_| is_beside),
            ratio: rounds.ratio(&them, &ours, |run| run.seconds).filter(|_| is_beside),
            ..Row::default()
        };
        row.judged(target)
    };
    Ok(IDS.into_iter().filter(|id| id.starts_with(&bench.options.only)).map(row).collect())
}

/// The file, unpacked once, so that both sides read the same.
fn csv(bench: &Bench) -> Result<Option<PathBuf>> {
    let Some(shared) = std::env::var_os("WAYFOLD_SHARED") else { return Ok(None) };
    let packed = Path::new(&shared).join("data/online-retail/online_retail.csv.gz");
    let path = bench.folder.join("online_retail.csv");
    if !path.exists() {
        let making = path.with_extension("making");
        let file = File::create(&making).with_context(|| format!("failed to make {}", making.display()))?;
        let unpacked = Command::new("gzip").arg("-dc").arg(&packed).stdout(Stdio::from(file)).status();
        let unpacked = unpacked.context("failed to start gzip")?;
        ensure!(unpacked.success(), "failed to unpack {}", packed.display());
        std::fs::rename(&making, &path).with_context(|| format!("failed to name {}", path.display()))?;
    }
    Ok(Some(path))
}
