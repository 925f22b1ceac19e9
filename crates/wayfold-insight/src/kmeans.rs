use serde::Serialize;

use crate::error::{Error, ErrorKind, Result};
use crate::random::Random;

/// Groups customers of similar features: k-means on z-scores, from seeded starts.
///
/// The starts are drawn by k-means++ (Arthur and Vassilvitskii, 2007), and the best of them is kept: the one of the
/// least inertia, the first among equals. Equal rows in equal order, seed and starts give equal bits.
///
/// ```
/// use wayfold_insight::KMeans;
///
/// // Weeks since the last purchase and number of purchases.
/// let rows = vec![vec![1.0, 9.0], vec![2.0, 11.0], vec![30.0, 1.0], vec![33.0, 2.0], vec![31.0, 1.0]];
/// let clusters = KMeans::new(2, 42).fit(&rows)?;
/// assert_eq!(clusters.sizes, [3, 2]);
/// assert_eq!(clusters.of_rows, [1, 1, 0, 0, 0]);
/// assert_eq!(clusters.centres[1], [1.5, 10.0]);
/// # Ok::<(), wayfold_insight::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KMeans {
    clusters: usize,
    seed: u64,
    starts: u32,
}

/// Rows parted into clusters, which are numbered by size, the largest first, and then by their first row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Clusters {
    /// The cluster of each row.
    pub of_rows: Vec<usize>,
    /// How many rows each holds.
    pub sizes: Vec<usize>,
    /// The mean of each, in the units of the features.
    pub centres: Vec<Vec<f64>>,
    /// The sum of squared distances of all rows from their centres, in z-scores.
    pub inertia: f64,
}

/// A run that has not come to rest by then is taken as it is.
const ROUNDS_MAX: u32 = 300;

impl KMeans {
    /// So many clusters from a seed, as the best of 10 starts.
    pub const fn new(clusters: usize, seed: u64) -> Self {
        Self { clusters, seed, starts: 10 }
    }

    /// Takes the best of so many starts; none counts as one.
    #[must_use]
    pub const fn with_starts(self, starts: u32) -> Self {
        Self { starts, ..self }
    }

    /// Parts rows of features. Each feature is centred and divided by its standard deviation over the rows (by N); one
    /// that is the same for all parts nothing.
    ///
    /// # Errors
    /// `InvalidParameter` if there are no clusters, or rows differ in length or hold what is no finite number;
    /// `TooLittleData` if there are fewer different rows than clusters.
    pub fn fit(&self, rows: &[Vec<f64>]) -> Result<Clusters> {
        self.check(rows)?;
        let scores = z_scores(rows);
        let mut random = Random::new(self.seed);
        let mut best = Run::new(&scores, self.clusters, &mut random);
        for _ in 1..self.starts {
            let run = Run::new(&scores, self.clusters, &mut random);
            if run.inertia < best.inertia {
                best = run;
            }
        }
        Ok(best.clusters(rows))
    }

    fn check(&self, rows: &[Vec<f64>]) -> Result<()> {
        let refuse = |kind, message: String| Err(Error::new(kind, message));
        if self.clusters == 0 {
            return refuse(ErrorKind::InvalidParameter, "k-means into no clusters".into());
        }
        let features = rows.first().map_or(0, Vec::len);
        let is_bad = |row: &Vec<f64>| row.len() != features || row.iter().any(|value| !value.is_finite());
        if let Some(place) = rows.iter().position(is_bad) {
            let message = format!("row {place} of k-means has not {features} finite features");
            return refuse(ErrorKind::InvalidParameter, message);
        }
        let mut different: Vec<&Vec<f64>> = rows.iter().collect();
        different.sort_by(|a, b| a.partial_cmp(b).expect("the features are finite"));
        different.dedup();
        if different.len() < self.clusters {
            let message =
                format!("{} different rows cannot make {} clusters", different.len(), self.clusters);
            return refuse(ErrorKind::TooLittleData, message);
        }
        Ok(())
    }
}

fn z_scores(rows: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let count = rows.len() as f64;
    let mut scores = rows.to_vec();
    for feature in 0..rows[0].len() {
        let mean = rows.iter().map(|row| row[feature]).sum::<f64>() / count;
        let variance =
            rows.iter().map(|row| (row[feature] - mean) * (row[feature] - mean)).sum::<f64>() / count;
        let deviation = variance.sqrt();
        for row in &mut scores {
            row[feature] = if deviation > 0.0 { (row[feature] - mean) / deviation } else { 0.0 };
        }
    }
    scores
}

/// A start and what became of it.
struct Run {
    of_rows: Vec<usize>,
    clusters: usize,
    inertia: f64,
}

