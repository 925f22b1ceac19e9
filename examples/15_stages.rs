//! Keep a SQL table of the stages that customers were in, which a crash neither doubles nor holes: rows and position are
//! committed together.
//!
//! `cargo run --example 15_stages --features postgres` starts a throw-away PostgreSQL server where one is installed. With
//! `-- "host=.. user=.. dbname=.."` it keeps the log and the table in that database, and leaves them there.

use std::sync::Arc;

use anyhow::{Context, ensure};
use wayfold::postgres::tokio_postgres::{self, Client, NoTls, Transaction};
use wayfold::postgres::{CheckpointOutcome, PostgresConfig, PostgresStore};
use wayfold::store::{Checkpoint, CheckpointName};
use wayfold::{
    Builder, Currency, CustomerKey, Delivery, EventId, EventStore, JourneyEvent, Money, OrderPlaced, Rules,
    Start, Tag, Timestamp, Told, Transition, Wayfold,
};
use wayfold_testkit::PostgresServer;

/// A row for each stage that a customer was in, and since when. Nothing here forgives a row that is written twice.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS customer_stage (
    customer text, since timestamptz, stage text NOT NULL, PRIMARY KEY (customer, since))";

/// Where each customer is now.
const NOW: &str =
    "SELECT DISTINCT ON (customer) customer, stage, to_char(since AT TIME ZONE 'UTC', 'YYYY-MM-DD')
    FROM customer_stage ORDER BY customer, since DESC";

/// Who keeps the table, with a connection of its own to the database of the log.
struct Stages {
    store: Arc<PostgresStore>,
    client: Client,
    name: CheckpointName,
    /// Up to where the table is kept.
    kept: Option<Checkpoint>,
}

impl Stages {
    /// Goes on where the table stands. Under other rules customers are in other stages: that is another table.
    async fn open(connection: &str, store: Arc<PostgresStore>) -> anyhow::Result<Self> {
        let (client, task) = tokio_postgres::connect(connection, NoTls).await?;
        tokio::spawn(task);
        client.batch_execute(TABLE).await?;
        let name = CheckpointName::new("customer_stage")?;
        let kept = store.checkpoint(name.clone()).await?;
        Ok(Self { store, client, name, kept })
    }

    fn start(&self) -> anyhow::Result<Start> {
        let Some(kept) = &self.kept else { return Ok(Start::Beginning) };
        Ok(Start::At(std::str::from_utf8(&kept.bytes)?.parse()?))
    }

    /// Takes in everything that there is to tell by now.
    async fn follow(&mut self, wayfold: &Wayfold) -> anyhow::Result<()> {
        let mut notices = wayfold.subscribe(self.start()?).await?;
        while let Some(delivery) = notices.try_next().await? {
            self.take(&delivery).await?.commit().await?;
            self.kept = Some(checkpoint(&delivery));
        }
        Ok(())
    }

    /// Writes the rows and the place up to which they are true, to be committed or not.
    async fn take(&mut self, delivery: &Delivery) -> anyhow::Result<Transaction<'_>> {
        let transaction = self.client.transaction().await?;
        let to = checkpoint(delivery);
        let moved = self.store.move_checkpoint_in(&transaction, &self.name, self.kept.as_ref(), &to).await?;
        ensure!(moved == CheckpointOutcome::Moved, "another process keeps the table");
        for told in &delivery.told {
            let notice = told.notice();
            // Classes, journeys and promises are other tables.
            let Transition::LifecycleStage { to, .. } = notice.transition else { continue };
            let (customer, since) = (notice.customer.customer.as_str(), notice.at.to_chrono());
            let rows = match told {
                Told::Fact(_) => {
                    let insert = "INSERT INTO customer_stage VALUES ($1, $2, $3)";
                    transaction.execute(insert, &[&customer, &since, &to.to_string()]).await?
                }
                Told::Withdrawn(_) => {
                    let delete = "DELETE FROM customer_stage WHERE (customer, since) = ($1, $2)";
                    transaction.execute(delete, &[&customer, &since]).await?
                }
            };
            ensure!(rows == 1, "{told} changes {rows} rows");
        }
        Ok(transaction)
    }

    /// Prints where each customer is now, and returns it.
    async fn now(&self) -> anyhow::Result<Vec<[String; 3]>> {
        let rows = self.client.query(NOW, &[]).await?;
        let rows: Vec<_> = rows.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
        rows.iter().for_each(|row| println!("  {}", row.join(" ")));
        Ok(rows)
    }
}

/// A place of the log and of time: the text says both.
fn checkpoint(delivery: &Delivery) -> Checkpoint {
    Checkpoint { position: delivery.place.position, bytes: delivery.place.to_string().into_bytes() }
}

fn main() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    if let Some(connection) = std::env::args().nth(1) {
        return runtime.block_on(keep(&connection));
    }
    let folder = std::env::temp_dir().join("wayfold-15-stages");
    let Some(server) = PostgresServer::for_test(folder, "15_stages") else { return Ok(()) };
    runtime.block_on(keep(&server.connection()))
}

async fn keep(connection: &str) -> anyhow::Result<()> {
    let store = Arc::new(PostgresStore::open(PostgresConfig::new(connection)).await?);
    let january = Timestamp::parse("2024-01-10")?;
    let builder = Builder::new(Rules::default())?.by_hand(january).on_demand();
    let wayfold = builder.open(store.clone()).await?;

    println!("January: ada and bob buy. The process ends when it has written, and has not committed.");
    wayfold.append([&order("o1", "ada", "2024-01-10")?, &order("o2", "bob", "2024-01-10")?]).await?;
    let mut stages = Stages::open(connection, store.clone()).await?;
    if let Some(delivery) = wayfold.subscribe(stages.start()?).await?.try_next().await? {
        drop(stages.take(&delivery).await?);
    }
    drop(stages);

    println!("It starts again, and nothing is missing or there twice:");
    let mut stages = Stages::open(connection, store).await?;
    stages.follow(&wayfold).await?;
    stages.now().await?;

    println!("July: nothing has happened for more than 180 days.");
    wayfold.advance_to(Timestamp::parse("2024-07-20")?).await?;
    stages.follow(&wayfold).await?;
    stages.now().await?;

    println!("A till in the country sends ada's order of May late: she was not lost.");
    wayfold.append([&order("o3", "ada", "2024-05-02")?]).await?;
    stages.follow(&wayfold).await?;
    let now = stages.now().await?;
    assert_eq!(now[0], ["ada", "repeat", "2024-05-02"]);
    assert_eq!(now[1], ["bob", "churned", "2024-07-08"]);
    for [customer, stage, _] in now {
        let view = wayfold.customer(&CustomerKey::new(&customer)?).await?.context("the table knows it")?;
        assert_eq!(view.lifecycle.stage.to_string(), stage, "the table says what the engine says");
    }
    Ok(())
}

fn order(name: &str, customer: &str, date: &str) -> anyhow::Result<JourneyEvent> {
    let amount = Money::parse("20", Currency::EUR)?;
    let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
    let id = EventId::from_natural_key("till", "order", &[name]);
    let event = JourneyEvent::new(id, CustomerKey::new(customer)?, Timestamp::parse(date)?, placed);
    Ok(event.with_tag(Tag::order(name)?))
}
