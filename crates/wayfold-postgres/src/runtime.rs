//! The threads on which the driver runs, so that futures of the store run on any executor.

use std::panic::resume_unwind;

use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use wayfold_store::Result;

use crate::error::unavailable;

/// A runtime of the store's own, which ends with it.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start(count: usize) -> Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(count.max(1))
            .thread_name("wayfold-postgres")
            .enable_all()
            .build()
            .map_err(|error| unavailable("start the threads of the store").with_source(error))?;
        Ok(Self(Some(runtime)))
    }

    /// Hands a task over; it goes on when nobody waits for it any more.
    pub(crate) fn spawn<T: Send + 'static>(
        &self,
        task: impl Future<Output = T> + Send + 'static,
    ) -> JoinHandle<T> {
        self.0.as_ref().expect("it ends when it is dropped").spawn(task)
    }

    /// Hands a task over and waits for it. A panic in it, such as one of a user's own step, is the caller's.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        task: impl Future<Output = Result<T>> + Send + 'static,
    ) -> Result<T> {
        match self.spawn(task).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
            Err(_) => Err(unavailable("the store is closed")),
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // Waiting for its threads is forbidden where a runtime of the caller's polls.
            runtime.shutdown_background();
        }
    }
}
