//! One customer through time: a lane of periods above lanes of events.

use chrono::{Datelike, Months, NaiveDate};

use super::Plot;
use super::bars::longest;
use super::scale::Scale;
use crate::show;
use crate::svg::{Anchor, Drawing, TEXT, width};

/// From when to when, in days since 1970, the customer stood somewhere.
#[derive(Debug)]
pub(crate) struct Period {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) name: String,
    pub(crate) class: &'static str,
}

/// One event.
#[derive(Debug)]
pub(crate) struct Mark {
    pub(crate) at: f64,
    /// Its place in the lanes.
    pub(crate) lane: usize,
    pub(crate) tip: String,
}

/// Periods and events over the same time; days since 1970 with fractions.
#[derive(Debug)]
pub(crate) struct Timeline {
    pub(crate) from: f64,
    pub(crate) to: f64,
    pub(crate) periods: Vec<Period>,
    pub(crate) lanes: Vec<String>,
    pub(crate) marks: Vec<Mark>,
}

const LANE: f64 = 22.0;
const BAND: f64 = 24.0;

impl Plot for Timeline {
    fn draw(&self, of_width: f64) -> Drawing {
        let left = (longest(self.lanes.iter()) + 14.0).min(of_width * 0.38);
        let scale = Scale { low: self.from, high: self.to, from: left + 6.0, to: of_width - 10.0 };
        let (top, bottom) = (BAND + 8.0, BAND + 8.0 + self.lanes.len() as f64 * LANE);
        let mut drawing = Drawing::new(of_width, bottom + 26.0);
        for (day, name) in calendar_ticks(self.from, self.to, ((of_width - left) / 90.0) as usize) {
            let (x, half) = (scale.at(day), width(&name, TEXT) / 2.0);
            drawing.line("grid", (x, BAND), (x, bottom));
            drawing.text("soft", (x.min(of_width - half).max(half), bottom + 18.0), Anchor::Middle, &name);
        }
        drawing.text("soft", (left - 8.0, BAND / 2.0 + TEXT * 0.36), Anchor::End, "Stage");
        for period in &self.periods {
            let (from, to) = (scale.at(period.from), scale.at(period.to));
            drawing.rect(
                &format!("{} part", period.class),
                (from, 0.0),
                ((to - from).max(1.5), BAND),
                &period.name,
            );
            if width(&period.name, TEXT) + 10.0 <= to - from {
                let at = ((from + to) / 2.0, BAND / 2.0 + TEXT * 0.36);
                drawing.text("on", at, Anchor::Middle, &period.name);
            }
        }
        for (lane, name) in self.lanes.iter().enumerate() {
            let y = top + (lane as f64 + 0.5) * LANE;
            drawing.line("grid", (left, y), (of_width, y));
            drawing.text_within("ink", (left - 8.0, y + TEXT * 0.36), Anchor::End, name, left - 8.0);
        }
        for mark in &self.marks {
            let y = top + (mark.lane as f64 + 0.5) * LANE;
            drawing.circle("mark", (scale.at(mark.at), y), 4.0, &mark.tip);
        }
        drawing
    }
}

/// First days of months or years, no more than so many, evenly.
fn calendar_ticks(from: f64, to: f64, most: usize) -> Vec<(f64, String)> {
    let day = |days: f64| NaiveDate::default() + chrono::Days::new(days.max(0.0) as u64);
    let (first, last) = (day(from), day(to));
    let months = (last.year() - first.year()) * 12 + last.month0() as i32 - first.month0() as i32;
    if months < 1 {
        return vec![(from, first.to_string()), (to, last.to_string())];
    }
    let steps = [1, 2, 3, 6, 12, 24, 60, 120, 240, 1_200];
    let step = steps.into_iter().find(|step| months / step <= most.max(1) as i32).unwrap_or(12_000);
    let start = first
        .with_day(1)
        .and_then(|day| day.with_month0((day.month0() / step.min(12) as u32) * step.min(12) as u32));
    let Some(start) = start else { return Vec::new() };
    let instant = |day: NaiveDate| day.signed_duration_since(NaiveDate::default()).num_days() as f64;
    let each = (0..).map_while(|number: u32| start.checked_add_months(Months::new(number * step as u32)));
    let within = each.take_while(|day| instant(*day) <= to).filter(|day| instant(*day) >= from);
    let name = |day: NaiveDate| if step >= 12 { day.year().to_string() } else { show::month(day) };
    within.map(|day| (instant(day), name(day))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_first_days_of_months_or_years() {
        let names = |from: f64, to: f64, most| -> Vec<String> {
            calendar_ticks(from, to, most).into_iter().map(|(_, name)| name).collect()
        };
        // From 2024-01-15 on.
        assert_eq!(names(19_737.0, 19_837.0, 5), ["Feb 2024", "Mar 2024", "Apr 2024"]);
        assert_eq!(names(19_737.0, 19_737.0 + 1_200.0, 3), ["2025", "2026", "2027"]);
        assert_eq!(names(19_737.0, 19_740.0, 4), ["2024-01-15", "2024-01-18"]);
    }
}
