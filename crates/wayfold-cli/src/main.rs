//! The `wayfold` command: imports histories, asks about customers, and writes the report.
//!
//! `docs/guide/command.md` is its guide: what each command prints, the shapes of its JSON, and the exit codes.

mod actions;
mod arguments;
mod ask;
mod by;
mod command;
mod failure;
mod figures;
mod file;
mod kinds;
mod output;
mod printable;
mod progress;
mod reporting;
mod store;
mod table;
mod words;
mod worth;

use std::process::ExitCode;

use clap::Parser;
use mimalloc::MiMalloc;

use crate::arguments::Arguments;
use crate::failure::Exit;
use crate::output::Output;
use crate::printable::printable;

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut output = Output::standard(arguments.json);
    let ended = arguments.command.run(&mut output).and_then(|exit| output.flush().map(|()| exit));
    let exit = ended.unwrap_or_else(|error| {
        let exit = Exit::of(&error);
        // Whoever reads may stop before the end; that is no failure to speak of.
        if exit != Exit::Done {
            eprintln!("error: {}", printable(&format!("{error:#}")));
        }
        exit
    });
    exit.into()
}
