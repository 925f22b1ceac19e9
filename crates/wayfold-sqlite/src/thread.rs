//! The end of the threads of a handle.

use std::thread::JoinHandle;

/// Waits until a thread has ended; `None` for the thread itself, which a task that it woke may have told to end. It
/// ends then when the task gives way.
pub(crate) fn join<T>(thread: JoinHandle<T>) -> Option<std::thread::Result<T>> {
    (thread.thread().id() != std::thread::current().id()).then(|| thread.join())
}
