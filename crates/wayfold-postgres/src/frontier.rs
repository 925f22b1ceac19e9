//! Up to where the log is complete: transactions that draw a place early and commit late must not be passed over.

use std::time::{Duration, Instant};

use metrics::histogram;
use tokio_postgres::Client;
use wayfold_core::Position;
use wayfold_store::{Error, Result};

use crate::error::{At, unavailable};
use crate::place::Place;
use crate::sql::Sql;

const PAUSE_FIRST: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);
/// How long reads waited.
const WAITED: &str = "wayfold_postgres_held_back_seconds";

/// So many transactions may have been begun that the server has forgotten after a crash.
pub(crate) const FORGOTTEN_MAX: i64 = 10_000;

/// Begins and ends so many transactions, so that the server's count passes those that it has forgotten.
pub(crate) async fn begin_forgotten(client: &Client, count: i64) -> Result<()> {
    let begin = format!(
        "DO $$ BEGIN FOR forgotten IN 1..{count} LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$"
    );
    client.batch_execute(&begin).await.at("begin the transactions that a crash made the server forget")
}

/// The log as one snapshot has it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    /// Every event of a transaction below it is committed or will never be.
    pub(crate) frontier: i64,
    newest: Option<Place>,
    /// No transaction from it on has ended yet.
    next: i64,
}

impl Look {
    pub(crate) async fn take(client: &Client, sql: &Sql) -> Result<Self> {
        let tried = "look how far the log is complete";
        let row = client.query_one(&sql.look, &[]).await.at(tried)?;
        let newest: Option<i64> = row.get(1);
        let newest = newest.map(|transaction| Place { transaction, number: row.get(2) });
        Ok(Self { frontier: row.get(0), newest, next: row.get(3) })
    }

    /// Looks again after a look that hides something. A crash may have left committed events ahead of the transactions that
    /// the server knows; they would be hidden until somebody writes.
    pub(crate) async fn again(self, client: &Client, sql: &Sql) -> Result<Self> {
        let ahead = self.newest.map_or(0, |newest| newest.transaction + 1 - self.next);
        if (1..=FORGOTTEN_MAX).contains(&ahead) {
            begin_forgotten(client, ahead).await?;
        }
        Self::take(client, sql).await
    }

    /// Says whether committed events stand at or beyond the frontier.
    pub(crate) fn hides(&self) -> bool {
        self.newest.is_some_and(|newest| newest.transaction >= self.frontier)
    }

    /// The last event below the frontier.
    pub(crate) async fn head(&self, client: &Client, sql: &Sql) -> Result<Position> {
        match self.newest {
            None => Ok(Position::START),
            Some(newest) if !self.hides() => Ok(newest.into()),
            Some(_) => {
                let tried = "read the head of the log";
                let row = client.query_opt(&sql.head, &[&self.frontier]).await.at(tried)?;
                let place = |row: tokio_postgres::Row| Place { transaction: row.get(0), number: row.get(1) };
                Ok(row.map_or(Position::START, |row| place(row).into()))
            }
        }
    }
}

/// Waits until what is committed by now stands below the frontier. A transaction of anybody in the cluster that changes
/// something holds it back until it ends.
pub(crate) async fn settled(
    client: &Client,
    sql: &Sql,
    patience: Duration,
) -> Result<std::result::Result<Look, Held>> {
    let began = Instant::now();
    let first = Look::take(client, sql).await?;
    let (mut look, mut pause) = (first, PAUSE_FIRST);
    while first.newest.is_some_and(|newest| newest.transaction >= look.frontier) {
        if began.elapsed() >= patience {
            histogram!(WAITED).record(began.elapsed());
            return Ok(Err(Held { look, patience }));
        }
        tokio::time::sleep(pause.min(patience)).await;
        pause = (pause * 2).min(PAUSE_MAX);
        look = look.again(client, sql).await?;
    }
    if first.hides() {
        histogram!(WAITED).record(began.elapsed());
    }
    Ok(Ok(look))
}

/// Committed events are held back for longer than a read waits.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) look: Look,
    pub(crate) patience: Duration,
}

impl Held {
    /// The error of a call that cannot go on, and names who holds it up.
    pub(crate) async fn into_error(self, client: &Client, sql: &Sql) -> Error {
        let frontier = self.look.frontier;
        let who = match client.query_opt(&sql.holder, &[&frontier]).await {
            Ok(Some(row)) => {
                let (pid, name): (Option<i32>, Option<String>) = (row.get(0), row.get(1));
                let pid =
                    pid.map_or("a prepared transaction".to_owned(), |pid| format!("server process {pid}"));
                let name = name.filter(|name| !name.is_empty()).map(|name| format!(" ({name})"));
                pid + &name.unwrap_or_default()
            }
            _ => "a transaction".to_owned(),
        };
        unavailable(format_args!(
            "read the log: {who} has a transaction open that holds back committed events for longer than {} ms; end it, \
             or raise held_back_max_ms",
            self.patience.as_millis()
        ))
    }
}
