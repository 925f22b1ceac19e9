//! A connection as statements see it: one of the pool, which keeps what it has prepared, or one of the caller's.

use std::fmt;
use std::ops::Deref;

use deadpool_postgres::{Client, Object, StatementCache};
use tokio::time::timeout;
use tokio_postgres::{Error, Statement, Transaction};
use wayfold_store::{Result, Written};

use crate::config::PostgresConfig;
use crate::error::unavailable;

/// A connection, and what was prepared on it if it is kept.
#[derive(Clone, Copy)]
pub(crate) struct Session<'a> {
    client: &'a tokio_postgres::Client,
    prepared: Option<&'a StatementCache>,
}

impl Session<'_> {
    /// Whether its transaction is ours alone, so that what was done in it for nothing ends with the call.
    pub(crate) fn is_ours(&self) -> bool {
        self.prepared.is_some()
    }

    pub(crate) async fn prepare(&self, sql: &str) -> std::result::Result<Statement, Error> {
        match self.prepared {
            Some(prepared) => prepared.prepare(self.client, sql).await,
            None => self.client.prepare(sql).await,
        }
    }
}

impl<'a> From<&'a Client> for Session<'a> {
    fn from(client: &'a Client) -> Self {
        Self { client, prepared: Some(&client.statement_cache) }
    }
}

impl<'a> From<&'a Transaction<'_>> for Session<'a> {
    fn from(transaction: &'a Transaction<'_>) -> Self {
        Self { client: transaction.client(), prepared: None }
    }
}

impl Deref for Session<'_> {
    type Target = tokio_postgres::Client;

    fn deref(&self) -> &Self::Target {
        self.client
    }
}

/// Waits for something that commits, as long as one statement may take: for standbys a server waits without end, whatever
/// the time-out of its statements is. Past that the outcome is unknown.
pub(crate) async fn in_time<T>(
    config: &PostgresConfig,
    tried: impl fmt::Display,
    commits: impl Future<Output = Result<T>>,
) -> Result<T> {
    let Some(patience) = config.statement_timeout() else { return commits.await };
    match timeout(patience, commits).await {
        Ok(result) => result,
        Err(_) => Err(unavailable(format_args!(
            "{tried}: it took longer than statement_timeout_ms, as where standbys are missing"
        ))
        .with_unknown_outcome()),
    }
}

/// Gives a connection back, unless the server may still be at work on it.
pub(crate) fn give_back<T>(client: Client, result: Result<T>) -> Result<T> {
    if result.as_ref().is_err_and(|error| error.written() == Written::Unknown) {
        drop(Object::take(client));
    }
    result
}
