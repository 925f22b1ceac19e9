//! Notices as server-sent events: one subscription for each connection, as slow as its listener.
//!
//! Each subscription folds the log for itself. A service with many listeners has one, and hands its deliveries on.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Sse;
use axum::response::sse::{Event, KeepAlive};
use futures_util::stream::{Stream, StreamExt, try_unfold};
use wayfold::Start;

use crate::answer::Refusal;
use crate::service::Service;

/// Streams what changes from now on, or behind the delivery that `Last-Event-ID` names: what was told and has stopped to
/// hold while nobody listened is then withdrawn.
pub(crate) async fn notices(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = wayfold::Result<Event>>>, Refusal> {
    let last = headers.get("last-event-id").map(|id| String::from_utf8_lossy(id.as_bytes()).into_owned());
    let start = last.map_or(Ok(Start::Now), |id| id.parse().map(Start::At))?;
    let subscription = service.wayfold.subscribe(start).await?;
    let deliveries = try_unfold(subscription, async |mut subscription| {
        let Some(delivery) = subscription.next().await? else { return Ok(None) };
        let event = Event::default().id(delivery.place.to_string());
        let event = event.json_data(&delivery.told).expect("notices are JSON");
        Ok(Some((event, subscription)))
    });
    let mut ends = service.ends.subscribe();
    let end = async move {
        // An error would say that the service is gone, which is an end as well.
        let _ = ends.wait_for(|ends| *ends).await;
    };
    Ok(Sse::new(deliveries.take_until(Box::pin(end))).keep_alive(KeepAlive::default()))
}
