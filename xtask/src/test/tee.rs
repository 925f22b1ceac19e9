//! Runs a command so that its output is seen as it comes and can be counted afterwards.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result};

#[derive(Debug)]
pub(super) struct Finished {
    pub(super) success: bool,
    /// Standard output, then standard error.
    pub(super) output: String,
}

pub(super) fn run(command: &mut Command) -> Result<Finished> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {program}"))?;
    let stdout = child.stdout.take().expect("standard output was asked for as a pipe");
    let stderr = child.stderr.take().expect("standard error was asked for as a pipe");
    let errors = thread::spawn(|| copy(stderr, io::stderr()));
    let output = copy(stdout, io::stdout()).context("failed to read the output")?;
    let errors = errors.join().expect("copying does not panic").context("failed to read the errors")?;
    let status = child.wait().with_context(|| format!("failed to wait for {program}"))?;
    Ok(Finished { success: status.success(), output: output + &errors })
}

/// Passes every line on and keeps it. Bytes that are no UTF-8 are kept as replacement characters.
fn copy(from: impl Read, mut to: impl Write) -> io::Result<String> {
    let mut from = BufReader::new(from);
    let mut kept = String::new();
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line)? > 0 {
        to.write_all(&line)?;
        kept.push_str(&String::from_utf8_lossy(&line));
        line.clear();
    }
    to.flush()?;
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copied_output_is_the_output() {
        let mut shown = Vec::new();
        let kept = copy(&b"one\ntwo \xff"[..], &mut shown).expect("memory takes all");
        assert_eq!(shown, b"one\ntwo \xff");
        assert_eq!(kept, "one\ntwo \u{fffd}");
    }

    #[test]
    fn missing_program_is_an_error() {
        assert!(run(&mut Command::new("no-such-program-as-this")).is_err());
    }
}
