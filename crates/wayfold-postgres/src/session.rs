//! A connection as statements see it: one of the pool, which keeps what it has prepared, or one of the caller's.

use std::ops::Deref;

use deadpool_postgres::{Client, StatementCache};
use tokio_postgres::{Error, Statement, Transaction};

/// A connection, and what was prepared on it if it is kept.
#[derive(Clone, Copy)]
pub(crate) struct Session<'a> {
    client: &'a tokio_postgres::Client,
    prepared: Option<&'a StatementCache>,
}

impl Session<'_> {
    pub(crate) async fn prepare(&self, sql: &str) -> Result<Statement, Error> {
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
