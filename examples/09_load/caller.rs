//! One connection: asks one thing after the other, and checks each answer.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, ensure};
use hyper::StatusCode;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use wayfold::{BehaviourClass, EventId, JourneyEvent, Uuid};
use wayfold_testkit::Random;

use crate::connection::{Answer, Connection, Wish};
use crate::people::People;
use crate::run::Progress;
use crate::tally::{self, Kind, Tally};

/// A caller whom so much has gone wrong for gives up.
const ERRORS_MAX: u64 = 10;
/// How many events come in one request.
const EVENTS: RangeInclusive<i64> = 1..=10;
/// How many customers stand on a page.
const PAGE: usize = 50;

/// What is read of the answers.
#[derive(Deserialize)]
struct Taken {
    new: usize,
}

#[derive(Deserialize)]
struct Customer {
    events: u64,
}

#[derive(Deserialize)]
struct Explained {
    steps: Vec<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Balance {
    points: i64,
}

#[derive(Deserialize)]
struct Page {
    customers: Vec<AtRisk>,
    matching: usize,
    next: Option<String>,
}

#[derive(Deserialize)]
struct AtRisk {
    segment: Segment,
}

#[derive(Deserialize)]
struct Segment {
    class: BehaviourClass,
}

pub(crate) struct Caller {
    connection: Connection,
    people: Arc<People>,
    random: Random,
    next_page: Option<String>,
    tally: Tally,
}

impl Caller {
    /// What it asks depends on the seed alone.
    pub(crate) fn new(connection: Connection, people: Arc<People>, seed: u64) -> Self {
        Self { connection, people, random: Random::new(seed), next_page: None, tally: Tally::default() }
    }

    /// Asks until it is enough.
    pub(crate) async fn ask(mut self, progress: Arc<Progress>) -> Tally {
        while progress.goes_on() && self.tally.errors.values().sum::<u64>() < ERRORS_MAX {
            if let Err(error) = self.ask_something().await {
                self.tally.error(format!("{error:#}"));
            }
        }
        self.tally
    }

    /// Records the first events of everybody, many in a request.
    pub(crate) async fn begin(mut self) -> Result<Tally> {
        let events = self.people.first_events(&mut self.random);
        for events in events.chunks(500) {
            self.record(events).await?;
        }
        self.mark("begun").await
    }

    /// Records an event that marks a place of the log.
    pub(crate) async fn mark(mut self, mark: &str) -> Result<Tally> {
        let marked = self.people.mark(mark);
        self.send(&[&marked]).await?;
        // What is sent before and after the load is not of the load.
        self.tally.latencies.clear();
        Ok(self.tally)
    }

    async fn ask_something(&mut self) -> Result<()> {
        match self.random.below(100) {
            0..5 => self.record_newcomer().await,
            5..45 => self.record_some().await,
            45..70 => self.customer().await,
            70..79 => self.explain().await,
            79 => self.churn_risks().await,
            _ => self.redeem().await,
        }
    }

    async fn record_newcomer(&mut self) -> Result<()> {
        let newcomer = self.people.newcomer(&mut self.random);
        self.send(&[&newcomer]).await
    }

    async fn record_some(&mut self) -> Result<()> {
        let count = self.random.between(*EVENTS.start(), *EVENTS.end());
        let events: Vec<_> = (0..count).map(|_| self.people.next_event(&mut self.random)).collect();
        self.record(&events).await
    }

    async fn record(&mut self, events: &[(usize, JourneyEvent)]) -> Result<()> {
        self.send(&events.iter().map(|(_, event)| event).collect::<Vec<_>>()).await?;
        for (number, _) in events {
            self.people.acknowledge(*number);
        }
        Ok(())
    }

