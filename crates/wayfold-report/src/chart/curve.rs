//! A curve between two axes from 0 to 100 %, beside the diagonal of equal shares.

use super::Plot;
use super::scale::Scale;
use crate::svg::{Anchor, Drawing, Px, TEXT};

/// A curve of shares.
#[derive(Debug)]
pub(crate) struct Curve {
    /// From (0, 0) to (1, 1).
    pub(crate) points: Vec<(f64, f64)>,
    pub(crate) across: &'static str,
    pub(crate) up: &'static str,
    /// Points that are told: where, and what.
    pub(crate) told: Vec<((f64, f64), String)>,
}

impl Plot for Curve {
    fn draw(&self, of_width: f64) -> Drawing {
        let side = of_width.min(520.0);
        let (left, right, top) = (48.0, side - 24.0, 24.0);
        let bottom = top + (right - left) * 0.72;
        let mut drawing = Drawing::new(of_width, bottom + 44.0);
        let across = Scale { low: 0.0, high: 1.0, from: left, to: right };
        let up = Scale { low: 0.0, high: 1.0, from: bottom, to: top };
        for fifth in 0..=5 {
            let (share, shown) = (f64::from(fifth) / 5.0, format!("{} %", fifth * 20));
            let (x, y) = (across.at(share), up.at(share));
            drawing.line("grid", (left, y), (right, y));
            drawing.text("soft", (left - 8.0, y + TEXT * 0.36), Anchor::End, &shown);
            drawing.text("soft", (x, bottom + 18.0), Anchor::Middle, &shown);
        }
        drawing.text("soft", (0.0, TEXT), Anchor::Start, self.up);
        drawing.text("soft", (right, bottom + 38.0), Anchor::End, self.across);
        drawing.line("dashed", (left, bottom), (right, top));
        let mut path = String::new();
        for (place, point) in self.points.iter().enumerate() {
            let letter = if place == 0 { 'M' } else { 'L' };
            path += &format!("{letter}{} {}", Px(across.at(point.0)), Px(up.at(point.1)));
        }
        drawing.path("curve", &path, None, "");
        for (point, tip) in &self.told {
            let (x, y) = (across.at(point.0), up.at(point.1));
            drawing.circle("dot", (x, y), 4.0, tip);
            drawing.text("ink strong halo", (x + 8.0, y + 16.0), Anchor::Start, tip);
        }
        drawing.line("axis", (left, bottom), (right, bottom));
        drawing
    }
}
