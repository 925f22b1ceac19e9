//! The virtual environment of the peers that speak Python.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow};

use super::process::finish;

#[derive(Debug)]
pub(super) struct Python {
    pub(super) program: PathBuf,
    /// The folder of the peers.
    pub(super) scripts: PathBuf,
    /// Packages that cannot be installed, and why.
    absent: Vec<(String, String)>,
}

impl Python {
    /// Installs what can be installed.
    pub(super) fn prepare(scripts: &Path, folder: &Path) -> Result<Self> {
        let environment = folder.join("venv");
        let program = environment.join("bin/python");
        let requirements = scripts.join("requirements.txt");
        let requirements = fs::read_to_string(&requirements)
            .with_context(|| format!("failed to read {}", requirements.display()))?;
        let absent = requirements
            .lines()
            .filter_map(|line| {
                let failed = install(&program, &environment, line).err()?;
                // The installer ends with what it could not do, after all that it tried.
                let why = failed.to_string().lines().last().unwrap_or_default().to_owned();
                Some((line.split("==").next()?.to_owned(), why))
            })
            .collect();
        Ok(Self { program, scripts: scripts.to_owned(), absent })
    }

    /// Refuses a package that cannot be installed, and says why.
    pub(super) fn ensure(&self, package: &str) -> Result<()> {
        let why = self.absent.iter().find(|(absent, _)| absent == package);
        why.map_or(Ok(()), |(package, why)| Err(anyhow!("{package}: {why}")))
    }
}

/// Installs one pinned package, in an environment that is made if it is not there.
fn install(python: &Path, environment: &Path, pinned: &str) -> Result<()> {
    if !python.exists() {
        finish(Command::new("python3").arg("-m").arg("venv").arg(environment))?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", pinned];
    finish(Command::new(python).args(pip))
}
