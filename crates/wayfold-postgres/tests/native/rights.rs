//! Roles with the rights that the guide gives them, and no more.

use std::time::Duration;

use pollster::block_on;
use wayfold_core::{Position, VirtualShard};
use wayfold_postgres::{LeaseRequest, PostgresStore};
use wayfold_store::{AppendOutcome, Checkpoint, CheckpointName, ErrorKind, EventFilter, EventStore};

use super::support::{Session, all, append, append_if, config, key, open, put, registered, server};

const GUIDE: &str = include_str!("../../../../docs/guide/postgres.md");

const CLUSTER_GUIDE: &str = include_str!("../../../../docs/guide/cluster.md");

/// The statements of a guide that make roles.
fn roles(guide: &'static str) -> String {
    let blocks = guide.split("```sql\n").skip(1).map(|rest| rest.split_once("```").unwrap().0);
    blocks.filter(|block| block.contains("GRANT")).collect()
}

#[test]
fn roles_may_do_what_the_guide_says_and_no_more() {
    let Some(server) = server("roles_may_do_what_the_guide_says_and_no_more") else { return };
    drop(open(config(&server)));
    Session::open(&server.connection()).run(&roles(GUIDE));
    let as_role = |role: &str| server.connection().replace("user=postgres", &format!("user={role}"));

    let service = open(wayfold_postgres::PostgresConfig::new(as_role("wayfold_service")));
    let given = put(&service, &[registered(1, "ada")]);
    assert!(matches!(append(&service, &[registered(1, "ada")]), Ok(AppendOutcome::AlreadyTaken { .. })));
    let conflict = append_if(&service, &[], EventFilter::customer(key("ada")), Position::START).unwrap();
    assert_eq!(conflict, AppendOutcome::Conflict { position: given[0] });
    assert_eq!(all(&service), [1]);
    let checkpoint = Checkpoint { position: given[0], bytes: vec![7] };
    let name = || CheckpointName::new("list").unwrap();
    block_on(service.put_checkpoint(name(), checkpoint.clone())).unwrap();
    assert_eq!(block_on(service.checkpoint(name())).unwrap(), Some(checkpoint));
    let other = std::thread::spawn({
        let connection = as_role("wayfold_service");
        move || {
            std::thread::sleep(Duration::from_millis(20));
            put(&open(wayfold_postgres::PostgresConfig::new(connection)), &[registered(2, "ada")])
        }
    });
    let woken = block_on(service.wait_past(given[0])).unwrap();
    assert_eq!(woken, other.join().unwrap()[0]);

    block_on(service.compact()).unwrap();
    assert_eq!(block_on(service.check()).unwrap().sealed_events, 2);
    let owner = Session::open(&server.connection());
    owner.run("REVOKE ALL ON wayfold.block FROM wayfold_service");
    let without = open(wayfold_postgres::PostgresConfig::new(as_role("wayfold_service")).with_seal_events(1));
    let scan = block_on(without.scan(Position::START, 10, 1)).unwrap();
    assert_eq!((scan.events, scan.is_last), (2, true), "rows tell all");
    assert_eq!(block_on(without.compact()).unwrap_err().kind(), ErrorKind::Unsupported);
    owner.run("GRANT SELECT, INSERT, DELETE ON wayfold.block TO wayfold_service");

    let session = Session::open(&as_role("wayfold_service"));
    for forbidden in [
        "UPDATE wayfold.block SET events = 1",
        "DELETE FROM wayfold.event_log",
        "UPDATE wayfold.event_log SET customer = 'ben'",
        "TRUNCATE wayfold.event_log",
        "UPDATE wayfold.log SET transactions_before = 0",
        "INSERT INTO wayfold.migration (number) VALUES (2)",
        "DROP SCHEMA wayfold CASCADE",
        "CREATE TABLE wayfold.own (id int)",
    ] {
        assert!(session.try_run(forbidden).is_err(), "{forbidden}");
    }

    assert_eq!(block_on(service.shard_map()).unwrap(), None);
    let request = LeaseRequest {
        states: "live".to_owned(),
        worker: "w".to_owned(),
        shards: vec![VirtualShard::new(7)],
        lease: Duration::from_secs(600),
    };
    assert_eq!(block_on(service.keep_leases(&request)).unwrap_err().kind(), ErrorKind::Unsupported);
    Session::open(&server.connection()).run(&roles(CLUSTER_GUIDE));
    let leases = block_on(service.keep_leases(&request)).unwrap();
    let checkpoint = Checkpoint { position: given[0], bytes: vec![8] };
    block_on(service.put_checkpoint_under(&leases.held[0], name(), checkpoint)).unwrap();
    block_on(service.release_lease(&leases.held[0])).unwrap();
    block_on(service.leave_leases(&request)).unwrap();
    for forbidden in ["DELETE FROM wayfold.lease", "UPDATE wayfold.shard_map SET version = 2"] {
        assert!(session.try_run(forbidden).is_err(), "{forbidden}");
    }

    Session::open(&as_role("wayfold_mover")).run(
        "BEGIN; UPDATE wayfold.shard_map SET version = 2; DELETE FROM wayfold.event_log WHERE log_number = 2;
        DELETE FROM wayfold.checkpoint; UPDATE wayfold.lease SET token = 9; ROLLBACK",
    );

    let report = Session::open(&as_role("wayfold_report"));
    assert_eq!(
        report.column::<String>("SELECT customer FROM wayfold.event ORDER BY log_number"),
        ["ada", "ada"]
    );
    for forbidden in ["INSERT INTO wayfold.event_log DEFAULT VALUES", "SELECT * FROM wayfold.checkpoint"] {
        assert!(report.try_run(forbidden).is_err(), "{forbidden}");
    }
    let refused = block_on(PostgresStore::open(
        wayfold_postgres::PostgresConfig::new(as_role("wayfold_service")).with_schema("another"),
    ));
    let error = refused.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("the role may not do that"), "{error}");
}
