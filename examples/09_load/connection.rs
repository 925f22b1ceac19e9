//! A connection that is kept from request to request, as clients keep them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

/// How long an answer may take, or a service that was killed to be there again.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) path: String,
    /// The type of the body, and the body; a wish without one only asks.
    pub(crate) body: Option<(&'static str, String)>,
}

/// What is answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Bytes,
    /// How often it was asked until the answer came.
    pub(crate) attempts: u32,
}

/// A connection to wherever the service is.
pub(crate) struct Connection {
    address: watch::Receiver<SocketAddr>,
    /// Whether a service that does not answer is asked again.
    retries: bool,
    open: Option<SendRequest<Full<Bytes>>>,
}

impl Connection {
    pub(crate) fn new(address: watch::Receiver<SocketAddr>, retries: bool) -> Self {
        Self { address, retries, open: None }
    }

    /// Asks. If the service is killed meanwhile nobody knows what became of it, and the same is asked again.
    pub(crate) async fn ask(&mut self, wish: &Wish) -> Result<Answer> {
        let start = Instant::now();
        for attempts in 1.. {
            let answer = timeout(PATIENCE, self.ask_once(wish)).await.context("no answer came");
            match answer.and_then(|answer| answer) {
                Ok((status, body)) => return Ok(Answer { status, body, attempts }),
                Err(error) if !self.retries || start.elapsed() > PATIENCE => return Err(error),
                Err(_) => self.open = None,
            }
            sleep(Duration::from_millis(20)).await;
        }
        unreachable!("patience ends first")
    }

    async fn ask_once(&mut self, wish: &Wish) -> Result<(StatusCode, Bytes)> {
        if self.open.as_ref().is_none_or(SendRequest::is_closed) {
            self.open = Some(self.connect().await?);
        }
        let sender = self.open.as_mut().expect("it was opened just now");
        sender.ready().await?;
        let response = sender.send_request(request(wish)?).await?;
        let status = response.status();
        Ok((status, response.into_body().collect().await?.to_bytes()))
    }

    async fn connect(&self) -> Result<SendRequest<Full<Bytes>>> {
        let address = *self.address.borrow();
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        // How it ends is heard by whoever asks next.
        tokio::spawn(connection);
        Ok(sender)
    }
}

fn request(wish: &Wish) -> Result<Request<Full<Bytes>>> {
    let request = Request::builder().uri(&wish.path).header(HOST, "service");
    Ok(match wish.body.clone() {
        Some((kind, body)) => {
            request.method(Method::POST).header(CONTENT_TYPE, kind).body(Full::from(body))?
        }
        None => request.body(Full::default())?,
    })
}
