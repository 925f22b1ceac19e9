//! A dump that is restored into a cluster whose transactions are counted from the beginning.

use std::io::Write as _;
use std::process::Stdio;

use pollster::block_on;
use wayfold_store::{Checkpoint, CheckpointName, EventFilter, EventStore};

use super::support::{Session, all, append_if, append_in, config, key, open, put, registered, server};

#[test]
fn a_restored_dump_reads_right_and_goes_on() {
    let Some(old) = server("a_restored_dump_reads_right_and_goes_on") else { return };
    let new = server("a_restored_dump_reads_right_and_goes_on").unwrap();
    let given = {
        let store = open(config(&old));
        let first = put(&store, &[registered(1, "ada")]);
        Session::open(&old.connection()).run(
            "DO $$ BEGIN FOR round IN 1..20000 LOOP PERFORM pg_current_xact_id(); COMMIT; END LOOP; END $$",
        );
        let last = put(&store, &[registered(2, "ben"), registered(3, "ada")]);
        let checkpoint = Checkpoint { position: last[0], bytes: b"kept".to_vec() };
        block_on(store.put_checkpoint(CheckpointName::new("list").unwrap(), checkpoint)).unwrap();
        block_on(store.compact()).unwrap();
        // A place that was drawn and not used is behind all events.
        Session::open(&old.connection()).transact(async |mut transaction| {
            let _ = append_in(&store, &mut transaction, &[registered(9, "ada")], None).await.unwrap();
        });
        [first, last].concat()
    };
    let dump = old.program("pg_dump").args(["--dbname", &old.connection()]).output().unwrap();
    assert!(dump.status.success(), "{}", String::from_utf8_lossy(&dump.stderr));
    let mut restore = new.program("psql");
    restore.args(["--set", "ON_ERROR_STOP=1", "--quiet", "--dbname", &new.connection()]);
    let mut restore = restore.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    restore.stdin.take().unwrap().write_all(&dump.stdout).unwrap();
    assert!(restore.wait().unwrap().success());

    let store = open(config(&new));
    assert_eq!(all(&store), [1, 2, 3], "nothing is hidden");
    assert_eq!(block_on(store.check()).unwrap().sealed_events, 3, "blocks come with their rows");
    assert_eq!(block_on(store.head()).unwrap(), given[2]);
    let checkpoint = block_on(store.checkpoint(CheckpointName::new("list").unwrap())).unwrap().unwrap();
    assert_eq!((checkpoint.position, checkpoint.bytes), (given[1], b"kept".to_vec()));
    let more = put(&store, &[registered(4, "ada")]);
    assert!(more[0] > given[2], "positions go on");
    assert_eq!(all(&open(config(&new))), [1, 2, 3, 4]);
    let outcome = append_if(&store, &[], EventFilter::customer(key("ada")), given[2]).unwrap();
    assert_eq!(outcome, wayfold_store::AppendOutcome::Conflict { position: more[0] });
}
