//! A decision behind a route: points are redeemed only if they are there, and once for one request.

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
}

impl Projection for Points {
    type State = Ledger;
    type View = i64;

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
            EventKind::PointsExpired | EventKind::PointsRedeemed => ledger.balance -= points,
            _ => {}
        }
    }

    fn view(&self, ledger: &Ledger, _customer: &CustomerAt<'_>) -> i64 {
        ledger.balance
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
    let points = decide(&service, &key, &wish).await?;
    Ok(Json(Balance { points }))
}

/// Redeems if the points are there; says how many are left.
async fn decide(service: &Service, key: &CustomerKey, wish: &Wish) -> Result<i64, Refusal> {
    let id = EventId::from_natural_key("service", "redeem", &[&wish.request]);
    let wanted = i64::from(wish.points);
    let mut left = 0;
    let decision = |standing: &Standing| {
        let has = standing.own_view(service.points)?.unwrap_or_default();
        // A request that comes again is known by the id of its event.
        if standing.holds(id) {
            left = has;
            return Ok(vec![]);
        }
        if has < wanted {
            return Err(Refusal::TooFewPoints { has });
        }
        left = has - wanted;
        let redeemed = PointsRedeemed { points: wanted, reward: wish.reward.clone() };
        Ok(vec![JourneyEvent::new(id, key.clone(), standing.as_of(), redeemed)])
    };
    service.wayfold.decide(key, decision).await?;
    Ok(left)
}
