//! What a request is answered with, and how a refusal of the engine reads over HTTP.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use wayfold::{CustomerKey, ErrorKind};

/// JSON, or a refusal.
pub(crate) type Answer<T> = Result<Json<T>, Refusal>;

/// Why a request is refused.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// Nothing is known of a customer.
    Unknown(CustomerKey),
    /// A customer wants to redeem more points than it has.
    TooFewPoints { has: i64 },
    /// The engine refuses.
    Engine(wayfold::Error),
}

impl<E: Into<wayfold::Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, message) = match self {
            Self::Unknown(key) => (StatusCode::NOT_FOUND, format!("nothing is known of customer {key}")),
            Self::TooFewPoints { has } => {
                (StatusCode::CONFLICT, format!("the customer has only {has} points"))
            }
            Self::Engine(error) => (status(error.kind()), error.to_string()),
        };
        (status, Json(json!({ "error": message }))).into_response()
    }
}

/// Whose fault it is: the caller's, somebody's who wrote at the same time, or ours.
fn status(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::InvalidEvent | ErrorKind::Import | ErrorKind::InvalidQuestion | ErrorKind::Unsupported => {
            StatusCode::BAD_REQUEST
        }
        ErrorKind::IdReused | ErrorKind::Conflict => StatusCode::CONFLICT,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
