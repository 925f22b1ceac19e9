//! Leases: who alone may write the states of a shard, for a time that the server's clock measures.
//!
//! A lease has a token that grows whenever it is given to somebody. Whatever is written under a lease looks for it in the
//! same transaction and locks its row, so that nobody is given the lease before that transaction has ended, and nobody
//! who has lost it writes anything.

use std::time::Duration;

use tokio_postgres::Transaction;
use tokio_postgres::types::ToSql;
use wayfold_core::VirtualShard;
use wayfold_store::{Checkpoint, CheckpointName, Error, ErrorKind, Result};

use crate::error::{At, corrupt};
use crate::session::{give_back, in_time};
use crate::store::PostgresStore;
use crate::text::stored;

/// Who asks for leases, and for which.
#[derive(Debug, Clone)]
pub struct LeaseRequest {
    /// The name of the states that are kept, such as `live`: each has leases of its own.
    pub states: String,
    /// The name of who asks: no two may have the same, also not one that starts again.
    pub worker: String,
    /// The shards that are shared among all who ask.
    pub shards: Vec<VirtualShard>,
    /// For how long a lease is given or prolonged.
    pub lease: Duration,
}

/// A lease that was held when it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    states: String,
    shard: VirtualShard,
    token: i64,
}

/// The leases of a worker.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leases {
    /// What it holds, by shard.
    pub held: Vec<Lease>,
    /// How many of them are more than its fair part, for it to give back.
    pub surplus: usize,
}

impl Lease {
    /// The shard whose states may be written.
    pub fn shard(&self) -> VirtualShard {
        self.shard
    }

    /// Grows whenever the lease of the shard is given to somebody.
    pub fn token(&self) -> u64 {
        self.token.unsigned_abs()
    }
}

impl PostgresStore {
    /// Says that a worker lives, prolongs its leases, and takes free ones up to its fair part: the shards by the number
    /// of workers that live, rounded up. To be called several times in the time of a lease.
    ///
    /// # Behavior
    /// - A lease is free if nobody holds it or its time has passed, by the clock of the server.
    /// - One that has run out is not prolonged: it is taken anew, with another token.
    /// - A lease under which somebody writes just now is neither prolonged nor taken.
    ///
    /// # Errors
    /// `Unavailable`; it is unknown then what is held.
    pub async fn keep_leases(&self, request: &LeaseRequest) -> Result<Leases> {
        let (shared, request) = (self.shared.clone(), request.clone());
        let keep = async move {
            let tried = "keep leases";
            let client = shared.client().await?;
            let shards: Vec<i16> = request.shards.iter().map(|shard| shard.number().into()).collect();
            let lease_ms = i64::try_from(request.lease.as_millis()).unwrap_or(i64::MAX);
            let (states, worker) = (stored(&request.states), stored(&request.worker));
            let kept = async {
                let values: [&(dyn ToSql + Sync); 4] = [&states, &worker, &shards, &lease_ms];
                client.query(&shared.sql.keep_leases, &values).await.at(tried)
            };
            let kept = in_time(&shared.config, tried, kept).await;
            let rows = give_back(client, kept)?;
            let mut leases = Leases::default();
            for row in &rows {
                let (shard, fair_part): (i16, i64) = (row.get(0), row.get(2));
                let shard = u8::try_from(shard)
                    .map_err(|_| corrupt(format_args!("{tried}: there is no shard {shard}")))?;
                let (shard, states) = (VirtualShard::new(shard), request.states.clone());
                leases.held.push(Lease { states, shard, token: row.get(1) });
                leases.surplus = rows.len().saturating_sub(usize::try_from(fair_part).unwrap_or(usize::MAX));
            }
            Ok(leases)
        };
        self.threads.run(keep).await
    }

