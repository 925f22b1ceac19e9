//! What is bare: the same rows into a table with the same columns and indexes, and out of the log's own, by the driver
//! alone.

use std::io::Cursor;
use std::pin::pin;

use bytes::BytesMut;
use futures_util::{SinkExt, TryStreamExt};
use tokio::runtime::Runtime;
use wayfold_postgres::tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use wayfold_postgres::tokio_postgres::{Client, NoTls, Row, connect};

type Failure = Box<dyn std::error::Error + Sync + Send>;

/// How many columns the log has.
const COLUMNS: usize = 26;

/// A value as the server sends it, which is as it takes it.
#[derive(Debug)]
struct Value(Option<Vec<u8>>);

impl<'a> FromSql<'a> for Value {
    fn from_sql(_: &Type, bytes: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self(Some(bytes.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Failure> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

impl ToSql for Value {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        let Some(bytes) = &self.0 else { return Ok(IsNull::Yes) };
        out.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// Rows as the values of one insert.
#[derive(Debug)]
pub(crate) struct Values(Vec<Value>);

impl Values {
    /// The same as a binary COPY takes them, in the format of PostgreSQL's manual under COPY.
    pub(crate) fn to_copy(&self) -> Vec<u8> {
        let mut copy = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        for row in self.0.chunks(COLUMNS) {
            copy.extend_from_slice(&(COLUMNS as i16).to_be_bytes());
            for Value(value) in row {
                let length = value.as_ref().map_or(-1, |bytes| bytes.len() as i32);
                copy.extend_from_slice(&length.to_be_bytes());
                copy.extend_from_slice(value.as_deref().unwrap_or_default());
            }
        }
        copy.extend_from_slice(&(-1_i16).to_be_bytes());
        copy
    }
}

/// A connection that knows nothing of the store.
pub(crate) struct Bare {
    runtime: Runtime,
    client: Client,
}

impl Bare {
    pub(crate) fn open(connection: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a thread can be started");
        let (client, task) = runtime.block_on(connect(connection, NoTls)).expect("the server is there");
        runtime.spawn(task);
        Self { runtime, client }
    }

    pub(crate) fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).expect("the statement is right");
    }

    pub(crate) fn count(&self, sql: &str) -> i64 {
        self.runtime.block_on(self.client.query_one(sql, &[])).expect("the statement is right").get(0)
    }

    /// Takes everything that a query gives, by binary COPY.
    pub(crate) fn copy_out(&self, query: &str) -> Vec<u8> {
        let copy = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
        let copied = self.runtime.block_on(async {
            let mut stream = pin!(self.client.copy_out(&copy).await?);
            let mut bytes = Vec::new();
            while let Some(part) = stream.try_next().await? {
                bytes.extend_from_slice(&part);
            }
            Ok::<_, wayfold_postgres::tokio_postgres::Error>(bytes)
        });
        copied.expect("the log can be copied")
    }

    /// Takes everything that stands in the log, and drops it.
    pub(crate) fn drain(&self) -> usize {
        let copied = self.runtime.block_on(async {
            let copy = "COPY wayfold.event_log TO STDOUT (FORMAT binary)";
            let mut stream = pin!(self.client.copy_out(copy).await?);
            let mut bytes = 0;
            while let Some(part) = stream.try_next().await? {
                bytes += part.len();
            }
            Ok::<_, wayfold_postgres::tokio_postgres::Error>(bytes)
        });
        copied.expect("the log can be copied")
    }

    /// Writes what was taken into the table, by one binary COPY.
    pub(crate) fn copy_in(&self, bytes: Vec<u8>) {
        let copied = self.runtime.block_on(async {
            let sink = self.client.copy_in("COPY bare FROM STDIN (FORMAT binary)").await?;
            let mut sink = pin!(sink);
            sink.send(Cursor::new(bytes)).await?;
            sink.finish().await
        });
        copied.expect("the table takes the rows");
    }

    /// Rows as values.
    pub(crate) fn values(&self, query: &str) -> Vec<Values> {
        let rows = self.runtime.block_on(self.client.query(query, &[])).expect("the log can be read");
        let values = |row: &Row| (0..COLUMNS).map(|column| row.get(column)).collect::<Vec<Value>>();
        rows.chunks(100).map(|rows| Values(rows.iter().flat_map(values).collect())).collect()
    }

    /// Inserts each group of rows by one statement, as durable as an append.
    pub(crate) fn insert(&self, batches: &[Values]) {
        let inserted = self.runtime.block_on(async {
            let row = |row: usize| {
                let values: Vec<_> =
                    (1..=COLUMNS).map(|value| format!("${}", row * COLUMNS + value)).collect();
                format!("({})", values.join(", "))
            };
            let rows: Vec<_> = (0..100).map(row).collect();
            let insert = self.client.prepare(&format!("INSERT INTO bare VALUES {}", rows.join(", "))).await?;
            for Values(values) in batches {
                let values: Vec<_> = values.iter().map(|value| value as &(dyn ToSql + Sync)).collect();
                self.client.execute(&insert, &values).await?;
            }
            Ok::<_, wayfold_postgres::tokio_postgres::Error>(())
        });
        inserted.expect("the table takes the rows");
    }
}
