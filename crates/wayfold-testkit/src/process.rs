//! Another process, which may be killed: the test's own program, started again with a task for the same test.

use std::io::{BufRead, BufReader, Write as _};
#[cfg(unix)]
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const TASK: &str = "WAYFOLD_TORTURE_TASK";
const MARK: &str = "torture ";
/// Whoever may write anything is root; this is somebody who may not.
#[cfg(unix)]
const NOBODY: u32 = 65_534;

/// No process takes longer, however slow the machine is.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// How many times as long as usual loops go on: the whole number in `WAYFOLD_TORTURE`, or 1.
pub fn times() -> usize {
    std::env::var("WAYFOLD_TORTURE").ok().and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// What this process is to do, if it is another one's child.
pub fn task() -> Option<String> {
    std::env::var(TASK).ok()
}

/// Starts a test as another process, which finds a task.
///
/// # Panics
/// If no process can be started.
pub fn spawn(test: &str, task: &str) -> Child {
    let program = std::env::current_exe().expect("a test knows its own program");
    start(command(&program, test, task))
}

/// The same, as a user who may not write what others own. That user may not even come to the folder in which the program
/// was built, so a copy of it is started, which is made in a folder that everybody can come to.
///
/// # Panics
/// If no process can be started.
#[cfg(unix)]
pub fn spawn_as_nobody(test: &str, task: &str, folder: &Path) -> Child {
    let (own, copy) =
        (std::env::current_exe().expect("a test knows its own program"), folder.join("program"));
    std::fs::copy(own, &copy).expect("a test may copy its own program");
    let mut command = command(&copy, test, task);
    command.gid(NOBODY).uid(NOBODY).current_dir(folder);
    start(command)
}

fn command(program: &Path, test: &str, task: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["--exact", test, "--nocapture"]).env(TASK, task);
    command
}

fn start(mut command: Command) -> Child {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.spawn().expect("a test may start its own program")
}

/// Stops a child where it is, without its doing anything about it, until it is [woken](wake).
///
/// # Panics
/// If it cannot be told.
#[cfg(unix)]
pub fn freeze(child: &Child) {
    signal(child, "STOP");
}

/// Lets a child go on that was [stopped](freeze).
///
/// # Panics
/// If it cannot be told.
#[cfg(unix)]
pub fn wake(child: &Child) {
    signal(child, "CONT");
}

/// The shell sends it, so that no crate is needed for it.
#[cfg(unix)]
fn signal(child: &Child, signal: &str) {
    let told = Command::new("/bin/sh").arg("-c").arg(format!("kill -{signal} {}", child.id())).status();
    assert!(told.expect("a test may start a shell").success(), "{signal}");
}

/// Tells the other process a line, with its end in one buffer: a kill leaves it whole or without its end.
///
/// # Panics
/// If nobody listens.
pub fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{MARK}{line}\n").as_bytes()).expect("somebody listens");
    out.flush().expect("somebody listens");
}

/// Stops until this process is killed.
pub fn stall() {
    // The other process holds the other end for as long as it lives, and says nothing.
    let _ = std::io::stdin().lock().read_line(&mut String::new());
    std::process::exit(1);
}

/// What a child tells, in whole lines as they come.
///
/// # Panics
/// If somebody has asked before.
pub fn lines_of(child: &mut Child) -> Receiver<String> {
    let mut out = BufReader::new(child.stdout.take().expect("nobody has asked before"));
    let (send, lines) = channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        while out.read_line(&mut line).expect("a child writes text") > 0 {
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
