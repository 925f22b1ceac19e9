//! Waiting without a runtime.

use std::future::poll_fn;
use std::pin::pin;

use event_listener::EventListener;

use crate::platform::Event;
use crate::platform::atomic::{AtomicBool, Ordering};

/// What the first of two comes to; the other is dropped.
pub(crate) async fn first<A, B, T>(one: A, other: B) -> T
where
    A: Future<Output = T>,
    B: Future<Output = T>,
{
    let (mut one, mut other) = (pin!(one), pin!(other));
    poll_fn(|context| {
        let polled = one.as_mut().poll(context);
        if polled.is_ready() { polled } else { other.as_mut().poll(context) }
    })
    .await
}

/// Tells whoever waits that time was moved or that the engine ends.
#[derive(Debug, Default)]
pub(crate) struct Signal {
    is_closed: AtomicBool,
    event: Event,
}

impl Signal {
    /// Hears what is told from this call on.
    pub(crate) fn listen(&self) -> EventListener {
        self.event.listen()
    }

    pub(crate) fn tell(&self) {
        self.event.notify(usize::MAX);
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
        self.tell();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::SeqCst)
    }
}
