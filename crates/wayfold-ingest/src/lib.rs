//! stub
use wayfold_core::EventBatch;
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct Error;
impl Error {
    pub fn is_retryable(&self) -> bool {
        false
    }
}
pub trait EventSource {
    fn next_batch(&mut self) -> Result<Option<EventBatch>, Error>;
}
