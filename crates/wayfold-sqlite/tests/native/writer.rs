//! The one thread that writes: many callers, one commit, each with an outcome of its own.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use pollster::block_on;
use wayfold_core::{CustomerKey, Position};
use wayfold_sqlite::SqliteStore;
use wayfold_store::{AppendCondition, AppendOutcome, BoxFuture, ErrorKind, EventFilter, EventStore};

use super::support::{Folder, all, append, append_if, batch, head, ids, other, place, positions, registered};

#[test]
fn many_threads_append_each_event_once_and_every_batch_whole() {
    let folder = Folder::new();
    let store = folder.open();
    std::thread::scope(|scope| {
        for thread in 0..64_u128 {
            let store = &store;
            scope.spawn(move || {
                for round in 0..8 {
                    let first = 1_000 + thread * 1_000 + round * 2;
                    let placed = positions(
                        append(store, &[registered(first, "a"), registered(first + 1, "b")]).unwrap(),
                    );
                    let [left, right] = placed[..] else { panic!("two events have two positions") };
                    assert!(left < right && head(store) >= right, "who appended sees it");
                    let _ = append(store, &[registered(round, "same")]).unwrap();
                }
            });
        }
    });
    drop(store);
    let store = folder.open();
    let events = all(&store, EventFilter::all());
    let places: Vec<_> = events.iter().map(|event| event.position.unwrap()).collect();
    assert_eq!(places, (1..=64 * 16 + 8).map(place).collect::<Vec<_>>());
    let mut seen: Vec<_> = events.iter().map(|event| event.id).collect();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), events.len());
    for pair in events.windows(2) {
        let [left, right] = [0, 1].map(|at| pair[at].id.as_u128());
        assert!(left < 1_000 || left % 2 == 1 || right == left + 1, "a batch stands whole");
    }
    assert_eq!(store.check().unwrap().events, 64 * 16 + 8);
}

