//! Several handles on one file: what one does, the others know of.

use pollster::block_on;
use wayfold_core::{CustomerKey, Position};
use wayfold_store::{AppendOutcome, Checkpoint, CheckpointName, EventFilter, EventStore, ReadQuery};

use super::support::{Folder, append, append_if, ids, page, place, registered};

/// A subscriber keeps its place while another process appends. Nothing of its own is appended, so its handle has no
/// reason to look at the log; and yet it must not believe that it knows what came meanwhile.
#[test]
fn a_checkpoint_hides_nothing_that_another_handle_appended() {
    let folder = Folder::new();
    let (shop, subscriber) = (folder.open(), folder.open());
    let _ = append(&shop, &[registered(1, "ada")]).unwrap();
    assert_eq!(ids(&subscriber, EventFilter::all()), [1]);
    let _ = append(&shop, &[registered(2, "ada"), registered(3, "ben")]).unwrap();

    let checkpoint = Checkpoint { position: place(1), bytes: Vec::new() };
    block_on(subscriber.put_checkpoint(CheckpointName::new("list").unwrap(), checkpoint)).unwrap();

    assert_eq!(page(&subscriber, ReadQuery::all(), place(1), 10), (vec![2, 3], None), "nothing is skipped");
    let of_ada = EventFilter::customer(CustomerKey::new("ada").unwrap());
    let conflict = append_if(&subscriber, &[registered(4, "ada")], of_ada, place(1)).unwrap();
    assert_eq!(conflict, AppendOutcome::Conflict { position: place(2) }, "a condition sees it");
    let again = append(&subscriber, &[registered(2, "ada")]).unwrap();
    assert_eq!(again, AppendOutcome::AlreadyTaken { positions: vec![place(2)] }, "an id is taken once");
    assert_eq!(page(&shop, ReadQuery::all(), Position::START, 10), (vec![1, 2, 3], None));
    assert_eq!(subscriber.check().unwrap().events, 3);
}
