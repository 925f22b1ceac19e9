//! What customers go through: funnels, satisfaction, channels.

use wayfold_core::{Currency, Money};
use wayfold_insight::{
    AttributionReport, CesForm, FunnelReport, FunnelStep, SatisfactionMethod, SatisfactionScore, StageTime,
};

use super::{Management, Section};
use crate::chart::{Axis, Bar, Bars, Intervals, Range, StepBar, Steps};
use crate::content::{Block, Chart, Content, drawn};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// How far customers come through steps, where most are lost, and what those did next; a chart for each segment.
    pub fn funnel(reports: Vec<FunnelReport>) -> Self {
        Self::new(Management::Experience, "funnel", "Funnel", move |show| funnel(&reports, show))
    }

    /// Figures of satisfaction, each with the name of what was asked about.
    pub fn satisfaction(scores: Vec<(String, SatisfactionScore)>) -> Self {
        Self::new(Management::Experience, "satisfaction", "Satisfaction", move |show| {
            satisfaction(&scores, show)
        })
    }

    /// Which channels conversions are owed to, by one model or several.
    ///
    /// The currency is the one in which conversions were valued, if they were.
    pub fn attribution(reports: Vec<AttributionReport>, currency: Option<Currency>) -> Self {
        let title = "Channels";
        Self::new(Management::Experience, "channels", title, move |show| {
            attribution(&reports, currency, show)
        })
    }
}

/// More rows than these make no picture.
const ROWS_DRAWN: usize = 30;
/// So many segments have a picture, and of so many the findings are told; the others have their tables.
const SEGMENTS_DRAWN: usize = 12;
const SEGMENTS_TOLD: usize = 3;

fn funnel(reports: &[FunnelReport], show: &Show) -> Content {
    let mut content = Content::default();
    for (number, report) in reports.iter().enumerate() {
        if number < SEGMENTS_TOLD {
            tell_funnel(report, show, &mut content);
        }
        let title = match report.segment.as_str() {
            "" => "How far customers come".to_owned(),
            segment => format!("How far customers come: {segment}"),
        };
        let table = steps_table(title, report);
        content.blocks.push(if number < SEGMENTS_DRAWN {
            let axes = "Customers who came at least so far, and their share of all who entered. Dashed: lost on the way.";
            Block::Chart(Chart::new("steps", axes, &steps(report, show), table).measured(&report.semantics))
        } else {
            Block::Table(table)
        });
    }
    content
}

fn tell_funnel(report: &FunnelReport, show: &Show, content: &mut Content) {
    let of_segment = match report.segment.as_str() {
        "" => String::new(),
        segment => format!(" of \u{201c}{segment}\u{201d}"),
    };
    if let (Some(first), Some(last)) = (report.steps.first(), report.steps.last()) {
        content.finding(format!(
            "Of {} customers{of_segment} who came to \u{201c}{}\u{201d}, {} came to \u{201c}{}\u{201d}.",
            show.count(first.customers),
            first.name,
            show.share(last.of_entered),
            last.name
        ));
    }
    if let Some(worst) = worst(&report.steps) {
        let (before, step) = (&report.steps[worst - 1], &report.steps[worst]);
        let next = before.next.first().map_or_else(String::new, |(name, _)| {
            format!(" What they did next most often: \u{201c}{name}\u{201d}.")
        });
        content.finding(format!(
            "Most are lost between \u{201c}{}\u{201d} and \u{201c}{}\u{201d}: {}.{next}",
            before.name,
            step.name,
            show.count(before.dropped)
        ));
    }
}

fn steps(report: &FunnelReport, show: &Show) -> Steps {
    let worst = worst(&report.steps);
    let steps = report.steps.iter().enumerate().map(|(number, step)| StepBar {
        name: step.name.clone(),
        customers: step.customers,
        shown: format!("{} ({})", show.count(step.customers), show.share(step.of_entered)),
        below: below(number, step, Some(number) == worst, show),
        briefly: briefly(number, step, Some(number) == worst, show),
        is_worst: Some(number) == worst,
    });
    Steps { steps: steps.collect() }
}

/// The step on the way to which most are lost.
fn worst(steps: &[FunnelStep]) -> Option<usize> {
    let lost = (1..steps.len()).filter(|step| steps[step - 1].dropped > 0);
    lost.rev().max_by_key(|step| steps[step - 1].dropped)
}

fn below(number: usize, step: &FunnelStep, is_worst: bool, show: &Show) -> String {
    let after = step.from_before.map(|wait| format!(", after {} (median)", show.span(wait.median)));
    briefly(number, step, is_worst, show) + &after.unwrap_or_default()
}

fn briefly(number: usize, step: &FunnelStep, is_worst: bool, show: &Show) -> String {
    if number == 0 {
        return "entered".to_owned();
    }
    let mark = if is_worst { "\u{25b2} most lost here: " } else { "" };
    format!("{mark}{} of the step before", show.share(step.of_before))
}

fn steps_table(title: String, report: &FunnelReport) -> Table {
    let rows = report.steps.iter().map(|step| {
        let median = |of: Option<StageTime>| of.map_or(Cell::Empty, |wait| Cell::Span(wait.median));
        let next: Vec<String> =
            step.next.iter().take(3).map(|(name, count)| format!("{name} ({count})")).collect();
        vec![
            Cell::text(&step.name),
            Cell::count(step.customers),
            Cell::Share(step.of_before),
            Cell::Share(step.of_entered),
            Cell::count(step.dropped),
            median(step.from_before),
            median(step.from_entry),
            Cell::text(next.join(", ")),
        ]
    });
    let heads = [
        "Step",
        "Customers",
        "Of the step before",
        "Of who entered",
        "Came no further",
        "Median from the step before",
        "Median from the entry",
        "What who came no further did next",
    ];
    Table::new(title, heads, rows)
}

