//! Stacked columns over time or another order; negative figures hang below the axis.

use super::Plot;
use super::scale::{Scale, whole_ticks};
use crate::svg::{Anchor, Drawing, TEXT, width};

/// One colour of the stack.
#[derive(Debug)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) class: &'static str,
    /// One a column.
    pub(crate) figures: Vec<f64>,
}

/// Columns that stack series, the first at the axis.
pub(crate) struct Columns<'a> {
    /// What the columns are called.
    pub(crate) names: Vec<String>,
    pub(crate) series: Vec<Series>,
    /// How ticks and figures are written.
    pub(crate) shown: &'a dyn Fn(f64) -> String,
}

const HEIGHT: f64 = 240.0;

impl Plot for Columns<'_> {
    fn draw(&self, of_width: f64) -> Drawing {
        let sum = |column: usize, keep: fn(&f64) -> bool| -> f64 {
            self.series
                .iter()
                .filter_map(|series| series.figures.get(column))
                .filter(|figure| keep(figure))
                .sum()
        };
        let columns = 0..self.names.len();
        let high = columns.clone().map(|column| sum(column, |figure| *figure > 0.0)).fold(0.0, f64::max);
        let low = columns.clone().map(|column| sum(column, |figure| *figure < 0.0)).fold(0.0, f64::min);
        let ticks = whole_ticks(low, high, 5);
        let tick_width = ticks.iter().map(|tick| width(&(self.shown)(*tick), TEXT)).fold(0.0, f64::max);

        let mut drawing = Drawing::new(of_width, 0.0);
        let top = self.legend(&mut drawing) + 12.0;
        let (left, right, bottom) = (tick_width + 10.0, of_width - 4.0, top + HEIGHT);
        let scale = Scale { low: ticks[0], high: ticks[ticks.len() - 1], from: bottom, to: top };
        for tick in &ticks {
            let y = scale.at(*tick);
            drawing.line(if *tick == 0.0 { "axis" } else { "grid" }, (left, y), (right, y));
            drawing.text("soft", (left - 8.0, y + TEXT * 0.36), Anchor::End, &(self.shown)(*tick));
        }
        let step = (right - left) / self.names.len().max(1) as f64;
        let thick = (step * 0.78).min(64.0);
        for column in columns {
            let x = left + (column as f64 + 0.5) * step - thick / 2.0;
            self.stack(&mut drawing, &scale, column, x, thick);
        }
        self.name_columns(&mut drawing, (left, right), bottom + 18.0);
        drawing.line("axis", (left, scale.at(0.0)), (right, scale.at(0.0)));
        drawing.height = bottom + 28.0;
        drawing
    }
}

impl Columns<'_> {
    /// Draws the names of the series, in lines, and says where it ends; one series needs none.
    fn legend(&self, drawing: &mut Drawing) -> f64 {
        if self.series.len() < 2 {
            return 0.0;
        }
        let (mut x, mut y) = (0.0, 4.0);
        for series in &self.series {
            let needs = 18.0 + width(&series.name, TEXT) + 16.0;
            if x > 0.0 && x + needs > drawing.width {
                (x, y) = (0.0, y + 20.0);
            }
            drawing.rect(series.class, (x, y), (12.0, 12.0), "");
            drawing.text("ink", (x + 18.0, y + 10.5), Anchor::Start, &series.name);
            x += needs;
        }
        y + 16.0
    }

    fn stack(&self, drawing: &mut Drawing, scale: &Scale, column: usize, x: f64, thick: f64) {
        let (mut above, mut below) = (0.0, 0.0);
        for series in &self.series {
            let Some(figure) = series.figures.get(column).filter(|figure| **figure != 0.0) else { continue };
            let side = if *figure > 0.0 { &mut above } else { &mut below };
            let (from, to) = (scale.at(*side), scale.at(*side + figure));
            *side += figure;
            let tip = format!("{}, {}: {}", self.names[column], series.name, (self.shown)(*figure));
            let class = format!("{} part", series.class);
            drawing.rect(&class, (x, from.min(to)), (thick, (from - to).abs()), &tip);
        }
    }

    /// Names as many columns as there is room for, evenly.
    fn name_columns(&self, drawing: &mut Drawing, (left, right): (f64, f64), y: f64) {
        let count = self.names.len().max(1);
        let longest = super::bars::longest(self.names.iter()) + 12.0;
        let step = (right - left) / count as f64;
        let each = (longest / step).ceil().max(1.0) as usize;
        for (column, name) in self.names.iter().enumerate().step_by(each) {
            let half = width(name, TEXT) / 2.0;
            let middle = left + (column as f64 + 0.5) * step;
            let x = middle.min(drawing.width - half).max(half);
            drawing.text("soft", (x, y), Anchor::Middle, name);
        }
    }
}
