//! What stands in for the platform when the ways in which threads and tasks meet are explored.

use std::time::Duration;

use event_listener::EventListener;
pub(crate) use shuttle::future::block_on;
pub(crate) use shuttle::sync::{Mutex, RwLock, atomic};
pub(crate) use shuttle::thread;

/// A wait whose length nobody knows, but that a minute does not pass: who is to be woken is not saved by a timer.
pub(crate) struct Delay;

impl Delay {
    #[expect(clippy::new_ret_no_self, reason = "it stands in for a type that is a future itself")]
    pub(crate) async fn new(time: Duration) {
        if time >= Duration::from_secs(60) {
            std::future::pending::<()>().await;
        }
        shuttle::future::yield_now().await;
    }
}

/// Somebody else may come first before it is listened to.
#[derive(Debug, Default)]
pub(crate) struct Event(event_listener::Event);

impl Event {
    pub(crate) fn listen(&self) -> EventListener {
        thread::yield_now();
        self.0.listen()
    }

    pub(crate) fn notify(&self, listeners: usize) {
        thread::yield_now();
        self.0.notify(listeners);
    }
}

/// Locks that a task waits for without holding its thread: somebody else may come first at each.
pub(crate) mod task {
    pub(crate) use async_lock::RwLockReadGuard;
    use async_lock::{MutexGuard, RwLockWriteGuard};
    use shuttle::future::yield_now;

    #[derive(Debug)]
    pub(crate) struct Mutex<T>(async_lock::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(async_lock::Mutex::new(value))
        }

        pub(crate) async fn lock(&self) -> MutexGuard<'_, T> {
            yield_now().await;
            self.0.lock().await
        }
    }

    #[derive(Debug)]
    pub(crate) struct RwLock<T>(async_lock::RwLock<T>);

    impl<T> RwLock<T> {
        pub(crate) fn new(value: T) -> Self {
            Self(async_lock::RwLock::new(value))
        }

        pub(crate) async fn read(&self) -> RwLockReadGuard<'_, T> {
            yield_now().await;
            self.0.read().await
        }

        pub(crate) async fn write(&self) -> RwLockWriteGuard<'_, T> {
            yield_now().await;
            self.0.write().await
        }
    }
}
