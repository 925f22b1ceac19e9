//! Figures with the interval that they may lie in: a dot and a line a row, beside a line that means nothing special.

use super::Plot;
use super::bars::{longest, longest_strong};
use super::scale::Scale;
use crate::svg::{Anchor, Drawing, TEXT, width, wrapped};

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

/// How an axis counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Axis {
    /// Evenly, from end to end.
    Even([f64; 2]),
    /// In powers of two: twice and half are equally far. It reaches as far as it must.
    Powers,
}

/// Rows of figures with intervals on a common axis.
pub(crate) struct Intervals<'a> {
    pub(crate) ranges: Vec<Range>,
    /// The figure that means nothing: no lift, no surplus.
    pub(crate) neutral: f64,
    pub(crate) neutral_means: &'static str,
    pub(crate) axis: Axis,
    pub(crate) tick: &'a dyn Fn(f64) -> String,
}

const ROW: f64 = 28.0;
/// The height of a line of a name, and how many a name may have.
const LINE: f64 = 14.0;
const LINES_MAX: usize = 3;

impl Intervals<'_> {
    /// Where a figure stands on the axis.
    fn place(&self, figure: f64) -> f64 {
        if self.axis == Axis::Powers { libm::log2(figure.max(1e-9)) } else { figure }
    }

    /// Ticks with their places on the axis, at most so many and one.
    fn ticks(&self, count: usize) -> Vec<(f64, f64)> {
        let [low, high] = match self.axis {
            Axis::Even([low, high]) => {
                let parts = if count >= 6 { 6 } else { 2 };
                let ticks = (0..=parts).map(|part| low + (high - low) * f64::from(part) / f64::from(parts));
                return ticks.map(|tick| (tick, tick)).collect();
            }
            Axis::Powers => {
                let ends = || {
                    self.ranges.iter().flat_map(|range| [range.low, range.high]).map(|end| self.place(end))
                };
                [ends().fold(-1.0, f64::min).max(-10.0).floor(), ends().fold(1.0, f64::max).min(10.0).ceil()]
            }
        };
        // More powers than there is room for are told by twos, threes, and so on; the power of none is always told.
        let step = ((high - low) / count.max(1) as f64).ceil().max(1.0);
        let (first, last) = ((low / step).floor() as i32, (high / step).ceil() as i32);
        let powers = (first..=last).map(|number| f64::from(number) * step);
        powers.map(|power| (power, libm::exp2(power))).collect()
    }
}

impl Plot for Intervals<'_> {
    fn draw(&self, of_width: f64) -> Drawing {
        let figures = longest_strong(self.ranges.iter().map(|range| &range.shown));
        let left = (longest(self.ranges.iter().map(|range| &range.name)) + 16.0).min(of_width * 0.42);
        let right = of_width - (figures + 18.0).min(of_width * 0.3);
        let names: Vec<Vec<String>> =
            self.ranges.iter().map(|range| wrapped(&range.name, left - 12.0, TEXT, LINES_MAX)).collect();
        let heights = names.iter().map(|lines| ROW.max((lines.len() + 1) as f64 * LINE));
        let (top, bottom) = (22.0, 22.0 + heights.clone().sum::<f64>());
        let ticks = self.ticks(((right - left) / 70.0) as usize);
        let (low, high) = (ticks[0].0, ticks[ticks.len() - 1].0);
        let scale = Scale { low, high, from: left, to: right };
        let mut drawing = Drawing::new(of_width, bottom + 24.0);
        for (place, tick) in &ticks {
            let x = scale.at(*place);
            drawing.line("grid", (x, top), (x, bottom));
            drawing.text("soft", (x, bottom + 16.0), Anchor::Middle, &(self.tick)(*tick));
        }
        let neutral = scale.at(self.place(self.neutral));
        drawing.line("axis", (neutral, top), (neutral, bottom));
        let half = width(self.neutral_means, TEXT) / 2.0;
        let x = neutral.min(of_width - half).max(half);
        drawing.text("soft", (x, 12.0), Anchor::Middle, self.neutral_means);
        let mut row = top;
        for ((range, lines), height) in self.ranges.iter().zip(&names).zip(heights) {
            let y = row + height / 2.0;
            row += height;
            let text_y = y + TEXT * 0.36;
            let at = |figure: f64| scale.at(self.place(figure));
            for (place, line) in lines.iter().enumerate() {
                let from_middle = (place as f64 - (lines.len() - 1) as f64 / 2.0) * LINE;
                drawing.text("ink", (left - 12.0, text_y + from_middle), Anchor::End, line);
            }
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
