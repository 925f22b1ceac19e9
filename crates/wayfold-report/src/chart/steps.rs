//! The steps of a funnel: bars of who came as far, and behind each who was lost on the way to it.

use super::Plot;
use super::bars::{longest, longest_strong};
use crate::svg::{Anchor, Drawing, STRONG, TEXT, width};

/// One step.
#[derive(Debug)]
pub(crate) struct StepBar {
    pub(crate) name: String,
    pub(crate) customers: u64,
    /// The number and its share, behind the bar.
    pub(crate) shown: String,
    /// What is said below: the share of the step before, the time it took.
    pub(crate) below: String,
    /// The same in fewer words, where there is little room.
    pub(crate) briefly: String,
    /// Whether most are lost on the way to it.
    pub(crate) is_worst: bool,
}

/// The steps of one funnel.
#[derive(Debug)]
pub(crate) struct Steps {
    pub(crate) steps: Vec<StepBar>,
}

const ROW: f64 = 58.0;
const THICK: f64 = 26.0;

impl Plot for Steps {
    fn draw(&self, of_width: f64) -> Drawing {
        let narrow = of_width < 500.0;
        let names = longest(self.steps.iter().map(|step| &step.name)) + 14.0;
        // On a phone the name stands above the bar.
        let (left, row, above) = if narrow { (0.0, ROW + 20.0, 18.0) } else { (names.min(220.0), ROW, 0.0) };
        let right = of_width - longest_strong(self.steps.iter().map(|step| &step.shown)) - 12.0;
        let entered = self.steps.first().map_or(0, |step| step.customers).max(1) as f64;
        let mut drawing = Drawing::new(of_width, self.steps.len() as f64 * row);
        let mut before = None;
        for (number, step) in self.steps.iter().enumerate() {
            let y = number as f64 * row + above;
            let length = (right - left) * step.customers as f64 / entered;
            if narrow {
                drawing.text_within("ink", (0.0, y - 5.0), Anchor::Start, &step.name, of_width);
            } else {
                let at = (left - 12.0, y + THICK / 2.0 + TEXT * 0.36);
                drawing.text_within("ink", at, Anchor::End, &step.name, left - 12.0);
            }
            if let Some(before) = before {
                let lost = format!("{}: lost on the way", step.name);
                drawing.rect("ghost", (left + length, y), (before - length, THICK), &lost);
            }
            drawing.rect("bar", (left, y), (length, THICK), &format!("{}: {}", step.name, step.shown));
            let behind: f64 = before.unwrap_or(length);
            let at = (left + behind + 8.0, y + THICK / 2.0 + TEXT * 0.36);
            drawing.text("ink strong", at, Anchor::Start, &step.shown);
            let class = if step.is_worst { "hot" } else { "soft" };
            let room = of_width - left;
            let below = if width(&step.below, TEXT) * STRONG <= room { &step.below } else { &step.briefly };
            drawing.text_within(class, (left, y + THICK + 15.0), Anchor::Start, below, room);
            before = Some(length);
        }
        drawing
    }
}