    /// Gives a lease back, for anybody to take; one that is not held any more stays as it is.
    ///
    /// # Errors
    /// `Unavailable`; the lease runs out then.
    pub async fn release_lease(&self, lease: &Lease) -> Result<()> {
        let (shared, lease) = (self.shared.clone(), lease.clone());
        let release = async move {
            let client = shared.client().await?;
            let (states, shard) = (stored(&lease.states), i16::from(lease.shard.number()));
            let tried = "release a lease";
            let released = async {
                client.execute(&shared.sql.release_lease, &[&states, &shard, &lease.token]).await.at(tried)
            };
            let released = in_time(&shared.config, tried, released).await;
            give_back(client, released).map(drop)
        };
        self.threads.run(release).await
    }

    /// Takes a worker from those that share the shards, and releases what it holds.
    ///
    /// # Errors
    /// `Unavailable`; its leases run out then.
    pub async fn leave_leases(&self, request: &LeaseRequest) -> Result<()> {
        let (shared, request) = (self.shared.clone(), request.clone());
        let leave = async move {
            let client = shared.client().await?;
            let (states, worker) = (stored(&request.states), stored(&request.worker));
            let tried = "leave";
            let left =
                async { client.execute(&shared.sql.leave_leases, &[&states, &worker]).await.at(tried) };
            let left = in_time(&shared.config, tried, left).await;
            give_back(client, left).map(drop)
        };
        self.threads.run(leave).await
    }

    /// Puts a checkpoint as [`put_checkpoint`](wayfold_store::EventStore::put_checkpoint) does, if a lease is held.
    ///
    /// # Errors
    /// `LeaseLost` if it is not: nothing was written. `Unavailable`.
    pub async fn put_checkpoint_under(
        &self,
        lease: &Lease,
        name: CheckpointName,
        checkpoint: Checkpoint,
    ) -> Result<()> {
        let (shared, lease) = (self.shared.clone(), lease.clone());
        let put = async move {
            let client = shared.client().await?;
            let (name, position) = (stored(name.as_str()), checkpoint.position.to_bytes());
            let (states, shard) = (stored(&lease.states), i16::from(lease.shard.number()));
            let (tried, position) = ("put a checkpoint under a lease", position.as_slice());
            let put = async {
                let values: [&(dyn ToSql + Sync); 6] =
                    [&name, &position, &checkpoint.bytes, &states, &shard, &lease.token];
                client.execute(&shared.sql.put_checkpoint_under, &values).await.at(tried)
            };
            let put = in_time(&shared.config, tried, put).await;
            let put = give_back(client, put)?;
            if put == 1 { Ok(()) } else { Err(lost(&lease)) }
        };
        self.threads.run(put).await
    }

    /// Makes a transaction of the caller's own one that only the holder of a lease commits: nobody else is given the lease
    /// before it has ended. With [`move_checkpoint_in`](Self::move_checkpoint_in) and the rows that the caller keeps, those
    /// are written once, whoever has worked on the shard before.
    ///
    /// Keep the transaction short, and let the server end it when its client says nothing (see
    /// `idle_in_transaction_session_timeout`): until then nobody takes the shard over.
    ///
    /// # Errors
    /// `LeaseLost` if the lease is not held: roll back. `Unavailable`; the transaction has failed then.
    pub async fn hold_lease_in(&self, transaction: &Transaction<'_>, lease: &Lease) -> Result<()> {
        let (states, shard) = (stored(&lease.states), i16::from(lease.shard.number()));
        let held = transaction
            .query_opt(&self.shared.sql.hold_lease, &[&states, &shard, &lease.token])
            .await
            .at("hold a lease")?;
        held.map(drop).ok_or_else(|| lost(lease))
    }
}

fn lost(lease: &Lease) -> Error {
    let Lease { states, shard, token } = lease;
    let message = format_args!(
        "the lease of shard {shard} of states {states:?} with token {token} is not held any more; nothing was written"
    );
    Error::new(ErrorKind::LeaseLost, message)
}
