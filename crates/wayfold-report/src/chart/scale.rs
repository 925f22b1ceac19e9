//! From figures to pixels, and where ticks stand.

/// A linear scale.
#[derive(Debug, Clone, Copy)]
pub(super) struct Scale {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) from: f64,
    pub(super) to: f64,
}

impl Scale {
    /// Where a figure stands; figures beyond the ends stand at them.
    pub(super) fn at(&self, figure: f64) -> f64 {
        let span = self.high - self.low;
        let part = if span > 0.0 { (figure - self.low) / span } else { 0.0 };
        let part = if part.is_finite() { part.clamp(0.0, 1.0) } else { 0.0 };
        self.from + part * (self.to - self.from)
    }
}

/// Round figures (1, 2 or 5 times a power of ten) from at or below the lowest to at or above the highest, some `count`.
pub(super) fn ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let finite = |figure: f64| if figure.is_finite() { figure } else { 0.0 };
    let (low, high) = (finite(low).min(0.0), finite(high).max(0.0));
    let span = if high > low { high - low } else { 1.0 };
    let rough = span / count.max(1) as f64;
    let power = libm::exp10(libm::log10(rough).floor());
    let step =
        [1.0, 2.0, 5.0, 10.0].into_iter().find(|of| of * power >= rough * 0.999).unwrap_or(10.0) * power;
    let (first, last) = ((low / step).floor() as i64, ((low + span) / step).ceil() as i64);
    (first..=last).map(|number| number as f64 * step).collect()
}

/// Ticks of counts: whole numbers only.
pub(super) fn whole_ticks(low: f64, high: f64, count: usize) -> Vec<f64> {
    let ticks = ticks(low, high, count);
    if ticks.iter().all(|tick| tick.fract() == 0.0) {
        return ticks;
    }
    let (first, last) = (ticks[0].floor() as i64, ticks[ticks.len() - 1].ceil() as i64);
    (first..=last).map(|tick| tick as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_hold_all_figures() {
        assert_eq!(ticks(0.0, 97.0, 5), [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]);
        assert_eq!(ticks(-30.0, 60.0, 4), [-50.0, 0.0, 50.0, 100.0]);
        assert_eq!(ticks(0.0, 0.0, 2), [0.0, 0.5, 1.0]);
        assert_eq!(whole_ticks(f64::NAN, f64::INFINITY, 2), [0.0, 1.0]);
        assert_eq!(whole_ticks(0.0, 2.0, 8), [0.0, 1.0, 2.0]);
        assert_eq!(whole_ticks(0.0, 0.0, 4), [0.0, 1.0]);
    }

    #[test]
    fn figures_beyond_the_scale_stand_at_its_ends() {
        let scale = Scale { low: 0.0, high: 10.0, from: 100.0, to: 0.0 };
        assert_eq!(
            [-5.0, 0.0, 5.0, 20.0, f64::NAN].map(|figure| scale.at(figure)),
            [100.0, 100.0, 50.0, 0.0, 100.0]
        );
    }
}
