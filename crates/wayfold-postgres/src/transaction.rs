//! What is done in a transaction of the caller's own, so that it stands with the caller's changes or not at all.

use tokio_postgres::Transaction;
use wayfold_core::EventBatch;
use wayfold_store::{AppendCondition, AppendOutcome, Checkpoint, CheckpointName, Error, ErrorKind, Result};

use crate::append::{Append, Ids, Placed, place};
use crate::checkpoint::{CheckpointOutcome, move_on};
use crate::error::{At, is_overtaken};
use crate::session::Session;
use crate::store::{CROSSED_MAX, PostgresStore};

/// Rolled back where an append writes nothing, so that the caller's transaction goes on as it was.
const SAVEPOINT: &str = "wayfold_append";

impl PostgresStore {
    /// Appends as [`append`](wayfold_store::EventStore::append) does, in a transaction of the caller's own over the
    /// database of the log: the events stand once it is committed, and never if it is rolled back.
    ///
    /// # Behavior
    /// - Ids and the condition are judged by what is committed and by what the transaction has appended before.
    /// - Where nothing is written, and also where the future is dropped, the transaction goes on as it was before the
    ///   call.
    /// - Where something is, and where an empty batch is appended because its condition holds, others who append events
    ///   of the same customers, or what the condition forbids, wait until the transaction ends. So do those who follow
    ///   the log, for whatever comes behind it.
    /// - The outcome of the caller's commit is the caller's to know. If its answer does not come, do all of it again:
    ///   `AlreadyTaken` then says that it was committed, and the caller's own changes with it.
    /// - Whoever waits for events hears of them within `poll_interval_ms`, or by [`announce`](Self::announce).
    ///
    /// # Errors
    /// As there; and `Unsupported` if the isolation level is not `READ COMMITTED`, as any other would judge by an old
    /// snapshot, or if `synchronous_commit` is off. `Unavailable` if the server ends it to get two transactions out of
    /// each other's way: roll back, and do all of it again.
    ///
    /// ```no_run
    /// # use wayfold_core::EventBatch;
    /// # use wayfold_postgres::{PostgresStore, tokio_postgres};
    /// use wayfold_store::AppendOutcome;
    ///
    /// # async fn sell(
    /// #     store: PostgresStore,
    /// #     mut client: tokio_postgres::Client,
    /// #     batch: EventBatch,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut transaction = client.transaction().await?;
    /// if let AppendOutcome::Appended { .. } = store.append_in(&mut transaction, batch, None).await? {
    ///     transaction.execute("UPDATE stock SET pieces = pieces - 1 WHERE product = 'p1'", &[]).await?;
    ///     transaction.commit().await?;
    ///     store.announce().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn append_in(
        &self,
        transaction: &mut Transaction<'_>,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> Result<AppendOutcome> {
        let append = self.prepared(batch, condition)?;
        check(transaction).await?;
        let mut tries = 1;
        loop {
            match self.try_in(transaction, &append).await {
                Err(error) if is_overtaken(&error) && tries < CROSSED_MAX => tries += 1,
                result => return result,
            }
        }
    }

    async fn try_in(&self, transaction: &mut Transaction<'_>, append: &Append) -> Result<AppendOutcome> {
        let tried = "append in a transaction of the caller's";
        // Dropped, it is rolled back.
        let savepoint = transaction.savepoint(SAVEPOINT).await.at(tried)?;
        let Placed { outcome, rows } =
            place(Session::from(&savepoint), &self.shared.sql, append, Ids::Looked).await?;
        if let Some(rows) = rows {
            rows.finish().await?;
        }
        match outcome {
            AppendOutcome::Appended { .. } => savepoint.commit().await.at(tried)?,
            _ => savepoint.rollback().await.at(tried)?,
        }
        Ok(outcome)
    }

    /// Moves a checkpoint on in a transaction of the caller's own, with the rows that the caller keeps from the events up
    /// to there: both stand once it is committed, so that nothing is taken in twice or passed over.
    ///
    /// # Behavior
    /// - `from` is what [`checkpoint`](wayfold_store::EventStore::checkpoint) has said, `None` for one that was never
    ///   put. Where it does not stand there any more, the outcome says so and nothing is changed; position and bytes
    ///   both count.
    /// - Call it before rows are changed: others who move it wait until the transaction ends, and then have a conflict.
    /// - Read the events before the transaction changes anything: it holds back whoever reads the log, also its own
    ///   caller.
    /// - If the answer of the commit does not come, do all of it again: `AlreadyThere` says that it was committed.
    ///
    /// # Errors
    /// `Unavailable`; the transaction has failed then.
    ///
    /// ```no_run
    /// # use wayfold_core::{EventBatch, Position};
    /// # use wayfold_postgres::{CheckpointOutcome, PostgresStore, tokio_postgres};
    /// # use wayfold_store::{Checkpoint, CheckpointName, EventStore, ReadQuery};
    /// # async fn count(
    /// #     store: PostgresStore,
    /// #     mut client: tokio_postgres::Client,
    /// # ) -> Result<(), Box<dyn std::error::Error>> {
    /// let name = CheckpointName::new("tally")?;
    /// let from = store.checkpoint(name.clone()).await?;
    /// let position = from.as_ref().map_or(Position::START, |from| from.position);
    /// let page = store.read(ReadQuery::all(), position, 1_000).await?;
    /// let last = page.batch.iter().filter_map(|event| event.position()).last();
    /// let to = Checkpoint { position: page.next.or(last).unwrap_or(position), bytes: vec![] };
    ///
    /// let transaction = client.transaction().await?;
    /// if store.move_checkpoint_in(&transaction, &name, from.as_ref(), &to).await? == CheckpointOutcome::Moved {
    ///     let count = page.batch.len() as i64;
    ///     transaction.execute("UPDATE tally SET events = events + $1", &[&count]).await?;
    ///     transaction.commit().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn move_checkpoint_in(
        &self,
        transaction: &Transaction<'_>,
        name: &CheckpointName,
        from: Option<&Checkpoint>,
        to: &Checkpoint,
    ) -> Result<CheckpointOutcome> {
        move_on(transaction.client(), &self.shared.sql, name, from, to).await
    }

    /// Tells all who wait for events, in this process and others, to look at the log: after a commit of the caller's own.
    ///
    /// # Errors
    /// `Unavailable`; they find the events all the same, when they look the next time.
    pub async fn announce(&self) -> Result<()> {
        let shared = self.shared.clone();
        let announce = async move {
            let client = shared.client().await?;
            client.batch_execute(&shared.sql.notify).await.at("tell who waits for events")
        };
        self.threads.run(announce).await
    }
}

/// Refuses a transaction in which an append would not hold what it promises.
async fn check(transaction: &Transaction<'_>) -> Result<()> {
    let settings = "SELECT current_setting('transaction_isolation'), current_setting('synchronous_commit')";
    let settings = transaction.query_typed_one(settings, &[]).await.at("look at the caller's transaction")?;
    let (isolation, commit): (&str, &str) = (settings.get(0), settings.get(1));
    // The server knows no level below this one, and takes its name for this one.
    let refused = match isolation {
        "read committed" | "read uncommitted" if commit != "off" => return Ok(()),
        "read committed" | "read uncommitted" => {
            "synchronous_commit is off, so that a commit may be lost; set it to on before".to_owned()
        }
        other => format!(
            "its isolation level is {other}, which judges by an old snapshot; begin it with READ COMMITTED"
        ),
    };
    let message = format_args!("append in a transaction of the caller's: {refused}; nothing was written");
    Err(Error::new(ErrorKind::Unsupported, message))
}
