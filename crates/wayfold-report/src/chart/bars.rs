//! Horizontal bars: one a row, named at the left, its figure behind it.

use super::Plot;
use super::scale::{Scale, whole_ticks};
use crate::svg::{Anchor, Drawing, STRONG, TEXT, width, wrapped};

/// One bar.
#[derive(Debug)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) figure: f64,
    /// The figure as it is written behind the bar.
    pub(crate) shown: String,
    /// The class of its colour.
    pub(crate) class: &'static str,
}

/// Bars from a common zero; none is negative.
pub(crate) struct Bars<'a> {
    pub(crate) bars: Vec<Bar>,
    /// How ticks are written.
    pub(crate) tick: &'a dyn Fn(f64) -> String,
}

const ROW: f64 = 30.0;
const THICK: f64 = 18.0;
/// The room of a line of a name above its bar, and how many lines it may have.
const LINE: f64 = 15.0;
const LINES_MAX: usize = 6;

impl Plot for Bars<'_> {
    fn draw(&self, of_width: f64) -> Drawing {
        let names = longest(self.bars.iter().map(|bar| &bar.name)) + 12.0;
        let figures = longest_strong(self.bars.iter().map(|bar| &bar.shown));
        // Names that would take the room of the bars stand above them.
        let is_above = names > of_width * 0.4;
        let left = if is_above { 0.0 } else { names };
        let lines_of = |bar: &Bar| wrapped(&bar.name, of_width - 4.0, TEXT, LINES_MAX);
        let lines: Vec<Vec<String>> = self.bars.iter().filter(|_| is_above).map(lines_of).collect();
        let right = of_width - (figures + 14.0).min(of_width * 0.4);
        let highest = self.bars.iter().map(|bar| bar.figure).fold(0.0, f64::max);
        let ticks = whole_ticks(0.0, highest, ((right - left) / 110.0) as usize);
        let scale = Scale { low: 0.0, high: ticks.last().copied().unwrap_or(1.0), from: left, to: right };
        let above = |bar: usize| lines.get(bar).map_or(0.0, |lines| lines.len() as f64 * LINE + 3.0);
        let bottom = (0..self.bars.len()).map(|bar| ROW + above(bar)).sum::<f64>() + 6.0;
        let mut drawing = Drawing::new(of_width, bottom + 24.0);
        for tick in &ticks {
            let (x, shown) = (scale.at(*tick), (self.tick)(*tick));
            drawing.line("grid", (x, 0.0), (x, bottom));
            let anchor = if x < width(&shown, TEXT) / 2.0 { Anchor::Start } else { Anchor::Middle };
            drawing.text("soft", (x, bottom + 16.0), anchor, &shown);
        }
        let mut top = 0.0;
        for (number, bar) in self.bars.iter().enumerate() {
            let of_bar = top + above(number);
            let (y, middle) = (of_bar + (ROW - THICK) / 2.0, of_bar + ROW / 2.0 + TEXT * 0.36);
            let length = scale.at(bar.figure) - left;
            if let Some(lines) = lines.get(number) {
                for (place, line) in lines.iter().enumerate() {
                    let base = top + 3.0 + (place + 1) as f64 * LINE;
                    drawing.text("ink halo", (left, base), Anchor::Start, line);
                }
            } else {
                drawing.text_within("ink", (left - 10.0, middle), Anchor::End, &bar.name, left - 10.0);
            }
            top = of_bar + ROW;
            drawing.rect(bar.class, (left, y), (length, THICK), &format!("{}: {}", bar.name, bar.shown));
            drawing.text("ink strong halo", (left + length + 6.0, middle), Anchor::Start, &bar.shown);
        }
        drawing.line("axis", (left, 0.0), (left, bottom));
        drawing
    }
}

/// The width of the longest of texts.
pub(super) fn longest<'a>(texts: impl Iterator<Item = &'a String>) -> f64 {
    texts.map(|text| width(text, TEXT)).fold(0.0, f64::max)
}

/// The same of texts that are written strong.
pub(super) fn longest_strong<'a>(texts: impl Iterator<Item = &'a String>) -> f64 {
    longest(texts) * STRONG
}
