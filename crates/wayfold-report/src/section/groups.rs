//! Groups of customers: by rules, by clusters, and by whether they are still there.

use wayfold_core::{CustomerKey, Span, Timestamp};
use wayfold_insight::{Clusters, FitReport, GapChurnView};

use super::{Management, Section};
use crate::chart::{Axis, Bar, Bars, Columns, Intervals, Range, Series};
use crate::content::{Block, Chart, Content, Figure};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Customers by rules, each with how many belong, of so many customers; a customer may belong to several.
    pub fn rules(members: Vec<(String, u64)>, customers: u64) -> Self {
        Self::new(Management::Relationship, "rules", "Segments by rules", move |show| {
            rules(&members, customers, show)
        })
    }

    /// Customers in clusters of similar features, with the names of the features.
    ///
    /// Features without a name are left out.
    pub fn clusters(clusters: Clusters, features: Vec<String>) -> Self {
        Self::new(Management::Relationship, "clusters", "Clusters", move |show| {
            similar(&clusters, &features, show)
        })
    }

    /// How likely buyers are still there, by a model of when they buy.
    pub fn alive(customers: Vec<(CustomerKey, f64)>, model: impl Into<String>) -> Self {
        let model = model.into();
        let title = "Who is still there";
        Self::new(Management::Relationship, "alive", title, move |show| alive(&customers, &model, show))
    }

    /// Who has left by its own gap between purchases, and who will without a further one; who never bought is not told.
    pub fn gaps(customers: Vec<GapChurnView>, as_of: Timestamp) -> Self {
        let title = "Who is silent for too long";
        Self::new(Management::Relationship, "gaps", title, move |show| silent(&customers, as_of, show))
    }

    /// What goes with an outcome, by a logistic regression: how many times the odds of the outcome are with one more of a
    /// feature.
    pub fn drivers(fit: FitReport, outcome: impl Into<String>) -> Self {
        let outcome = outcome.into();
        let title = format!("What goes with {outcome}");
        Self::new(Management::Relationship, "drivers", title, move |show| drivers(&fit, &outcome, show))
    }
}

