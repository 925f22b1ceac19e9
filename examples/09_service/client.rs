//! A client that is just enough to ask the service: HTTP/1.0, so that an answer ends with its connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer whose head is read.
pub(crate) struct Response {
    pub(crate) status: u16,
    rest: BufReader<TcpStream>,
}

/// Sends a request; `head` holds further lines, each with its end.
pub(crate) fn send(address: SocketAddr, line: &str, head: &str, body: &str) -> Result<Response> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let length = body.len();
    write!(stream, "{line} HTTP/1.0\r\ncontent-length: {length}\r\n{head}\r\n{body}")?;
    let mut rest = BufReader::new(stream);
    let mut first = String::new();
    rest.read_line(&mut first)?;
    let status = first.split(' ').nth(1).context("no status")?.parse()?;
    let mut header = String::new();
    while header != "\r\n" {
        header.clear();
        anyhow::ensure!(rest.read_line(&mut header)? > 0, "the head is cut");
    }
    Ok(Response { status, rest })
}

impl Response {
    /// The whole of an answer in JSON.
    pub(crate) fn json(mut self) -> Result<Value> {
        let mut body = String::new();
        self.rest.read_to_string(&mut body)?;
        serde_json::from_str(&body).with_context(|| body)
    }

    /// The next of the events that a server sends: its id and what it says; `None` at the end.
    pub(crate) fn next_event(&mut self) -> Result<Option<(String, Value)>> {
        let (mut id, mut told, mut line) = (String::new(), None, String::new());
        let start = Instant::now();
        loop {
            // What keeps the connection alive is no event.
            anyhow::ensure!(start.elapsed() < PATIENCE, "no event came");
            line.clear();
            if self.rest.read_line(&mut line)? == 0 {
                return Ok(None);
            }
            match line.trim_end().split_once(": ") {
                Some(("id", value)) => id = value.to_owned(),
                Some(("data", value)) => told = Some(serde_json::from_str(value)?),
                // An empty line ends an event; any other is a comment.
                _ => {
                    if let Some(told) = told.take() {
                        return Ok(Some((id, told)));
                    }
                }
            }
        }
    }
}
