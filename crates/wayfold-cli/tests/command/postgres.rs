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
}