    async fn send(&mut self, events: &[&JourneyEvent]) -> Result<()> {
        let lines: Vec<_> = events.iter().map(|event| tally::json(event)).collect();
        let kind = if lines.len() == 1 { "application/json" } else { "application/x-ndjson" };
        let body = Some((kind, lines.join("\n")));
        let answer = self.answer(Kind::Record, Wish { path: "/events".to_owned(), body }).await?;
        let Taken { new } = read(Kind::Record, &answer)?;
        // Who asks again may have been heard the first time.
        let heard_before = answer.attempts > 1 && new == 0;
        ensure!(new == events.len() || heard_before, "{new} of {} events were new", events.len());
        self.tally.recorded.extend(events.iter().map(|event| event.id).zip(lines));
        Ok(())
    }

    /// An answer knows every event that was acknowledged before the question.
    async fn customer(&mut self) -> Result<()> {
        let number = self.people.any(&mut self.random);
        let least = self.people.acknowledged(number);
        let path = format!("/customers/{}", self.people.name(number));
        let answer = self.answer(Kind::Customer, Wish { path, body: None }).await?;
        let Customer { events } = read(Kind::Customer, &answer)?;
        ensure!(events >= least, "a customer of {least} acknowledged events has {events}");
        Ok(())
    }

    async fn explain(&mut self) -> Result<()> {
        let number = self.people.any(&mut self.random);
        let path = format!("/customers/{}/explain", self.people.name(number));
        let answer = self.answer(Kind::Explain, Wish { path, body: None }).await?;
        let Explained { steps } = read(Kind::Explain, &answer)?;
        ensure!(!steps.is_empty(), "nothing is explained");
        Ok(())
    }

    /// Turns one page after the other, and begins anew behind the last.
    async fn churn_risks(&mut self) -> Result<()> {
        let after = self.next_page.take().map(|next| format!("&after={next}")).unwrap_or_default();
        let path = format!("/churn-risks?limit={PAGE}{after}");
        let answer = self.answer(Kind::ChurnRisks, Wish { path, body: None }).await?;
        let page: Page = read(Kind::ChurnRisks, &answer)?;
        ensure!(page.customers.len() <= PAGE.min(page.matching), "a page holds too many");
        let at_risk = |customer: &AtRisk| customer.segment.class == BehaviourClass::AtRisk;
        ensure!(page.customers.iter().all(at_risk), "a page holds somebody who is not at risk");
        self.next_page = page.next;
        Ok(())
    }

    async fn redeem(&mut self) -> Result<()> {
        let (number, points) = (People::hot(&mut self.random), self.random.between(1, 20));
        let (name, request) = (self.people.name(number), Uuid::now_v7().to_string());
        let id = EventId::from_natural_key("service", "redeem", &[&request]);
        let body = json!({ "request": request, "points": points }).to_string();
        let wish = Wish { path: format!("/customers/{name}/redeem"), body: Some(("application/json", body)) };
        let answer = self.answer(Kind::Redeem, wish).await?;
        let too_few = String::from_utf8_lossy(&answer.body).contains("the customer has only");
        if answer.status == StatusCode::CONFLICT && too_few {
            self.tally.refused.insert(id);
            return Ok(());
        }
        let balance: Balance = read(Kind::Redeem, &answer)?;
        self.tally.redeemed.insert(id, (name, points));
        self.people.acknowledge(number);
        ensure!(balance.points >= 0, "a balance is {}", balance.points);
        Ok(())
    }

    async fn answer(&mut self, kind: Kind, wish: Wish) -> Result<Answer> {
        let start = Instant::now();
        let answer = self.connection.ask(&wish).await.map_err(|error| error.context(kind.name()))?;
        self.tally.took(kind, start.elapsed());
        self.tally.asked_again += u64::from(answer.attempts > 1);
        Ok(answer)
    }
}

fn read<T: DeserializeOwned>(kind: Kind, answer: &Answer) -> Result<T> {
    let text: String = String::from_utf8_lossy(&answer.body).chars().take(200).collect();
    ensure!(answer.status == StatusCode::OK, "{}: {} {text}", kind.name(), answer.status);
    serde_json::from_slice(&answer.body)
        .map_err(|error| anyhow::anyhow!("{}: {error} in {text}", kind.name()))
}
