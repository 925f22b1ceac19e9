//! Named segments: rectangles over the scores of recency and frequency, proved to be a partition.

use std::ops::RangeInclusive;

use super::rfm::RfmScores;
use crate::error::{Error, ErrorKind, Result};

/// A named rectangle over recency and frequency scores of 1 to 5, ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rectangle {
    /// The name.
    pub name: String,
    /// Scores of recency.
    pub recency: RangeInclusive<u8>,
    /// Scores of frequency.
    pub frequency: RangeInclusive<u8>,
}

/// A table of named segments in which every pair of scores lies in exactly one rectangle.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedSegments {
    rectangles: Vec<Rectangle>,
}

impl Default for NamedSegments {
    /// The ten segments: Champions, Loyal, Potential Loyalist, New, Promising, Need Attention, About To
    /// Sleep, At Risk, Can't Lose and Hibernating.
    fn default() -> Self {
        let table = [
            ("Champions", 5..=5, 4..=5),
            ("Loyal", 3..=4, 4..=5),
            ("Potential Loyalist", 4..=5, 2..=3),
            ("New", 5..=5, 1..=1),
            ("Promising", 4..=4, 1..=1),
            ("Need Attention", 3..=3, 3..=3),
            ("About To Sleep", 3..=3, 1..=2),
            ("At Risk", 1..=2, 3..=4),
            ("Can't Lose", 1..=2, 5..=5),
            ("Hibernating", 1..=2, 1..=2),
        ];
        let rectangle =
            |(name, recency, frequency): (&str, _, _)| Rectangle { name: name.into(), recency, frequency };
        Self::new(table.into_iter().map(rectangle).collect()).expect("the ten segments are a partition")
    }
}

impl NamedSegments {
    /// Takes a table that is a partition.
    ///
    /// # Errors
    /// `NotAPartition`; the message lists every pair of scores that lies in no rectangle or in several.
    pub fn new(rectangles: Vec<Rectangle>) -> Result<Self> {
        let table = Self { rectangles };
        let faults: Vec<String> = table.faults().collect();
        if faults.is_empty() {
            return Ok(table);
        }
        let message = format_args!("the named segments are no partition: {}", faults.join("; "));
        Err(Error::new(ErrorKind::NotAPartition, message))
    }

    fn faults(&self) -> impl Iterator<Item = String> {
        let pairs = (1..=5).flat_map(|recency| (1..=5).map(move |frequency| (recency, frequency)));
        pairs.filter_map(|(recency, frequency)| {
            let names: Vec<&str> =
                self.holding(recency, frequency).map(|found| found.name.as_str()).collect();
            match names.as_slice() {
                [] => Some(format!("R{recency} F{frequency} lies in none")),
                [_] => None,
                several => Some(format!("R{recency} F{frequency} lies in {}", several.join(" and "))),
            }
        })
    }

    fn holding(&self, recency: u8, frequency: u8) -> impl Iterator<Item = &Rectangle> {
        let holds = move |found: &&Rectangle| {
            found.recency.contains(&recency) && found.frequency.contains(&frequency)
        };
        self.rectangles.iter().filter(holds)
    }

    /// The names, in the order of the table.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rectangles.iter().map(|found| found.name.as_str())
    }

    /// The segment of a customer with these scores; scores beyond 1 to 5 count as the nearest.
    pub fn name(&self, scores: RfmScores) -> &str {
        let found = self.holding(scores.recency.clamp(1, 5), scores.frequency.clamp(1, 5)).next();
        &found.expect("scores are 1 to 5, and the table is a partition of them").name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_with_gaps_and_overlaps_is_refused_by_cell() {
        let mut table = NamedSegments::default().rectangles;
        table[0].frequency = 5..=5;
        table[3].frequency = 1..=2;
        let message = NamedSegments::new(table).unwrap_err().to_string();
        assert_eq!(
            message,
            "the named segments are no partition: R5 F2 lies in Potential Loyalist and New; R5 F4 lies in none"
        );
    }
}
