use clap::Parser;

use crate::command::Command;

/// Where every customer stands, at any instant, and why.
///
/// Import a history, then ask: `wayfold import --store sqlite:shop.db FILE`, `wayfold population --store sqlite:shop.db`.
/// `wayfold demo` shows it on a made-up shop.
#[derive(Debug, Parser)]
#[command(name = "wayfold", version, after_help = AFTER)]
pub(crate) struct Arguments {
    /// Prints JSON for programs: an object, or a line for each of many.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const AFTER: &str = "\
The store is named by --store or by the environment variable WAYFOLD_STORE.

Exit codes: 0 done, 1 failed, 2 asked wrongly, 3 not found, 4 imported but for rejected rows, 5 damage found.";

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn arguments_do_not_contradict_each_other() {
        Arguments::command().debug_assert();
    }
}
