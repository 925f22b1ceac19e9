//! Durations of which some are taken away again; every figure is exact.

use wayfold_core::Span;

/// Added and removed durations in microseconds; what was removed had been added, here or in a part that is merged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Durations {
    added: Vec<i64>,
    removed: Vec<i64>,
    /// How many removed ones were left when they were last taken out.
    left: usize,
}

/// Appends a list, or takes it as it is.
fn append(to: &mut Vec<i64>, other: Vec<i64>) {
    if to.is_empty() {
        *to = other;
    } else {
        to.extend(other);
    }
}

/// So many removed durations wait at least until they are taken out.
const WAITING_MIN: usize = 1_024;

impl Durations {
    #[inline]
    pub(crate) fn add(&mut self, micros: i64, times: i64) {
        if times == 1 {
            self.added.push(micros);
        } else {
            self.add_many(micros, times);
        }
    }

    fn add_many(&mut self, micros: i64, times: i64) {
        let to = if times > 0 { &mut self.added } else { &mut self.removed };
        to.extend(std::iter::repeat_n(micros, times.unsigned_abs() as usize));
        self.settle_many();
    }

    pub(crate) fn merge(&mut self, other: Self) {
        append(&mut self.added, other.added);
        append(&mut self.removed, other.removed);
        self.settle_many();
    }

    /// What is kept up for long does not grow without bounds, and what is only taken away is not sorted each time.
    fn settle_many(&mut self) {
        if self.removed.len() > self.added.len() / 2 + 2 * self.left + WAITING_MIN {
            self.settle();
            self.left = self.removed.len();
        }
    }

    /// Takes what was removed out of what was added; a duration that is not there stays removed.
    fn settle(&mut self) {
        self.added.sort_unstable();
        self.removed.sort_unstable();
        let mut removed = std::mem::take(&mut self.removed).into_iter().peekable();
        let missing = &mut self.removed;
        self.added.retain(|micros| {
            while let Some(earlier) = removed.next_if(|removed| removed < micros) {
                missing.push(earlier);
            }
            removed.next_if_eq(micros).is_none()
        });
        missing.extend(removed);
    }

    /// Figures of all durations; `None` if there is none.
    pub(crate) fn figures(&self) -> Option<DurationFigures> {
        let mut left = self.clone();
        if !left.removed.is_empty() {
            left.settle();
        }
        let durations = &mut left.added[..];
        let total: i128 = durations.iter().map(|micros| i128::from(*micros)).sum();
        let mean = total.checked_div(durations.len() as i128)?;
        // The higher rank first: what is below it holds the lower one, and the ends lie beyond the two.
        let rank = |tenths: usize| (durations.len() * tenths).div_ceil(10) - 1;
        let (median, p90) = (rank(5), rank(9));
        let p90_micros = *durations.select_nth_unstable(p90).1;
        let median_micros = *durations[..=p90].select_nth_unstable(median).1;
        let ends = (durations[..=median].iter().min().copied(), durations[p90..].iter().max().copied());
        Some(DurationFigures {
            mean: Span::from_micros(i64::try_from(mean).unwrap_or(i64::MAX)),
            median: Span::from_micros(median_micros),
            p90: Span::from_micros(p90_micros),
            min: Span::from_micros(ends.0?),
            max: Span::from_micros(ends.1?),
            total_micros: total,
        })
    }
}

pub(crate) struct DurationFigures {
    pub(crate) mean: Span,
    pub(crate) median: Span,
    pub(crate) p90: Span,
    pub(crate) min: Span,
    pub(crate) max: Span,
    pub(crate) total_micros: i128,
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Against a list from which each removed duration is taken out at once.
        #[test]
        fn figures_are_those_of_what_is_left(durations in vec((-3_i64..9, any::<bool>()), 0..60)) {
            let (mut left, mut durations_left, mut other) = (Vec::new(), Durations::default(), Durations::default());
            for (micros, is_removed) in durations {
                if is_removed {
                    let Some(place) = left.iter().position(|known| *known == micros) else { continue };
                    left.swap_remove(place);
                    other.add(micros, -1);
                } else {
                    left.push(micros);
                    durations_left.add(micros, 1);
                }
            }
            durations_left.merge(other);
            left.sort_unstable();
            let figures = durations_left.figures();
            prop_assert_eq!(figures.is_some(), !left.is_empty());
            if let Some(figures) = figures {
                let rank = |share: f64| Span::from_micros(left[(share * left.len() as f64).ceil() as usize - 1]);
                prop_assert_eq!((figures.median, figures.p90), (rank(0.5), rank(0.9)));
                let ends = [left[0], left[left.len() - 1]].map(Span::from_micros);
                prop_assert_eq!([figures.min, figures.max], ends);
                prop_assert_eq!(figures.total_micros, left.iter().map(|micros| i128::from(*micros)).sum::<i128>());
            }
        }
    }
}
