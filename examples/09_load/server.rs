//! The service as a second process: this program again, told to serve.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};

/// A running service; killed if it is dropped.
pub(crate) struct Server {
    process: Child,
    says: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts it on a free port, and waits until it listens.
    pub(crate) fn start(store: &str) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["--listen", "127.0.0.1:0", "--store", store])
            .stdout(Stdio::piped())
            .spawn()?;
        let mut says = BufReader::new(process.stdout.take().expect("it was asked for as a pipe"));
        let mut line = String::new();
        says.read_line(&mut line)?;
        let address = line.strip_prefix("listening on http://").and_then(|rest| rest.split_once(';'));
        let (address, _) = address.with_context(|| format!("the service says {line:?}"))?;
        Ok(Self { process, says, address: address.parse()? })
    }

    /// Ends it in the middle of whatever it does, and starts it again on its log.
    pub(crate) fn kill_and_start(&mut self, store: &str) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        *self = Self::start(store)?;
        Ok(())
    }

    /// Ends it as Ctrl-C does. The shell has a `kill` of its own, which is everywhere where signals are.
    pub(crate) fn interrupt(mut self) -> Result<()> {
        let kill =
            Command::new("sh").args(["-c", "kill -INT $0", &self.process.id().to_string()]).status()?;
        ensure!(kill.success(), "the service cannot be interrupted");
        let mut line = String::new();
        self.says.read_line(&mut line)?;
        let status = self.process.wait()?;
        ensure!(status.success(), "the service ended with {status}");
        ensure!(line.starts_with("ended"), "the service says {line:?}");
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
