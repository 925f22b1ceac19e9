//! A connection that is cut while an append is committed: the outcome is unknown, and trying again tells it.

use wayfold_postgres::PostgresConfig;
use wayfold_store::{AppendOutcome, Written};
use wayfold_testkit::{Cut, Proxy};

use super::support::{all, append, open, registered, server};

#[test]
fn an_unknown_outcome_is_told_by_trying_again() {
    let Some(server) = server("an_unknown_outcome_is_told_by_trying_again") else { return };
    let proxy = Proxy::start(server.socket());
    let store = open(PostgresConfig::new(proxy.connection()));
    for round in 0..5_u128 {
        let (lost, unanswered) = ([registered(round * 2, "ada")], [registered(round * 2 + 1, "ada")]);
        for (events, plan) in [(&lost, Cut::BeforeCommit), (&unanswered, Cut::AfterCommit)] {
            proxy.cut(plan);
            let error = append(&store, events).unwrap_err();
            assert_eq!((error.written(), error.is_retryable()), (Written::Unknown, true), "{error}");
        }
        let again = append(&store, &lost).unwrap();
        assert!(
            matches!(again, AppendOutcome::Appended { new: 1, .. }),
            "the server never heard of it: {again:?}"
        );
        let again = append(&store, &unanswered).unwrap();
        assert!(matches!(again, AppendOutcome::AlreadyTaken { .. }), "it was written: {again:?}");
    }
    let mut found = all(&store);
    found.sort_unstable();
    assert!(found.into_iter().eq(0..10), "each event stands once");
}
