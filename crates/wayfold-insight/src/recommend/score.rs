use std::collections::BTreeSet;

use serde::Serialize;

/// How well recommendations met what customers did later.
///
/// ```
/// use std::collections::BTreeSet;
/// use wayfold_insight::RecommendationScore;
///
/// let later = BTreeSet::from(["tea".to_owned()]);
/// let score = RecommendationScore::of([(["rug", "tea"].as_slice(), &later), (["rug", "pot"].as_slice(), &later)]);
/// assert_eq!((score.customers, score.hit_rate, score.mean_reciprocal_rank), (2, 0.5, 0.25));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct RecommendationScore {
    /// How many customers were judged.
    pub customers: u64,
    /// The share of them of whom something recommended came true; 0 of nobody.
    pub hit_rate: f64,
    /// The mean over all of one by the rank of the first item that came true, counted from 1, and 0 where none did.
    pub mean_reciprocal_rank: f64,
}

impl RecommendationScore {
    /// Judges what was recommended to each customer, the best first, by the items that it touched later.
    pub fn of<'a, S: AsRef<str> + 'a>(
        customers: impl IntoIterator<Item = (&'a [S], &'a BTreeSet<String>)>,
    ) -> Self {
        let (mut judged, mut hits, mut reciprocals) = (0_u64, 0_u64, 0.0);
        for (recommended, later) in customers {
            judged += 1;
            if let Some(place) = recommended.iter().position(|item| later.contains(item.as_ref())) {
                hits += 1;
                reciprocals += 1.0 / (place + 1) as f64;
            }
        }
        let of = |sum: f64| if judged > 0 { sum / judged as f64 } else { 0.0 };
        Self { customers: judged, hit_rate: of(hits as f64), mean_reciprocal_rank: of(reciprocals) }
    }
}
