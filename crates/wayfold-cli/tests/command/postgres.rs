//! The same questions to a log in PostgreSQL.

use wayfold_testkit::PostgresServer;

use super::support::{Place, shipped};

#[test]
fn a_log_in_postgresql_answers_as_a_file_does() {
    let Some(server) = PostgresServer::for_test(env!("CARGO_TARGET_TMPDIR"), "command_on_postgres") else {
        return;
    };
    let store = format!("postgres:{}", server.connection());
    let place = Place::cdnow("postgres");
    let asked = place.run(&["population", "--store", &store]);
    assert_eq!(asked.exit, 1);
    assert!(asked.err.contains("there is none in schema \"wayfold\""), "{}", asked.err);

    let (mapping, file) = (shipped("mappings/cdnow.toml"), shipped("data/cdnow_sample.txt"));
    let import =
        ["import", "--store", &store, "--mapping", mapping.to_str().unwrap(), file.to_str().unwrap()];
    place.done(&import);
    for question in [&["population"][..], &["customer", "0499"], &["map"]] {
        assert_eq!(place.object(&[question, &["--store", &store]].concat()), place.object(question));
    }

    // What is kept there is checked and sealed, and its backup is the server's own.
    let kept = |command: &str| place.object(&[command, "--store", &store]);
    let events = |found: &serde_json::Value| {
        found["sealed_events"].as_u64().unwrap() + found["unsealed_events"].as_u64().unwrap()
    };
    assert_eq!(events(&kept("check")), 6_919);
    let sealed = kept("compact");
    assert_eq!((&sealed["sealed_events"], &sealed["unsealed_events"]), (&6_919.into(), &0.into()));
    let told = place.done(&["check", "--store", &store]);
    assert_eq!(
        told,
        "The log is sound: 6,919 events in 1 sealed block are those of the rows, 0 events in none.\n"
    );
    let refused = place.run(&["backup", "copy.db", "--store", &store]);
    assert!(refused.exit == 2 && refused.err.contains("pg_dump --schema=wayfold"), "{}", refused.err);
}
