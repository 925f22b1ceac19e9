//! Checkpoints: how far a reader has come, in a row each.

use tokio_postgres::Client;
use wayfold_core::Position;
use wayfold_store::{Checkpoint, CheckpointName, Result};

use crate::error::{At, corrupt};
use crate::sql::Sql;
use crate::text::stored;

/// What became of a checkpoint that was moved on in a transaction of the caller's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "only a checkpoint that was moved may be committed with what belongs to it"]
pub enum CheckpointOutcome {
    /// It stands where it was moved to, once the transaction is committed.
    Moved,
    /// It stood there already: an earlier try was committed. Nothing was changed.
    AlreadyThere,
    /// It stands elsewhere: another reader of this name has moved it. Nothing was changed.
    Conflict,
}

pub(crate) async fn read(client: &Client, sql: &Sql, name: &CheckpointName) -> Result<Option<Checkpoint>> {
    let tried = "read a checkpoint";
    let row = client.query_opt(&sql.checkpoint, &[&stored(name.as_str())]).await.at(tried)?;
    let Some(row) = row else { return Ok(None) };
    let position: &[u8] = row.get(0);
    let position = position.try_into().map_err(|_| corrupt(format_args!("{tried}: {name}: no position")))?;
    Ok(Some(Checkpoint { position: Position::from_bytes(position), bytes: row.get(1) }))
}

pub(crate) async fn put(
    client: &Client,
    sql: &Sql,
    name: &CheckpointName,
    Checkpoint { position, bytes }: &Checkpoint,
) -> Result<()> {
    let (name, position) = (stored(name.as_str()), position.to_bytes());
    let put = client.execute(&sql.put_checkpoint, &[&name, &position.as_slice(), bytes]).await;
    put.at("put a checkpoint").map(drop)
}

/// Puts a checkpoint where another one stands, or none. Whoever moves the same one waits until the transaction ends.
pub(crate) async fn move_on(
    client: &Client,
    sql: &Sql,
    name: &CheckpointName,
    from: Option<&Checkpoint>,
    to: &Checkpoint,
) -> Result<CheckpointOutcome> {
    let stored_name = stored(name.as_str());
    let position = to.position.to_bytes();
    let moved = match from {
        None => client.execute(&sql.first_checkpoint, &[&stored_name, &position.as_slice(), &to.bytes]).await,
        Some(from) => {
            let before = from.position.to_bytes();
            let (position, before) = (position.as_slice(), before.as_slice());
            client
                .execute(&sql.move_checkpoint, &[&stored_name, &position, &to.bytes, &before, &from.bytes])
                .await
        }
    };
    if moved.at("move a checkpoint")? == 1 {
        return Ok(CheckpointOutcome::Moved);
    }
    match read(client, sql, name).await?.as_ref() == Some(to) {
        true => Ok(CheckpointOutcome::AlreadyThere),
        false => Ok(CheckpointOutcome::Conflict),
    }
}
