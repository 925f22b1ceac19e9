//! The tables: numbered migrations, applied under a lock, and what is checked before a log is used.

use deadpool_postgres::{Client, GenericClient, Transaction};
use wayfold_store::{Error, ErrorKind, Result};

use crate::config::PostgresConfig;
use crate::error::At;
use crate::frontier::{FORGOTTEN_MAX, begin_forgotten};
use crate::locks::{self, DRAW, MIGRATE, SEAL};
use crate::session::in_time;
use crate::sql::NEXT;

/// Each is applied once, in this order, and never edited.
const MIGRATIONS: [&str; 6] = [
    include_str!("schema/0001_log.sql"),
    include_str!("schema/0002_places.sql"),
    include_str!("schema/0003_cluster.sql"),
    include_str!("schema/0004_sealed.sql"),
    include_str!("schema/0005_shards.sql"),
    include_str!("schema/0006_moves.sql"),
];

/// `xid8` and its snapshots came with version 13.
const SERVER_VERSION_MIN: i32 = 130_000;

/// What happens where the tables are not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    Made,
    Refused,
}

/// Makes or refuses tables that are not there, and refuses a database that cannot hold the log.
pub(crate) async fn prepare(
    client: &mut Client,
    (schema, config): (&str, &PostgresConfig),
    missing: Missing,
) -> Result<()> {
    check_server(client).await?;
    let applied = migrations_applied(client, schema).await?;
    if applied == 0 && missing == Missing::Refused {
        let message = format_args!("open the log: there is none in schema {schema:?}; append to it first");
        return Err(Error::new(ErrorKind::Unavailable, message));
    }
    if applied < MIGRATIONS.len() {
        migrate(client, schema, config).await?;
    }
    follow_cluster(client, schema, config).await
}

async fn check_server(client: &Client) -> Result<()> {
    let facts = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding'),
        current_setting('synchronous_commit')";
    let facts = client.query_one(facts, &[]).await.at("ask the server what it is")?;
    let (version, encoding, commit): (i32, String, String) = (facts.get(0), facts.get(1), facts.get(2));
    let refuse = |why: String| Err(Error::new(ErrorKind::Unsupported, format_args!("open the log: {why}")));
    if version < SERVER_VERSION_MIN {
        return refuse(format!("the server is PostgreSQL {}; 13 or newer is needed", version / 10_000));
    }
    if encoding != "UTF8" {
        return refuse(format!("the database is encoded in {encoding}; make one with the encoding UTF8"));
    }
    if commit == "off" {
        return refuse(
            "synchronous_commit is off, so that a commit may be lost; set it to on for the role".into(),
        );
    }
    Ok(())
}

/// How many migrations the schema has; a newer schema is refused.
async fn migrations_applied(client: &impl GenericClient, schema: &str) -> Result<usize> {
    let tried = "look for the tables of the log";
    // A look at the catalogue sees what another process made while this one waited for the lock; a cached name does not.
    let known = "SELECT EXISTS (SELECT FROM pg_tables WHERE schemaname = $1 AND tablename = 'migration')";
    let known: bool = client.query_one(known, &[&schema]).await.at(tried)?.get(0);
    if !known {
        return Ok(0);
    }
    let last = format!("SELECT coalesce(max(number), 0) FROM {schema}.migration");
    let last: i32 = client.query_one(&last, &[]).await.at(tried)?.get(0);
    let known = MIGRATIONS.len();
    if usize::try_from(last).is_ok_and(|last| last <= known) {
        return Ok(last.unsigned_abs() as usize);
    }
    let message = format_args!(
        "open the log: schema {schema:?} has migration {last}, and this program knows {known}; update the program"
    );
    Err(Error::new(ErrorKind::Unsupported, message))
}

async fn migrate(client: &mut Client, schema: &str, config: &PostgresConfig) -> Result<()> {
    let transaction = locked(client, schema).await?;
    // Another process may have been here before the lock was free.
    let applied = migrations_applied(&transaction, schema).await?;
    for (number, migration) in (1..).zip(MIGRATIONS).skip(applied) {
        let tried = format!("apply migration {number} to schema {schema:?}");
        if number == 1 {
            let first = format!(
                "CREATE SCHEMA IF NOT EXISTS {schema};
                CREATE TABLE {schema}.migration (
                    number integer PRIMARY KEY,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )"
            );
            transaction.batch_execute(&first).await.at(&tried)?;
        }
        let migration = migration
            .replace("{schema}", schema)
            .replace("{class}", &locks::class(schema).to_string())
            .replace("{draw}", &DRAW.to_string())
            .replace("{seal}", &SEAL.to_string());
        transaction.batch_execute(&migration).await.at(&tried)?;
        let done = format!("INSERT INTO {schema}.migration (number) VALUES ($1)");
        transaction.execute(&done, &[&number]).await.at(&tried)?;
    }
    let tried = "commit the migrations";
    in_time(config, tried, async { transaction.commit().await.at(tried) }).await
}

/// Brings the cluster to where the log is, if places were drawn by transactions that it has not come to.
///
/// A few are those that a crash has made it forget. They are begun again: appends are under way then, and a count that changes
/// would bring the frontier past them. Many are those of another cluster whose dump was restored here, where nobody has
/// appended before this: transactions are counted on from there.
async fn follow_cluster(client: &mut Client, schema: &str, config: &PostgresConfig) -> Result<()> {
    let tried = "compare the log with the cluster";
    let last = format!("(SELECT last_value FROM {schema}.last_transaction)");
    let missing = format!("{last} + 1 - ({NEXT})");
    let row = client.query_one(&format!("SELECT {missing} FROM {schema}.log"), &[]).await.at(tried)?;
    match row.get::<_, i64>(0) {
        ..=0 => return Ok(()),
        forgotten @ ..=FORGOTTEN_MAX => return begin_forgotten(client, forgotten).await,
        _ => {}
    }
    let tried = "count on where the log was in another cluster";
    let transaction = locked(client, schema).await?;
    let follow = format!(
        "UPDATE {schema}.log
        SET transactions_before = {last} + 1 - pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        WHERE {missing} > {FORGOTTEN_MAX}"
    );
    transaction.execute(&follow, &[]).await.at(tried)?;
    in_time(config, tried, async { transaction.commit().await.at(tried) }).await
}

async fn locked<'a>(client: &'a mut Client, schema: &str) -> Result<Transaction<'a>> {
    let tried = "lock the schema of the log";
    let transaction = client.transaction().await.at(tried)?;
    let lock = "SELECT pg_advisory_xact_lock($1, $2)";
    transaction.execute(lock, &[&locks::class(schema), &MIGRATE]).await.at(tried)?;
    Ok(transaction)
}
