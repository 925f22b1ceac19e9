//! The steps in their order: cheap and telling ones first.

use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use super::counts::Counting;
use crate::cargo::{self, Workspace};

const BENCHES: &str = "wayfold-benches";
const EXAMPLES: &str = "wayfold-examples";

#[derive(Debug)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) command: Command,
    pub(super) counting: Counting,
}

pub(super) fn all(workspace: &Workspace) -> Result<Vec<Step>> {
    let mut steps = vec![
        as_one("fmt", cargo::command(&["fmt", "--all", "--", "--check"])),
        as_one("clippy", clippy()),
        as_one("tidy", tidy()?),
        tests(has_nextest()),
        doc_tests(),
        as_one("doc", doc()),
        as_one("benches compile", cargo::command(&["check", "--package", BENCHES, "--benches"])),
    ];
    steps.extend(examples(workspace).into_iter().map(|name| example(&name)));
    steps.push(examples_on_postgres());
    for step in &mut steps {
        step.command.current_dir(&workspace.root);
    }
    Ok(steps)
}

fn as_one(name: &str, command: Command) -> Step {
    Step { name: name.to_owned(), command, counting: Counting::AsOne }
}

fn clippy() -> Command {
    cargo::command(&["clippy", "--workspace", "--all-targets", "--all-features", "--", "--deny", "warnings"])
}

/// Runs tidy as a program of its own, so that its output and end are treated like any other step's.
fn tidy() -> Result<Command> {
    let mut command = Command::new(std::env::current_exe().context("failed to find this program")?);
    command.arg("tidy");
    Ok(command)
}

/// Unit, property and integration tests. The benches are left out: they are compiled, not run.
fn tests(with_nextest: bool) -> Step {
    let runner: &[&str] = if with_nextest { &["nextest", "run"] } else { &["test"] };
    let choice = ["--workspace", "--exclude", BENCHES, "--all-features", "--tests", "--no-fail-fast"];
    let mut command = cargo::command(&[runner, &choice].concat());
    // Variables and not flags, because older versions refuse flags that they do not know.
    command.env("NEXTEST_STATUS_LEVEL", "skip").env("NEXTEST_NO_TESTS", "pass");
    let counting = if with_nextest { Counting::Nextest } else { Counting::Libtest };
    Step { name: "tests".to_owned(), command, counting }
}

fn has_nextest() -> bool {
    let mut version = cargo::command(&["nextest", "--version"]);
    version.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

fn doc_tests() -> Step {
    let command = cargo::command(&["test", "--doc", "--workspace", "--all-features", "--no-fail-fast"]);
    Step { name: "doc tests".to_owned(), command, counting: Counting::Libtest }
}

fn doc() -> Command {
    let mut command = cargo::command(&["doc", "--workspace", "--no-deps", "--all-features"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Names the examples in reading order, which is the order of their names.
fn examples(workspace: &Workspace) -> Vec<String> {
    let package = workspace.packages.iter().find(|package| package.name == EXAMPLES);
    let targets = package.into_iter().flat_map(|package| &package.targets);
    let mut names: Vec<String> = targets
        .filter(|target| target.kind.iter().any(|kind| kind == "example"))
        .map(|target| target.name.clone())
        .collect();
    names.sort();
    names
}

fn example(name: &str) -> Step {
    let choice = ["run", "--release", "--package", EXAMPLES, "--all-features", "--example", name];
    as_one(&format!("example {name}"), without_lto(cargo::command(&choice)))
}

/// Nothing is measured here, and optimising each of the many examples as a whole took longer than all else.
fn without_lto(mut command: Command) -> Command {
    command.env("CARGO_PROFILE_RELEASE_LTO", "off");
    command
}

/// Runs the examples that were built for the steps before once more, over a server.
fn examples_on_postgres() -> Step {
    let choice = ["test", "--release", "--package", EXAMPLES, "--all-features", "--test", "on_postgres"];
    let mut command = without_lto(cargo::command(&choice));
    command.args(["--", "--nocapture"]);
    Step { name: "examples on PostgreSQL".to_owned(), command, counting: Counting::Libtest }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cargo::{Package, Target};

    fn package(name: &str, targets: &[(&str, &str)]) -> Package {
        let target =
            |(name, kind): &(&str, &str)| Target { name: (*name).into(), kind: vec![(*kind).into()] };
        Package { name: name.into(), dependencies: vec![], targets: targets.iter().map(target).collect() }
    }

    #[test]
    fn examples_are_found_in_the_order_of_their_names() {
        let targets = [("wayfold_examples", "lib"), ("replay", "example"), ("01_first_journey", "example")];
        let packages = vec![package("wayfold", &[("other", "example")]), package(EXAMPLES, &targets)];
        let workspace = Workspace { root: "root".into(), target: "target".into(), packages };
        assert_eq!(examples(&workspace), ["01_first_journey", "replay"]);
    }
}
