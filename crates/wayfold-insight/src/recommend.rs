//! What to offer next: items that go together more often than chance brings them together.

mod co_occurrence;
mod recommender;
mod score;

pub use self::co_occurrence::{CoOccurrence, CoOccurrenceTotal, ItemSignal, Taste};
pub use self::recommender::{Because, Recommendation, Recommender};
pub use self::score::RecommendationScore;
