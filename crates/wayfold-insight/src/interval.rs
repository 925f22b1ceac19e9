use serde::{Deserialize, Serialize};

/// How sure an interval is to hold the figure of all customers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// 90 %.
    P90,
    /// 95 %.
    P95,
    /// 99 %.
    P99,
}

impl Confidence {
    /// The quantile of the normal distribution that leaves half of the rest on each side.
    pub(crate) const fn z(self) -> f64 {
        match self {
            Self::P90 => 1.6448536269514722,
            Self::P95 => 1.959963984540054,
            Self::P99 => 2.5758293035489004,
        }
    }
}

/// From where to where.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// A percentage with Wilson's interval (1927), which is right also for few answers and for none or all of them.
pub(crate) fn share(part: u64, total: u64, confidence: Confidence) -> (f64, Interval) {
    let (z, n) = (confidence.z(), total as f64);
    let p = part as f64 / n;
    let middle = p + z * z / (2.0 * n);
    let half = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    let end = |of: f64| (100.0 * of / (1.0 + z * z / n)).clamp(0.0, 100.0);
    (100.0 * p, Interval { low: end(middle - half), high: end(middle + half) })
}

/// A difference of two percentages of the same answers, with the adjusted Wald interval of Bonett and Price (2012): one
/// answer is added to each side, so that few or equal answers do not look certain.
pub(crate) fn difference(up: u64, down: u64, total: u64, confidence: Confidence) -> (f64, Option<Interval>) {
    let (up, down, n) = (up as f64, down as f64, total as f64);
    let (p, q) = ((up + 1.0) / (n + 2.0), (down + 1.0) / (n + 2.0));
    let half = confidence.z() * ((p + q - (p - q) * (p - q)) / (n + 2.0)).sqrt();
    let end = |of: f64| (100.0 * of).clamp(-100.0, 100.0);
    (100.0 * (up - down) / n, Some(Interval { low: end(p - q - half), high: end(p - q + half) }))
}

/// A mean with the interval of the normal distribution; one answer has none.
pub(crate) fn mean(
    answers: impl Iterator<Item = (i64, u64)> + Clone,
    total: u64,
    confidence: Confidence,
) -> (f64, Option<Interval>) {
    let n = total as f64;
    let mean = answers.clone().map(|(score, count)| score as f64 * count as f64).sum::<f64>() / n;
    let spread: f64 =
        answers.map(|(score, count)| (score as f64 - mean) * (score as f64 - mean) * count as f64).sum();
    let interval = (total > 1).then(|| {
        let half = confidence.z() * (spread / (n - 1.0) / n).sqrt();
        Interval { low: mean - half, high: mean + half }
    });
    (mean, interval)
}

/// The difference of two percentages of different customers, with the interval that Newcombe (1998, method 10) makes of
/// Wilson's.
pub(crate) fn difference_of_shares(
    (part, total): (u64, u64),
    (other_part, other_total): (u64, u64),
    confidence: Confidence,
) -> (f64, Interval) {
    let ((p, own), (q, other)) = (share(part, total, confidence), share(other_part, other_total, confidence));
    let far = |a: f64, b: f64| (a * a + b * b).sqrt();
    let low = p - q - far(p - own.low, other.high - q);
    let high = p - q + far(own.high - p, q - other.low);
    (p - q, Interval { low, high })
}

/// The difference of two means of different customers, with the interval of the normal distribution by Welch's standard
/// error; one answer on either side has none.
pub(crate) fn difference_of_means(
    own: impl Iterator<Item = (i64, u64)> + Clone,
    other: impl Iterator<Item = (i64, u64)> + Clone,
    confidence: Confidence,
) -> (f64, Option<Interval>) {
    let (n, m) = (own.clone().map(|answer| answer.1).sum(), other.clone().map(|answer| answer.1).sum());
    let ((p, own), (q, other)) = (mean(own, n, confidence), mean(other, m, confidence));
    let interval = own.zip(other).map(|(own, other)| {
        let half = |of: Interval| (of.high - of.low) / 2.0;
        let half = (half(own) * half(own) + half(other) * half(other)).sqrt();
        Interval { low: p - q - half, high: p - q + half }
    });
    (p - q, interval)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check((value, interval): (f64, Option<Interval>), expected: [f64; 3]) {
        let Interval { low, high } = interval.unwrap();
        for (found, expected) in [value, low, high].into_iter().zip(expected) {
            assert!((found - expected).abs() < 5e-4, "{value} {low} {high} instead of {expected}");
        }
    }

    fn certain((value, interval): (f64, Interval)) -> (f64, Option<Interval>) {
        (value, Some(interval))
    }

    #[test]
    fn intervals_are_those_of_their_formulas() {
        // Wilson for 15 of 20 and for none of 10, as in textbooks.
        check(certain(share(15, 20, Confidence::P95)), [75.0, 53.1299, 88.8138]);
        check(certain(share(0, 10, Confidence::P95)), [0.0, 0.0, 27.7533]);
        // 50 promoters and 20 detractors of 100: 51/102 - 21/102 = .294118, variance (.705882 - .086505) / 102.
        check(difference(50, 20, 100, Confidence::P95), [30.0, 14.1389, 44.6846]);
        // 1, 2, 3: mean 2, standard error 1 / sqrt(3).
        check(mean([(1, 1), (2, 1), (3, 1)].into_iter(), 3, Confidence::P90), [2.0, 1.050343, 2.949657]);
        assert_eq!(mean([(4, 1)].into_iter(), 1, Confidence::P95), (4.0, None));
        // Newcombe (1998), table II, (a): 56 of 70 against 48 of 80.
        let found = certain(difference_of_shares((56, 70), (48, 80), Confidence::P95));
        check(found, [20.0, 5.2429, 33.3873]);
        // 1, 2, 3 against 0, 2: standard error sqrt(1 / 3 + 2 / 2).
        let found = difference_of_means(
            [(1, 1), (2, 1), (3, 1)].into_iter(),
            [(0, 1), (2, 1)].into_iter(),
            Confidence::P95,
        );
        check(found, [1.0, -1.263174, 3.263174]);
    }

    #[test]
    fn equal_answers_are_not_certain() {
        let (value, interval) = difference(5, 0, 5, Confidence::P95);
        assert_eq!(value, 100.0);
        assert!(interval.unwrap().low < 70.0);
    }
}
