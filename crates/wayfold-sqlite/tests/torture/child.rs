//! Another process: the test's own program, started again with a task for the same test.

use std::io::{BufRead, BufReader, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const TASK: &str = "WAYFOLD_TORTURE_TASK";
const MARK: &str = "torture ";
/// Whoever may write anything is root; this is somebody who may not.
const NOBODY: u32 = 65_534;

/// No process takes longer, however slow the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What this process is to do, if it is another one's child.
pub(crate) fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Starts a test as another process, which finds a task.
pub(crate) fn spawn(test: &str, task: &str) -> Child {
    start(command(test, task))
}

/// The same, as a user who may not write what others own.
pub(crate) fn spawn_as_nobody(test: &str, task: &str) -> Child {
    let mut command = command(test, task);
    command.gid(NOBODY).uid(NOBODY);
    start(command)
}

fn command(test: &str, task: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(TASK, task);
    command
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
}

/// Tells the other process a line. One call writes it with its end, so that a kill leaves it whole or without one.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{MARK}{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// Stops until this process is killed.
pub(crate) fn stall() {
    // The other process holds the other end for as long as it lives, and says nothing.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    std::process::exit(1);
}

/// What a child tells, in whole lines as they come.
pub(crate) fn lines_of(child: &mut Child) -> Receiver<String> {
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let (send, lines) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while out.read_line(&mut line).unwrap() > 0 {
            if let Some(told) = line.strip_suffix('\n').and_then(|line| line.strip_prefix(MARK))
                && send.send(told.to_owned()).is_err()
            {
                return;
            }
            line.clear();
        }
    });
    lines
}