impl Run {
    fn new(scores: &[Vec<f64>], clusters: usize, random: &mut Random) -> Self {
        let mut centres = draw(scores, clusters, random);
        let mut of_rows = Vec::new();
        for _ in 0..ROUNDS_MAX {
            let nearest: Vec<usize> = scores.iter().map(|row| nearest(row, &centres).0).collect();
            if nearest == of_rows {
                break;
            }
            of_rows = nearest;
            centres = means(scores, &of_rows, &centres);
        }
        let inertia =
            scores.iter().zip(&of_rows).map(|(row, cluster)| distance(row, &centres[*cluster])).sum();
        Self { of_rows, clusters, inertia }
    }

    fn clusters(self, rows: &[Vec<f64>]) -> Clusters {
        let size = |cluster: usize| self.of_rows.iter().filter(|of| **of == cluster).count();
        let first = |cluster: usize| self.of_rows.iter().position(|of| *of == cluster);
        let mut order: Vec<usize> = (0..self.clusters).collect();
        order.sort_by_key(|cluster| (std::cmp::Reverse(size(*cluster)), first(*cluster)));
        let mut number = vec![0; self.clusters];
        order.iter().enumerate().for_each(|(place, cluster)| number[*cluster] = place);
        let of_rows: Vec<usize> = self.of_rows.iter().map(|cluster| number[*cluster]).collect();
        let sizes = order.iter().map(|cluster| size(*cluster)).collect();
        let none = vec![vec![0.0; rows[0].len()]; self.clusters];
        let centres = means(rows, &of_rows, &none);
        Clusters { of_rows, sizes, centres, inertia: self.inertia }
    }
}

/// Draws rows as centres: the first evenly, each other one by its squared distance from the nearest so far.
fn draw(scores: &[Vec<f64>], clusters: usize, random: &mut Random) -> Vec<Vec<f64>> {
    let mut centres = vec![scores[random.below(scores.len())].clone()];
    while centres.len() < clusters {
        let distances: Vec<f64> = scores.iter().map(|row| nearest(row, &centres).1).collect();
        let mut left = random.fraction() * distances.iter().sum::<f64>();
        let drawn = distances.iter().position(|distance| {
            left -= distance;
            left < 0.0
        });
        // By rounding nothing may be drawn; then the last row that is no centre yet is.
        let drawn = drawn.or_else(|| distances.iter().rposition(|distance| *distance > 0.0));
        centres.push(scores[drawn.expect("there are more different rows than centres")].clone());
    }
    centres
}

fn distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

/// The nearest centre, the first among equals, and its squared distance.
fn nearest(row: &[f64], centres: &[Vec<f64>]) -> (usize, f64) {
    let mut found = (0, f64::INFINITY);
    for (place, centre) in centres.iter().enumerate() {
        let distance = distance(row, centre);
        if distance < found.1 {
            found = (place, distance);
        }
    }
    found
}

/// The mean of each cluster; one that holds no row stays where it was.
fn means(rows: &[Vec<f64>], of_rows: &[usize], before: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut sums = vec![(vec![0.0; rows[0].len()], 0_usize); before.len()];
    for (row, cluster) in rows.iter().zip(of_rows) {
        let (sum, count) = &mut sums[*cluster];
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
        *count += 1;
    }
    let mean = |((sum, count), before): ((Vec<f64>, usize), &Vec<f64>)| match count {
        0 => before.clone(),
        _ => sum.into_iter().map(|sum| sum / count as f64).collect(),
    };
    sums.into_iter().zip(before).map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(clusters: usize, rows: &[Vec<f64>], expected: ErrorKind) {
        assert_eq!(KMeans::new(clusters, 1).fit(rows).unwrap_err().kind(), expected);
    }

    #[test]
    fn what_cannot_be_parted_is_refused() {
        check(0, &[vec![1.0]], ErrorKind::InvalidParameter);
        check(1, &[], ErrorKind::TooLittleData);
        check(1, &[vec![1.0], vec![1.0, 2.0]], ErrorKind::InvalidParameter);
        check(1, &[vec![1.0], vec![f64::NAN]], ErrorKind::InvalidParameter);
        check(2, &[vec![1.0], vec![1.0], vec![1.0]], ErrorKind::TooLittleData);
    }

    #[test]
    fn a_feature_that_is_the_same_for_all_parts_nothing() {
        let rows: Vec<_> = [1.0, 2.0, 8.0, 9.0].into_iter().map(|value| vec![7.0, value]).collect();
        let clusters = KMeans::new(2, 3).fit(&rows).unwrap();
        assert_eq!(clusters.of_rows, [0, 0, 1, 1]);
        assert_eq!(clusters.centres, [[7.0, 1.5], [7.0, 8.5]]);
    }
}