fn rules(members: &[(String, u64)], customers: u64, show: &Show) -> Content {
    let mut content = Content::default();
    let share = |count: u64| count as f64 / customers.max(1) as f64;
    let bars = members.iter().map(|(rule, count)| Bar {
        name: rule.clone(),
        figure: *count as f64,
        shown: format!("{} ({})", show.count(*count), show.share(share(*count))),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = members
        .iter()
        .map(|(rule, count)| vec![Cell::text(rule), Cell::count(*count), Cell::share(*count, customers)]);
    let table = Table::new("Customers by rule", ["Rule", "Customers", "Share"], rows);
    let axes = format!("Customers who belong, of {}; one may belong to several.", show.count(customers));
    content.blocks.push(Block::Chart(Chart::new("members", axes, &bars, table)));
    content
}

fn similar(clusters: &Clusters, features: &[String], show: &Show) -> Content {
    let mut content = Content::default();
    let all: usize = clusters.sizes.iter().sum();
    let told = |centre: &[f64]| -> Vec<String> {
        features
            .iter()
            .zip(centre)
            .map(|(name, value)| format!("{name} {}", show.number(*value, 1)))
            .collect()
    };
    let bars = clusters.sizes.iter().zip(&clusters.centres).map(|(size, centre)| Bar {
        name: told(centre).join(", "),
        figure: *size as f64,
        shown: format!("{} ({})", show.count(*size), show.share(*size as f64 / all.max(1) as f64)),
        class: "bar",
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let mut columns: Vec<String> = ["Cluster", "Customers", "Share"].map(Into::into).into();
    columns.extend(features.iter().map(|name| format!("Mean {name}")));
    let rows = clusters.sizes.iter().zip(&clusters.centres).enumerate().map(|(number, (size, centre))| {
        let mut cells = vec![
            Cell::text(format!("{}", number + 1)),
            Cell::count(*size),
            Cell::share(*size as u64, all as u64),
        ];
        cells.extend(centre.iter().take(features.len()).map(|value| Cell::Number(*value, 2)));
        cells
    });
    let table = Table::new("Customers in clusters", columns, rows);
    let axes = "Customers who are alike; a cluster is named by the means of its features.";
    content.blocks.push(Block::Chart(Chart::new("sizes", axes, &bars, table)));
    content.method.push(format!(
        "k-means of features in z-scores, seeded; the squared distances from the centres come to {}.",
        show.number(clusters.inertia, 1)
    ));
    content
}

fn alive(customers: &[(CustomerKey, f64)], model: &str, show: &Show) -> Content {
    let mut content = Content::default();
    let expected: f64 = customers.iter().map(|(_, probability)| probability).sum();
    content.blocks.push(Block::Figures(vec![
        Figure::new("Buyers", Cell::count(customers.len())),
        Figure::new("Expected to be still there", Cell::Number(expected, 0)),
        Figure::new("Share", Cell::Share(expected / customers.len().max(1) as f64)),
    ]));
    if !customers.is_empty() {
        content.finding(format!(
            "Of {} buyers {} are expected to be still there; the others have left without a word.",
            show.count(customers.len()),
            show.number(expected, 0),
        ));
    }
    let mut tenths = [0_u64; 10];
    for (_, probability) in customers {
        tenths[((probability * 10.0) as usize).min(9)] += 1;
    }
    let name = |tenth: usize| format!("{}\u{2013}{} %", tenth * 10, tenth * 10 + 10);
    let series = vec![Series {
        name: "Buyers".to_owned(),
        class: "bar",
        figures: tenths.iter().map(|count| *count as f64).collect(),
    }];
    let columns = Columns { names: (0..10).map(name).collect(), series, shown: &|figure| show.short(figure) };
    let rows = tenths.iter().enumerate().map(|(tenth, count)| {
        vec![Cell::text(name(tenth)), Cell::count(*count), Cell::share(*count, customers.len() as u64)]
    });
    let table =
        Table::new("Buyers by how likely they are still there", ["Probability", "Buyers", "Share"], rows);
    let axes = "Buyers (upwards) by the probability that they are still there (across).";
    content.blocks.push(Block::Chart(Chart::new("tenths", axes, &columns, table)));
    content.method.push(format!(
        "The probability to be alive by {model}, fitted on all purchases up to the report's instant."
    ));
    content
}

/// Within how many days somebody is told to leave soon.
const SOON_DAYS: u32 = 30;

fn silent(customers: &[GapChurnView], as_of: Timestamp, show: &Show) -> Content {
    let mut content = Content::default();
    let told: Vec<_> =
        customers.iter().filter_map(|view| Some((view.has_left?, view.leaves_after?, view))).collect();
    let soon = as_of + Span::from_days(SOON_DAYS);
    let count = |is: &dyn Fn(bool, Timestamp, bool) -> bool| {
        told.iter().filter(|(has_left, last, view)| is(*has_left, *last, view.mean_gap_us.is_some())).count()
    };
    let groups = [
        ("Have left by their own gap", count(&|left, _, has_gap| left && has_gap), "c4"),
        ("Bought once and have left", count(&|left, _, has_gap| left && !has_gap), "c6"),
        ("Leave soon without a purchase", count(&|left, last, _| !left && last <= soon), "c5"),
        ("Are still there for longer", count(&|left, last, _| !left && last > soon), "bar"),
    ];
    let all = told.len() as u64;
    if all > 0 {
        content.finding(format!(
            "{} of {} buyers are silent for longer than their own gaps allow.",
            show.count(groups[0].1 + groups[1].1),
            show.count(all),
        ));
    }
    let bars = groups.iter().map(|(name, count, class)| Bar {
        name: (*name).to_owned(),
        figure: *count as f64,
        shown: format!("{} ({})", show.count(*count), show.share(*count as f64 / all.max(1) as f64)),
        class,
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
    let rows = groups.iter().map(|(name, count, _)| {
        vec![Cell::text(*name), Cell::count(*count), Cell::share(*count as u64, all)]
    });
    let table = Table::new("Buyers by their own gaps", ["Group", "Buyers", "Share"], rows);
    let axes = format!("Buyers; soon is within {SOON_DAYS} days.");
    content.blocks.push(Block::Chart(Chart::new("groups", axes, &bars, table)));
    content.method.push(
        "A buyer has left who is silent for longer than so many times the mean time between its own purchases.".to_owned(),
    );
    content
}

/// The quantile of the normal distribution for 95 %.
const Z: f64 = 1.959963984540054;

fn drivers(fit: &FitReport, outcome: &str, show: &Show) -> Content {
    let mut content = Content::default();
    let features: Vec<_> = fit.estimates.iter().filter(|of| of.name != "intercept").collect();
    let odds = |value: f64| libm::exp(value.clamp(-700.0, 700.0));
    let ranges: Vec<Range> = features
        .iter()
        .map(|of| {
            let (low, high) = (of.value - Z * of.standard_error, of.value + Z * of.standard_error);
            Range {
                name: of.name.clone(),
                figure: Some(odds(of.value)),
                low: odds(low),
                high: odds(high),
                shown: format!("{}\u{a0}\u{d7}", show.number(odds(of.value), 2)),
                tells: low > 0.0 || high < 0.0,
            }
        })
        .collect();
    let sure = ranges.iter().filter(|range| range.tells);
    let far = |range: &&Range| libm::fabs(libm::log(range.figure.unwrap_or(1.0)));
    if let Some(most) = sure.max_by(|a, b| far(a).total_cmp(&far(b))) {
        content.finding(format!(
            "With one more of \u{201c}{}\u{201d} the odds of {outcome} are {}.",
            most.name, most.shown
        ));
    }
    let rows = features.iter().zip(&ranges).map(|(of, range)| {
        vec![
            Cell::text(&of.name),
            Cell::Number(odds(of.value), 3),
            Cell::Number(range.low, 3),
            Cell::Number(range.high, 3),
            Cell::Number(of.value, 4),
            Cell::Number(of.standard_error, 4),
        ]
    });
    let heads = ["Feature", "Times the odds", "At least", "At most", "Coefficient", "Standard error"];
    let table = Table::new(format!("What goes with {outcome}"), heads, rows);
    let intervals = Intervals {
        ranges,
        neutral: 1.0,
        neutral_means: "the same odds",
        axis: Axis::Powers,
        tick: &|tick| format!("{}\u{d7}", show.short(tick)),
    };
    let axes = format!(
        "How many times the odds of {outcome} are with one more of a feature, with the interval it may lie in; hollow dots may be \
         chance. What goes together is no cause."
    );
    content.blocks.push(Block::Chart(Chart::new("odds", axes, &intervals, table)));
    content.method.push(
        "Logistic regression by the largest likelihood; intervals of the normal distribution, 95 %."
            .to_owned(),
    );
    content
}
