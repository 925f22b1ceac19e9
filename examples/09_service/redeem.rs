//! A decision behind a route: points are redeemed only if they are there, and once for one request.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use serde::{Deserialize, Serialize};
use wayfold::{
    CustomerAt, CustomerKey, EventId, EventKind, EventView, JourneyEvent, PointsRedeemed, Projection,
    Standing, Timestamp,
};

use crate::answer::{Answer, Refusal};
use crate::service::Service;

/// The ledger of points, as a projection of our own.
pub(crate) struct Points;

/// What stands in it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Ledger {
    balance: i64,
    /// So that a request that comes again is known.
    redeemed: BTreeSet<EventId>,
}

impl Projection for Points {
    type State = Ledger;
    type View = Ledger;

    fn name(&self) -> &str {
        "points"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, ledger: &mut Ledger, event: &EventView<'_>) {
        let points = event.integer("points").unwrap_or(0);
        match event.kind() {
            EventKind::PointsEarned => ledger.balance += points,
            EventKind::PointsExpired => ledger.balance -= points,
            EventKind::PointsRedeemed => {
                ledger.balance -= points;
                ledger.redeemed.insert(event.id());
            }
            _ => {}
        }
    }

    fn view(&self, ledger: &Ledger, _customer: &CustomerAt<'_>) -> Ledger {
        ledger.clone()
    }

    fn holds_until(&self, _ledger: &Ledger, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// What a caller wants; `request` names it, so that it may be sent again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Wish {
    request: String,
    points: u32,
    reward: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct Balance {
    points: i64,
}

pub(crate) async fn redeem(
    State(service): State<Arc<Service>>,
    Path(id): Path<String>,
    Json(wish): Json<Wish>,
) -> Answer<Balance> {
    let key = CustomerKey::new(id)?;
    // The future of a decision does not move between threads, as a handler's has to, so it gets one of its own.
    let decide = move || pollster::block_on(decide(&service, &key, &wish));
    let points = tokio::task::spawn_blocking(decide).await.expect("a decision that panics is an error")?;
    Ok(Json(Balance { points }))
}

/// Redeems if the points are there; says how many are left.
async fn decide(service: &Service, key: &CustomerKey, wish: &Wish) -> Result<i64, Refusal> {
    let id = EventId::from_natural_key("service", "redeem", &[&wish.request]);
    let wanted = i64::from(wish.points);
    let decision = |standing: &Standing| {
        let ledger = standing.own_view(service.points)?.unwrap_or_default();
        if ledger.redeemed.contains(&id) {
            return Ok(vec![]);
        }
        if ledger.balance < wanted {
            return Err(Refusal::TooFewPoints { has: ledger.balance });
        }
        let redeemed = PointsRedeemed { points: wanted, reward: wish.reward.clone() };
        Ok(vec![JourneyEvent::new(id, key.clone(), standing.as_of(), redeemed)])
    };
    service.wayfold.decide(key, decision).await?;
    let ledger = service.wayfold.own_view(service.points, key).await?;
    Ok(ledger.map_or(0, |ledger| ledger.balance))
}