/// Everything that waits while another process writes goes into one commit, and is judged one by one.
#[test]
fn what_one_caller_does_wrong_fails_no_other() {
    let folder = Folder::new();
    let store = folder.open();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let of = |name: &str| EventFilter::customer(CustomerKey::new(name).unwrap());
    let blocker = rusqlite::Connection::open(folder.file()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let condition = |name: &str, after: u64| Some(AppendCondition { filter: of(name), after: place(after) });
    let calls = [
        (vec![registered(90, "z")], None),
        (vec![registered(2, "b")], condition("b", 0)),
        (vec![registered(3, "b")], condition("b", 0)),
        (vec![other(1, "a"), registered(4, "c")], None),
        (vec![other(2, "b")], None),
        (vec![registered(2, "b")], condition("b", 0)),
        (vec![registered(2, "b"), registered(5, "b")], condition("b", 0)),
        (vec![registered(6, "c")], condition("a", 0)),
        (vec![registered(7, "c")], condition("a", 1)),
        (vec![], condition("c", 0)),
    ];
    let mut waiting: Vec<_> =
        calls.into_iter().map(|(events, condition)| store.append(batch(&events), condition)).collect();
    let mut context = Context::from_waker(Waker::noop());
    assert!(waiting.iter_mut().all(|call| call.as_mut().poll(&mut context).is_pending()));
    blocker.execute_batch("ROLLBACK").unwrap();
    let outcomes: Vec<_> = waiting.into_iter().map(block_on).collect();
    let conflict = |at| AppendOutcome::Conflict { position: place(at) };
    let appended =
        |at: &[u64], new| AppendOutcome::Appended { positions: at.iter().copied().map(place).collect(), new };
    let reused = |at: usize| outcomes[at].as_ref().unwrap_err().kind();
    assert_eq!(*outcomes[0].as_ref().unwrap(), appended(&[2], 1));
    assert_eq!(*outcomes[1].as_ref().unwrap(), appended(&[3], 1));
    assert_eq!(*outcomes[2].as_ref().unwrap(), conflict(3));
    assert_eq!((reused(3), reused(4)), (ErrorKind::IdReused, ErrorKind::IdReused));
    assert_eq!(*outcomes[5].as_ref().unwrap(), AppendOutcome::AlreadyTaken { positions: vec![place(3)] });
    assert_eq!(*outcomes[6].as_ref().unwrap(), appended(&[3, 4], 1), "its own event is no conflict");
    assert_eq!(*outcomes[7].as_ref().unwrap(), conflict(1));
    assert_eq!(*outcomes[8].as_ref().unwrap(), appended(&[5], 1));
    assert_eq!(*outcomes[9].as_ref().unwrap(), conflict(5));
    assert_eq!(ids(&folder.open(), EventFilter::all()), [1, 90, 2, 5, 7]);
}

#[test]
fn one_of_many_conditional_appends_wins() {
    let folder = Folder::new();
    let (one, two) = (folder.open(), folder.open());
    let filter = EventFilter::customer(CustomerKey::new("a").unwrap());
    let won: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16)
            .map(|thread| {
                let (store, filter) = (if thread % 2 == 0 { &one } else { &two }, filter.clone());
                scope.spawn(move || {
                    let outcome = append_if(store, &[registered(thread, "a")], filter, Position::START);
                    usize::from(matches!(outcome.unwrap(), AppendOutcome::Appended { .. }))
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!((won, head(&one)), (1, place(1)));
}

#[test]
fn a_file_that_is_held_too_long_is_an_error_that_wrote_nothing() {
    let folder = Folder::new();
    let config = wayfold_sqlite::SqliteConfig::default().with_busy_timeout_ms(20);
    let store = SqliteStore::open(folder.file(), config).unwrap();
    let blocker = rusqlite::Connection::open(folder.file()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = append(&store, &[registered(1, "a")]).unwrap_err();
    assert_eq!((error.kind(), error.written()), (ErrorKind::Unavailable, wayfold_store::Written::Nothing));
    assert!(error.is_retryable() && error.to_string().contains("another process"), "{error}");
    blocker.execute_batch("ROLLBACK").unwrap();
    assert_eq!(positions(append(&store, &[registered(1, "a")]).unwrap()), [place(1)]);
}

#[test]
fn a_call_that_was_given_up_may_still_be_written_and_fails_nobody() {
    let folder = Folder::new();
    let store = folder.open();
    let mut context = Context::from_waker(Waker::noop());
    for id in 1..=50 {
        let events = batch(&[registered(id, "a")]);
        let mut call = store.append(events, None);
        let _ = call.as_mut().poll(&mut context);
    }
    let _ = append(&store, &[registered(99, "a")]).unwrap();
    assert_eq!(ids(&store, EventFilter::all()).len(), 51);
}

#[test]
fn closing_ends_what_waits_and_refuses_what_comes_later() {
    let folder = Folder::new();
    let store = Arc::new(folder.open());
    let threads: Vec<_> = (0..8)
        .map(|thread| {
            let store = store.clone();
            std::thread::spawn(move || {
                let mut written = Vec::new();
                for round in 0..1_000_u128 {
                    let id = 1 + thread * 1_000 + round;
                    match append(&store, &[registered(id, "a")]) {
                        Ok(_) => written.push(id),
                        Err(error) => {
                            assert!(error.to_string().contains("closed"), "{error}");
                            assert_eq!(error.written(), wayfold_store::Written::Nothing);
                            break;
                        }
                    }
                }
                written
            })
        })
        .collect();
    while head(&store) < place(20) {
        std::thread::yield_now();
    }
    let waiter = {
        let store = store.clone();
        std::thread::spawn(move || block_on(store.wait_past(Position::END)).unwrap_err())
    };
    store.close().unwrap();
    store.close().unwrap();
    let mut written: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(waiter.join().unwrap().kind(), ErrorKind::Unavailable);
    assert!(block_on(store.head()).is_err());
    let mut found = ids(&folder.open(), EventFilter::all());
    written.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, written);
}

#[test]
fn who_waits_is_woken_by_this_handle_and_by_another() {
    let folder = Folder::new();
    let (store, foreign) = (folder.open(), folder.open());
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = store.wait_past(Position::START);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    let first = positions(append(&store, &[registered(1, "a")]).unwrap())[0];
    assert!(matches!(waiting.as_mut().poll(&mut context), Poll::Ready(Ok(position)) if position == first));
    for (id, writer) in [(2, &store), (3, &foreign), (4, &foreign)] {
        let before = head(&store);
        std::thread::scope(|scope| {
            let waiter = scope.spawn(|| block_on(store.wait_past(before)).unwrap());
            let place = positions(append(writer, &[registered(id, "a")]).unwrap())[0];
            assert_eq!(waiter.join().unwrap(), place);
        });
    }
    drop(store.wait_past(Position::END));
}

/// Who waited for the end of all positions was once not woken by the closing.
#[test]
fn closing_wakes_who_waits_for_what_never_comes() {
    let folder = Folder::new();
    let store = folder.open();
    let mut context = Context::from_waker(Waker::noop());
    let mut waiting = store.wait_past(Position::END);
    assert!(waiting.as_mut().poll(&mut context).is_pending());
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| block_on(waiting).unwrap_err());
        store.close().unwrap();
        assert_eq!(waiter.join().unwrap().kind(), ErrorKind::Unavailable);
    });
}

/// A task that is polled by whoever wakes it, and ends by dropping the store.
struct Inline(Mutex<Option<BoxFuture<'static, ()>>>);

impl Wake for Inline {
    fn wake(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut task = self.0.lock().unwrap();
        if let Some(running) = &mut *task
            && running.as_mut().poll(&mut Context::from_waker(&waker)).is_ready()
        {
            *task = None;
        }
    }
}

/// The thread that writes woke a task that dropped the store, and waited for its own end.
#[test]
fn a_store_may_be_dropped_by_whoever_it_wakes() {
    let folder = Folder::new();
    for id in [1, 2] {
        let store = folder.open();
        let (say, hear) = std::sync::mpsc::channel();
        let task = Box::pin(async move {
            let appended = match id {
                1 => store.append(batch(&[registered(1, "a")]), None).await.is_ok(),
                // The thread that looks for appends of other handles wakes this one.
                _ => store.wait_past(place(1)).await.is_ok(),
            };
            drop(store);
            say.send(appended).unwrap();
        });
        Arc::new(Inline(Mutex::new(Some(task)))).wake();
        if id == 2 {
            let _ = append(&folder.open(), &[registered(2, "a")]).unwrap();
        }
        assert_eq!(hear.recv(), Ok(true), "the task came to its end");
    }
    assert_eq!(ids(&folder.open(), EventFilter::all()), [1, 2]);
}

/// Tells whether the store still answers while one of its wakers is dropped.
struct AsksWhenDropped(Arc<SqliteStore>);

impl Wake for AsksWhenDropped {
    fn wake(self: Arc<Self>) {}
}

impl Drop for AsksWhenDropped {
    fn drop(&mut self) {
        let mut waiting = self.0.wait_past(Position::END);
        assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
}

/// The drop of a waker is foreign code too; under a lock it could wait for that very lock.
#[test]
fn wakers_are_dropped_while_nothing_is_held() {
    let folder = Folder::new();
    let store = Arc::new(folder.open());
    let waker = || Waker::from(Arc::new(AsksWhenDropped(store.clone())));
    let mut waiting = store.wait_past(Position::END);
    for _ in 0..3 {
        let waker = waker();
        assert!(waiting.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    drop(waiting);
}
