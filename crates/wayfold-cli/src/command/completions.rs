use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::output::Output;

/// Prints completions for a shell: `wayfold completions bash > /etc/bash_completion.d/wayfold`
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(&self, output: &mut Output) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Arguments::command(), "wayfold", &mut script);
        Ok(std::io::Write::write_all(output.bytes(), &script)?)
    }
}
