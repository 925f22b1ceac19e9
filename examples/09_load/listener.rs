//! Somebody who listens to notices, and keeps what holds by them.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::watch;
use wayfold::{NoticeId, Place, Told};

use crate::client::{Response, send};
use crate::people::People;

/// How long a service that was killed may take to be there again.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) struct Listener {
    address: watch::Receiver<SocketAddr>,
    /// Whether a stream that breaks is taken up behind the last delivery.
    retries: bool,
    people: Arc<People>,
    stream: Response,
    last: Option<Place>,
    heard: Heard,
}

/// What was heard.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// What was told and not withdrawn.
    pub(crate) holds: HashSet<NoticeId>,
    pub(crate) deliveries: u64,
    pub(crate) withdrawn: u64,
    /// How long it took until a newcomer was heard of.
    pub(crate) delays: Vec<Duration>,
}

impl Listener {
    /// Begins to listen: what is recorded from here on is heard.
    pub(crate) fn begin(
        address: watch::Receiver<SocketAddr>,
        retries: bool,
        people: Arc<People>,
    ) -> Result<Self> {
        let stream = listen(*address.borrow(), None)?;
        Ok(Self { address, retries, people, stream, last: None, heard: Heard::default() })
    }

    /// Hears everything up to a mark; gives up to where it has heard.
    pub(crate) fn hear_up_to(&mut self, mark: &str) -> Result<Place> {
        let name = self.people.marked(mark);
        loop {
            let (place, told) = self.next()?;
            let is_behind = self.last.is_none_or(|last| {
                last.position <= place.position && last.as_of <= place.as_of && last != place
            });
            ensure!(is_behind, "the delivery {place} does not lie behind {:?}", self.last);
            self.last = Some(place);
            self.heard.deliveries += 1;
            told.iter().try_for_each(|told| self.take(told))?;
            if told.iter().any(|told| told.notice().customer.customer.as_str() == name) {
                return Ok(place);
            }
        }
    }

    /// Hears everything up to a mark, which is the end.
    pub(crate) fn hear_all(mut self, mark: &str) -> Result<(Place, Heard)> {
        let place = self.hear_up_to(mark)?;
        Ok((place, self.heard))
    }

    fn take(&mut self, told: &Told) -> Result<()> {
        let notice = told.notice();
        match told {
            Told::Fact(_) => {
                ensure!(self.heard.holds.insert(notice.id), "{notice:?} is told twice");
                let name = notice.customer.customer.as_str();
                self.heard.delays.extend(self.people.age_of_newcomer(name));
            }
            Told::Withdrawn(_) => {
                ensure!(self.heard.holds.remove(&notice.id), "{notice:?} is withdrawn and was not told");
                self.heard.withdrawn += 1;
            }
        }
        Ok(())
    }

    fn next(&mut self) -> Result<(Place, Vec<Told>)> {
        loop {
            let told = self.stream.next_event().and_then(|told| told.context("the stream has ended"));
            match told {
                Ok((place, told)) => return Ok((place.parse()?, serde_json::from_value(told)?)),
                Err(error) if !self.retries => return Err(error.context("GET /notices")),
                Err(_) => self.come_back()?,
            }
        }
    }

    fn come_back(&mut self) -> Result<()> {
        let start = Instant::now();
        loop {
            sleep(Duration::from_millis(20));
            let address = *self.address.borrow();
            match listen(address, self.last) {
                Ok(stream) => {
                    self.stream = stream;
                    return Ok(());
                }
                Err(error) if start.elapsed() > PATIENCE => return Err(error),
                Err(_) => {}
            }
        }
    }
}

fn listen(address: SocketAddr, last: Option<Place>) -> Result<Response> {
    let head = last.map(|last| format!("last-event-id: {last}\r\n")).unwrap_or_default();
    let stream = send(address, "GET /notices", &head, "")?;
    match stream.status {
        200 => Ok(stream),
        status => bail!("GET /notices: {status} {}", stream.json()?),
    }
}
