//! The repository's own commands: `cargo xtask test` runs every check there is, `cargo xtask tidy` only the
//! rules of the house that no compiler knows.

mod cargo;
mod tidy;

use std::process::ExitCode;

use anyhow::Result;

const USAGE: &str = "usage: cargo xtask <command>

commands:
  tidy    check who imports whom, file lengths, named paths and links";

fn main() -> Result<ExitCode> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["tidy"] => tidy::run(),
        _ => {
            eprintln!("{USAGE}");
            Ok(ExitCode::from(2))
        }
    }
}
