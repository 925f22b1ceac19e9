//! A folder of its own for each test, and the command run in it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use wayfold_testkit::Scratch;

/// A folder in which the command is run, with its store in `log.db`.
pub(crate) struct Place(Scratch);

/// What a run gave.
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Place {
    pub(crate) fn new(name: &str) -> Self {
        Self(Scratch::new(env!("CARGO_TARGET_TMPDIR"), name))
    }

    /// A place with the CDNOW sample in its store.
    pub(crate) fn cdnow(name: &str) -> Self {
        let place = Self::new(name);
        let mapping = shipped("mappings/cdnow.toml");
        let file = shipped("data/cdnow_sample.txt");
        place.done(&["import", "--mapping", mapping.to_str().unwrap(), file.to_str().unwrap()]);
        place
    }

    pub(crate) fn folder(&self) -> &Path {
        self.0.folder()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.folder().join(name), text).unwrap();
    }

    /// The command, with the store of this place in its environment and nothing else of ours.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_wayfold"));
        command.current_dir(self.folder()).args(arguments).stdin(Stdio::null());
        command.env("WAYFOLD_STORE", "sqlite:log.db").env_remove("CLICOLOR_FORCE").env("COLUMNS", "100");
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ran { exit: ran.status.code().unwrap(), out: text(ran.stdout), err: text(ran.stderr) }
    }

    /// Runs a command that is done without a word of complaint; gives what it printed.
    #[track_caller]
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let Ran { exit, out, err } = self.run(arguments);
        assert_eq!((exit, err.as_str()), (0, ""), "{arguments:?}: {out}");
        out
    }

    /// Runs a command that prints one object of JSON.
    #[track_caller]
    pub(crate) fn object(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(&[arguments, &["--json"]].concat())).unwrap()
    }

    /// Runs a command that prints a line of JSON for each of many.
    #[track_caller]
    pub(crate) fn lines(&self, arguments: &[&str]) -> Vec<Value> {
        let out = self.done(&[arguments, &["--json"]].concat());
        out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A file that ships with the examples.
pub(crate) fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name).canonicalize().unwrap()
}