/// A method's name, its unit, and the ends of its scale; the middle means neither good nor bad.
pub(super) fn scale_of(method: SatisfactionMethod) -> (&'static str, &'static str, [f64; 2]) {
    match method {
        SatisfactionMethod::Nps => ("NPS", "points from \u{2212}100 to 100", [-100.0, 100.0]),
        SatisfactionMethod::Csat => ("CSAT", "percent of answers 4 and 5", [0.0, 100.0]),
        SatisfactionMethod::Ces { form: CesForm::Mean, .. } => {
            ("CES", "mean answer from 1 to 7, more is easier", [1.0, 7.0])
        }
        SatisfactionMethod::Ces { form: CesForm::Agreeing, .. } => {
            ("CES (agreeing)", "percent of the three easiest answers", [0.0, 100.0])
        }
        SatisfactionMethod::Ces { form: CesForm::TopLessBottom, .. } => {
            ("CES (top less bottom)", "points from \u{2212}100 to 100", [-100.0, 100.0])
        }
    }
}

fn satisfaction(scores: &[(String, SatisfactionScore)], show: &Show) -> Content {
    let mut content = Content::default();
    let mut methods: Vec<SatisfactionMethod> = scores.iter().map(|(_, score)| score.method).collect();
    methods.sort_unstable();
    methods.dedup();
    for of in methods {
        let (name, unit, ends) = scale_of(of);
        let neutral = (ends[0] + ends[1]) / 2.0;
        let rows: Vec<_> = scores.iter().filter(|(_, score)| score.method == of).collect();
        let by_value = |a: &&&(String, SatisfactionScore), b: &&&(String, SatisfactionScore)| {
            a.1.value.total_cmp(&b.1.value)
        };
        if let (Some(worst), Some(best)) = (rows.iter().min_by(by_value), rows.iter().max_by(by_value))
            && worst.0 != best.0
        {
            content.finding(format!(
                "{name}: best for \u{201c}{}\u{201d} ({}), worst for \u{201c}{}\u{201d} ({}).",
                best.0,
                show.number(best.1.value, 1),
                worst.0,
                show.number(worst.1.value, 1)
            ));
        }
        let range = |(asked, score): &&(String, SatisfactionScore)| {
            let (low, high) = score.interval.map_or((score.value, score.value), |of| (of.low, of.high));
            Range {
                name: asked.clone(),
                figure: Some(score.value),
                low,
                high,
                shown: show.number(score.value, 1),
                tells: score.interval.is_some() && (low > neutral || high < neutral),
            }
        };
        let intervals = Intervals {
            ranges: rows.iter().take(ROWS_DRAWN).map(range).collect(),
            neutral,
            neutral_means: "the middle",
            axis: Axis::Even(ends),
            tick: &|tick| show.number(tick, 0),
        };
        let cells = rows.iter().map(|(asked, score)| {
            vec![
                Cell::text(asked),
                Cell::count(score.answers),
                Cell::Number(score.value, 1),
                score.interval.map_or(Cell::Empty, |of| Cell::Number(of.low, 1)),
                score.interval.map_or(Cell::Empty, |of| Cell::Number(of.high, 1)),
            ]
        });
        let table = Table::new(name, ["Asked about", "Answers", "Figure", "At least", "At most"], cells);
        let axes = format!(
            "{}, with the interval in which the figure of all customers may lie.{}",
            worded(unit),
            drawn(ROWS_DRAWN, rows.len(), "figures")
        );
        content.blocks.push(Block::Chart(Chart::new("scores", axes, &intervals, table)));
    }
    content
}

fn attribution(reports: &[AttributionReport], currency: Option<Currency>, show: &Show) -> Content {
    let mut content = Content::default();
    for report in reports {
        let mut channels: Vec<_> = report.channels.iter().collect();
        channels
            .sort_by(|a, b| b.conversions.total_cmp(&a.conversions).then_with(|| a.channel.cmp(&b.channel)));
        let bars = channels.iter().take(ROWS_DRAWN).map(|credit| Bar {
            name: credit.channel.clone(),
            figure: credit.conversions.max(0.0),
            shown: format!("{} ({})", show.number(credit.conversions, 1), show.share(credit.share)),
            class: "bar",
        });
        let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
        let mut heads: Vec<String> = ["Channel", "Conversions", "Share"].map(Into::into).into();
        heads.extend(currency.map(|currency| format!("Worth ({currency})")));
        let rows = channels.iter().map(|credit| {
            let mut cells = vec![
                Cell::text(&credit.channel),
                Cell::Number(credit.conversions, 2),
                Cell::Share(credit.share),
            ];
            cells.extend(currency.map(|currency| Cell::Money(Money::new(credit.value, currency).into())));
            cells
        });
        let model = report.semantics.split(':').next().unwrap_or_default();
        let table = Table::new(format!("Conversions owed to channels: {model}"), heads, rows);
        let axes = format!(
            "Conversions. {} of {} have no channel before them and are owed to none.{}",
            show.count(report.untouched),
            show.count(report.conversions),
            drawn(ROWS_DRAWN, channels.len(), "channels, those that are owed most")
        );
        content
            .blocks
            .push(Block::Chart(Chart::new("credit", axes, &bars, table).measured(&report.semantics)));
    }
    content
}
