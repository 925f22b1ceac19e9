//! The repository's own commands: `cargo xtask test` runs every check there is, `cargo xtask tidy` only the
//! rules of the house that no compiler knows, `cargo xtask bench` runs the library beside other engines.

mod bench;
mod cargo;
mod test;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;
use bench::Counted;

const USAGE: &str = "usage: cargo xtask <command>

commands:
  test    run every check: format, lints, tidy, tests, docs, examples
  tidy    check who imports whom, file lengths, named paths and links
  bench   measure workloads W and S, in turn with other engines and with what is bare
          [--events N] [--pairs N] [--only ID] [--chart FILE], by default a million events and five pairs;
          --instructions [--accept] counts the instructions of the hot paths instead, and compares them
          with those that are committed, or keeps them";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["test"] => test::run(),
        ["tidy"] => tidy::run(),
        ["bench", "--instructions"] => bench::count_instructions(Counted::Compared),
        ["bench", "--instructions", "--accept"] => bench::count_instructions(Counted::Accepted),
        ["bench", ref options @ ..] => bench::run(options),
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}
