//! Figures with the interval that they may lie in: a dot and a line a row, beside a line that means nothing special.

use super::Plot;
use super::bars::longest;
use super::scale::{Scale, ticks};
use crate::svg::{Anchor, Drawing, TEXT, width};

/// A figure and where it may lie.
#[derive(Debug)]
pub(crate) struct Range {
    pub(crate) name: String,
    /// `None` where it cannot be told.
    pub(crate) figure: Option<f64>,
    pub(crate) low: f64,
    pub(crate) high: f64,
    pub(crate) shown: String,
    /// Whether the interval leaves out what means nothing.
    pub(crate) tells: bool,
}

/// Rows of figures with intervals on a common axis.
pub(crate) struct Intervals<'a> {
    pub(crate) ranges: Vec<Range>,
    /// The figure that means nothing: no lift, no surplus.
    pub(crate) neutral: f64,
    pub(crate) neutral_means: &'static str,
    /// Whether the axis counts in powers: twice and half are equally far.
    pub(crate) in_powers: bool,
    pub(crate) tick: &'a dyn Fn(f64) -> String,
}

const ROW: f64 = 28.0;

impl Intervals<'_> {
    /// Where a figure stands on an even axis.
    fn even(&self, figure: f64) -> f64 {
        if self.in_powers { figure.max(1e-9).log2() } else { figure }
    }

    /// Ticks with their place on the even axis.
    fn ticks(&self, count: usize) -> Vec<(f64, f64)> {
        let ends = || self.ranges.iter().flat_map(|range| [range.low, range.high]).map(|end| self.even(end));
        let neutral = self.even(self.neutral);
        let (low, high) = (ends().fold(neutral, f64::min), ends().fold(neutral, f64::max));
        match self.in_powers {
            false => ticks(low, high, count).into_iter().map(|tick| (tick, tick)).collect(),
            true => {
                // More powers than there is room for are told by twos, threes, and so on.
                let (low, high) = (low.max(-10.0).floor() as i32, high.min(10.0).ceil() as i32);
                let step = ((high - low) as usize).div_ceil(count.max(1)).max(1);
                let high = low + ((high - low) as usize).div_ceil(step).max(1) as i32 * step as i32;
                let powers = (low..=high).step_by(step);
                powers.map(|power| (f64::from(power), 2_f64.powi(power))).collect()
            }
        }
    }
}

impl Plot for Intervals<'_> {
    fn draw(&self, of_width: f64) -> Drawing {
        let figures = longest(self.ranges.iter().map(|range| &range.shown));
        let left = (longest(self.ranges.iter().map(|range| &range.name)) + 16.0).min(of_width * 0.42);
        let right = of_width - (figures + 18.0).min(of_width * 0.3);
        let (top, bottom) = (22.0, 22.0 + self.ranges.len() as f64 * ROW);
        let ticks = self.ticks(((right - left) / 70.0) as usize);
        let (low, high) = (ticks[0].0, ticks[ticks.len() - 1].0);
        let scale = Scale { low, high, from: left, to: right };
        let mut drawing = Drawing::new(of_width, bottom + 24.0);
        for (place, tick) in &ticks {
            let x = scale.at(*place);
            drawing.line("grid", (x, top), (x, bottom));
            drawing.text("soft", (x, bottom + 16.0), Anchor::Middle, &(self.tick)(*tick));
        }
        let neutral = scale.at(self.even(self.neutral));
        drawing.line("axis", (neutral, top), (neutral, bottom));
        let half = width(self.neutral_means, TEXT) / 2.0;
        let x = neutral.min(of_width - half).max(half);
        drawing.text("soft", (x, 12.0), Anchor::Middle, self.neutral_means);
        for (row, range) in self.ranges.iter().enumerate() {
            let y = top + (row as f64 + 0.5) * ROW;
            let text_y = y + TEXT * 0.36;
            let at = |figure: f64| scale.at(self.even(figure));
            drawing.text_within("ink", (left - 12.0, text_y), Anchor::End, &range.name, left - 12.0);
            drawing.line(
                if range.tells { "whisker" } else { "whisker faint" },
                (at(range.low), y),
                (at(range.high), y),
            );
            if let Some(figure) = range.figure {
                let class = if range.tells { "dot" } else { "dot open" };
                drawing.circle(class, (at(figure), y), 4.5, &format!("{}: {}", range.name, range.shown));
            }
            drawing.text("ink strong", (of_width, text_y), Anchor::End, &range.shown);
        }
        drawing
    }
}
