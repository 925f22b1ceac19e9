//! The examples again, each over a log in a PostgreSQL database of its own: they are sure of the same figures there.
//!
//! It starts the programs beside it, so that they have to be built before, in the same profile and with all features:
//! `cargo test --release -p wayfold-examples --all-features --test on_postgres` behind the examples themselves.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use wayfold_testkit::PostgresServer;

/// Examples that are about PostgreSQL, and start servers themselves.
const ALREADY_THERE: [&str; 2] = ["15_stages", "22_cluster"];

/// The examples in reading order: what lies beside this file, as a file or a folder with a main file.
fn examples() -> Vec<String> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let entries = std::fs::read_dir(here).unwrap().map(|entry| entry.unwrap().path());
    let is_example = |path: &PathBuf| {
        let is_numbered =
            path.file_name().unwrap().to_string_lossy().starts_with(|c: char| c.is_ascii_digit());
        path.join("main.rs").exists() || is_numbered
    };
    let name = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut names: Vec<String> = entries.filter(is_example).map(name).collect();
    names.sort();
    names
}

/// Runs an example over the database; what went wrong.
fn run(program: &Path, connection: &str) -> Option<String> {
    let mut command = Command::new(program);
    // The default runs twice, over two files; the second of these runs is the harder one.
    command.args((program.ends_with("09_load")).then_some("--kill"));
    let output = command.arg("--store").arg(format!("postgres:{connection}")).output().unwrap();
    let told = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (!output.status.success()).then(|| format!("{}\n{}", output.status, told.join("\n")))
}

#[test]
fn examples_say_on_postgres_what_they_say_elsewhere() {
    let test = "examples_say_on_postgres_what_they_say_elsewhere";
    let Some(server) = PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), test) else { return };
    let own = std::env::current_exe().unwrap();
    let programs = own.parent().and_then(Path::parent).unwrap().join("examples");
    let (mut ran, mut failed) = (0, Vec::new());
    for name in examples().iter().filter(|name| !ALREADY_THERE.contains(&name.as_str())) {
        let connection = server.make_database(&format!("example_{name}"));
        let wrong = run(&programs.join(name), &connection).or_else(|| {
            let events = server.run_sql(&connection, "SELECT count(*) FROM wayfold.event_log");
            (events.trim() == "0").then(|| "it has written nothing there".to_owned())
        });
        println!("{name}: {}", wrong.as_deref().unwrap_or("ok"));
        failed.extend(wrong.map(|_| name.clone()));
        ran += 1;
    }
    assert!(failed.is_empty(), "{} of {ran} went wrong: {failed:?}", failed.len());
    assert!(ran > 30, "only {ran} examples were found");
}
