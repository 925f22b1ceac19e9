//! Test tools for Wayfold: an independent oracle, seeded histories and workloads, and given / when / then.
//!
//! Nothing in this crate is needed to use Wayfold; it is there to be distrusted less. [`Oracle`] answers
//! every question about a customer a second time, slowly and from the domain's text alone. [`hostile`] and
//! [`shop`] make histories whose truth is known, [`stream`] the one stream on which speed is compared.
//! [`Arrival`] cuts a history into deliveries out of order, [`Subject`] is whatever folds them, alone or over
//! a store, and [`check`] holds the two against each other; [`given`] writes single journeys by hand.
//!
//! [`PostgresServer`] is a throw-away server of a test's own, and a [`Proxy`] cuts connections to it. [`process`] starts a
//! test's own program again as a process that may be killed, and [`Scratch`] is a folder for its file.
//!
//! [`conformance`](mod@conformance) is for whoever writes a store: every promise of the port as a named test, and
//! random operations beside the memory store, by one macro call.

mod arrival;
mod check;
pub mod conformance;
mod coverage;
mod oracle;
#[cfg(unix)]
mod postgres;
pub mod process;
#[cfg(unix)]
mod proxy;
mod random;
mod real_data;
mod scenario;
mod scratch;
mod skip;
mod subject;
mod workload;

pub use self::arrival::{Arrival, Clock, Delivery, Order};
pub use self::check::{Case, Catch, check, minimal};
pub use self::coverage::Coverage;
pub use self::oracle::{ChangeFact, Oracle, causal_rank, stage_of};
#[cfg(unix)]
pub use self::postgres::{PostgresServer, ServerCertificate, Standby};
#[cfg(unix)]
pub use self::proxy::{Cut, Proxy};
pub use self::random::Random;
pub use self::real_data::real_data;
pub use self::scenario::{Given, Moment, When, given, on};
pub use self::scratch::Scratch;
pub use self::skip::skip;
pub use self::subject::{
    Answers, FoldSubject, Refolds, RestartSubject, Steering, StoreSubject, Straight, Subject,
};
pub use self::workload::{answer_a, answer_b, hostile, s as shop, w as stream};
