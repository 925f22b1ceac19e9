//! An answer from another thread, for whoever awaits it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use wayfold_store::Result;

use crate::error::unavailable;

#[derive(Debug)]
enum Slot<T> {
    Empty(Option<Waker>),
    Full(Result<T>),
    Taken,
}

/// Gives the answer, once.
#[derive(Debug)]
pub(crate) struct Promise<T>(Option<Arc<Mutex<Slot<T>>>>);

/// Waits for the answer; dropping it changes nothing for whoever gives it.
#[derive(Debug)]
pub(crate) struct Reply<T>(Arc<Mutex<Slot<T>>>);

/// Makes both ends.
pub(crate) fn promise<T>() -> (Promise<T>, Reply<T>) {
    let slot = Arc::new(Mutex::new(Slot::Empty(None)));
    (Promise(Some(slot.clone())), Reply(slot))
}

fn lock<T>(slot: &Mutex<Slot<T>>) -> MutexGuard<'_, Slot<T>> {
    // A slot is replaced whole; a panic between leaves it as it was.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Promise<T> {
    pub(crate) fn keep(mut self, answer: Result<T>) {
        self.fill(answer);
    }

    fn fill(&mut self, answer: Result<T>) {
        let Some(slot) = self.0.take() else { return };
        let before = std::mem::replace(&mut *lock(&slot), Slot::Full(answer));
        if let Slot::Empty(Some(waker)) = before {
            wake(waker);
        }
    }
}

/// Wakes a task. Its executor is foreign code: where that panics, the thread that wakes has to go on.
pub(crate) fn wake(waker: Waker) {
    // Whoever does not hear of it has only itself to blame, and nothing of ours is half done.
    let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
}

impl<T> Drop for Promise<T> {
    /// Nobody waits for ever: an answer that was lost says so.
    fn drop(&mut self) {
        let message = "the writer stopped before it answered; the same call tells what became of it";
        self.fill(Err(unavailable(message).with_unknown_outcome()));
    }
}

impl<T> Future for Reply<T> {
    type Output = Result<T>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Wakers are foreign code: one is copied before the lock is taken, and one dropped when it is free again.
        let waiting = Slot::Empty(Some(context.waker().clone()));
        let before = {
            let mut slot = lock(&self.0);
            let next = if matches!(*slot, Slot::Empty(_)) { waiting } else { Slot::Taken };
            std::mem::replace(&mut *slot, next)
        };
        match before {
            Slot::Full(answer) => Poll::Ready(answer),
            Slot::Empty(_) => Poll::Pending,
            Slot::Taken => Poll::Ready(Err(unavailable("the answer was taken already"))),
        }
    }
}
