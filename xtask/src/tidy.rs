//! The rules of the house that no compiler knows, each in a file of its own.
//!
//! A check is a function from text or metadata to a list of problems, so that its unit tests can show it failing
//! without a tree that is broken on purpose.

mod architecture;
mod edges;
mod layout;
mod length;
mod links;
mod markdown;
mod rust;
mod tree;
mod words;

use std::process::ExitCode;

use anyhow::Result;

use crate::cargo::Workspace;
use tree::Tree;

/// Runs every check, prints each problem and fails if there is one.
pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::read()?;
    let tree = Tree::read(&workspace.root)?;
    let problems = problems(&workspace, &tree)?;
    for problem in &problems {
        println!("tidy: {problem}");
    }
    println!("tidy: {} problems in {} files", problems.len(), tree.files().count());
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn problems(workspace: &Workspace, tree: &Tree) -> Result<Vec<String>> {
    let mut found = edges::problems(&workspace.packages);
    found.extend(layout::problems(tree));
    found.extend(architecture::problems(tree)?);
    for file in tree.files() {
        if file.ends_with(".rs") {
            let text = tree.text(file)?;
            found.extend(length::problem(file, &text));
            found.extend(words::problems(file, &text));
        } else if file.ends_with(".md") {
            found.extend(links::problems(file, &tree.text(file)?, tree));
        }
    }
    Ok(found)
}
