//! The service: its routes, and the answers that are one call of the engine each.

use std::future::Future;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::watch;
use wayfold::ingest::{EventSource, ImportOptions, JsonlImport};
use wayfold::{
    BehaviourClass, Builder, Cursor, CustomerKey, CustomerView, EventBatch, EventStore, Explanation, Filter,
    Handle, JourneyEvent, Order, Selection, Upcasters, Wayfold,
};

use crate::answer::{Answer, Refusal};
use crate::notices::notices;
use crate::redeem::{Points, redeem};

/// What all requests share.
pub(crate) struct Service {
    pub(crate) wayfold: Wayfold,
    pub(crate) points: Handle<Points>,
    /// Turns true when the service ends, so that streams end as well.
    pub(crate) ends: watch::Sender<bool>,
}

impl Service {
    /// Opens the engine; it folds what the log holds.
    pub(crate) async fn open(
        store: impl EventStore + 'static,
        mut builder: Builder,
    ) -> wayfold::Result<Self> {
        let points = builder.register(Points)?;
        let wayfold = builder.open(store).await?;
        wayfold.catch_up().await?;
        Ok(Self { wayfold, points, ends: watch::Sender::new(false) })
    }
}

/// Serves until `end` is there; what was begun by then is answered.
pub(crate) async fn serve(
    listener: TcpListener,
    service: Arc<Service>,
    end: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let shared = service.clone();
    let end = async move {
        end.await;
        shared.ends.send_replace(true);
    };
    axum::serve(listener, routes(service)).with_graceful_shutdown(end).await
}

fn routes(service: Arc<Service>) -> Router {
    Router::new()
        .route("/events", post(take_events))
        .route("/customers/{id}", get(customer))
        .route("/customers/{id}/explain", get(explain))
        .route("/customers/{id}/redeem", post(redeem))
        .route("/churn-risks", get(churn_risks))
        .route("/notices", get(notices))
        .with_state(service)
}

/// How many events the log did not hold before; 0 if the request came twice.
#[derive(Serialize)]
struct Taken {
    new: usize,
}

/// Takes one event as JSON, or several as JSON Lines. A body with anything bad in it writes nothing.
async fn take_events(State(service): State<Arc<Service>>, headers: HeaderMap, body: String) -> Answer<Taken> {
    let is_json = headers.get(CONTENT_TYPE).is_some_and(|value| value == "application/json");
    let batches = if is_json { one_event(&body)? } else { json_lines(body)? };
    let mut taken = Taken { new: 0 };
    for batch in batches {
        taken.new += service.wayfold.append_batch(batch).await?.new;
    }
    Ok(Json(taken))
}

fn one_event(body: &str) -> wayfold::Result<Vec<EventBatch>> {
    let event = JourneyEvent::from_json(body, &Upcasters::default())?;
    Ok(vec![EventBatch::from_events([&event])?])
}

/// Reads all lines before any is written. The errors name the line; `body` stands for the file in them.
fn json_lines(body: String) -> wayfold::Result<Vec<EventBatch>> {
    let reader = std::io::Cursor::new(body);
    let mut import = JsonlImport::from_reader("body", reader, ImportOptions::default())?;
    let mut batches = Vec::new();
    while let Some(batch) = import.next_batch()? {
        batches.push(batch);
    }
    Ok(batches)
}

async fn customer(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Answer<CustomerView> {
    let key = CustomerKey::new(id)?;
    let view = service.wayfold.customer(&key).await?;
    view.map(Json).ok_or(Refusal::Unknown(key))
}

async fn explain(State(service): State<Arc<Service>>, Path(id): Path<String>) -> Answer<Explanation> {
    let key = CustomerKey::new(id)?;
    let told = service.wayfold.explain(&key).await?;
    told.map(Json).ok_or(Refusal::Unknown(key))
}

#[derive(Deserialize)]
struct Pages {
    /// Where the page before said that this one begins.
    after: Option<String>,
    limit: Option<usize>,
}

#[derive(Serialize)]
struct ChurnRisks {
    customers: Vec<CustomerView>,
    /// How many there are on all pages.
    matching: u64,
    next: Option<Cursor>,
}

/// Customers who have been silent for long and are not lost yet, the most valuable first.
async fn churn_risks(State(service): State<Arc<Service>>, Query(pages): Query<Pages>) -> Answer<ChurnRisks> {
    let at_risk = Filter::field("segment.class").is(BehaviourClass::AtRisk);
    let mut selection = Selection::new(at_risk)
        .with_order(Order::descending("value.currencies[EUR].net"))
        .with_limit(pages.limit.unwrap_or(100).min(1_000));
    if let Some(after) = pages.after {
        selection = selection.with_after(Cursor::parse(&after)?);
    }
    let page = service.wayfold.customers(&selection).await?;
    let (matching, next) = (page.matching(), page.next());
    Ok(Json(ChurnRisks { customers: page.into_customers(), matching, next }))
}
