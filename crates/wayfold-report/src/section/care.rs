//! What to do next for customers, and whom to contact when.

use std::collections::BTreeMap;

use wayfold_insight::{CareDue, CareOccasion, NextAction, WhyNot};

use super::{Management, Section};
use crate::chart::{Bar, Bars};
use crate::content::{Block, Chart, Content, Figure, drawn};
use crate::show::{Show, worded};
use crate::table::{Cell, Table};

impl Section {
    /// The next best action of each customer: how many there are of each, and what is left out why.
    pub fn next_actions(next: &[NextAction]) -> Self {
        let next = Next::of(next);
        Self::new(Management::Relationship, "next", "What to do next", move |show| next.content(show))
    }

    /// Whom to contact when, in the order of a list of the care calendar.
    pub fn care(due: Vec<CareDue>) -> Self {
        Self::new(Management::Relationship, "care", "Care calendar", move |show| care(&due, show))
    }
}

/// More rows than these make no picture.
const ROWS: usize = 15;

/// Next actions counted.
struct Next {
    customers: u64,
    /// Playbook, action and goal, the most frequent first.
    actions: Vec<([String; 3], u64)>,
    /// Why actions are left out, and for how many customers.
    left_out: BTreeMap<&'static str, u64>,
}

impl Next {
    fn of(next: &[NextAction]) -> Self {
        let mut actions: BTreeMap<[String; 3], u64> = BTreeMap::new();
        let mut left_out: BTreeMap<&'static str, u64> = BTreeMap::new();
        for next in next {
            if let Some(of) = &next.action {
                *actions.entry([of.playbook.clone(), of.name.clone(), of.goal.clone()]).or_default() += 1;
            }
            let mut reasons: Vec<&str> = next.passed_over.iter().map(|of| reason(&of.why)).collect();
            reasons.sort_unstable();
            reasons.dedup();
            reasons.into_iter().for_each(|why| *left_out.entry(why).or_default() += 1);
        }
        let mut actions: Vec<_> = actions.into_iter().collect();
        // It is stable, so that equal ones stay by name.
        actions.sort_by_key(|(_, customers)| std::cmp::Reverse(*customers));
        Self { customers: next.len() as u64, actions, left_out }
    }

    fn content(&self, show: &Show) -> Content {
        let mut content = Content::default();
        let busy: u64 = self.actions.iter().map(|(_, customers)| customers).sum();
        content.blocks.push(Block::Figures(vec![
            Figure::new("Customers", Cell::count(self.customers)),
            Figure::new("With something to do", Cell::count(busy)),
        ]));
        if let Some(([_, name, goal], customers)) = self.actions.first() {
            content.finding(format!(
                "What is to be done for most, {} customers: {}, {goal}.",
                show.count(*customers),
                name.replace('_', " "),
            ));
        }
        if let Some(customers) = self.left_out.get(NO_CONSENT) {
            content.finding(format!(
                "For {} customers something is left out because they did not consent to it.",
                show.count(*customers)
            ));
        }
        let bars = self.actions.iter().take(ROWS).map(|([playbook, name, _], customers)| Bar {
            name: format!("{}: {}", worded(playbook), name.replace('_', " ")),
            figure: *customers as f64,
            shown: show.count(*customers),
            class: "bar",
        });
        let bars = Bars { bars: bars.collect(), tick: &|tick| show.short(tick) };
        let rows = self.actions.iter().map(|([playbook, name, goal], customers)| {
            let cells = [playbook, name, goal].map(Cell::text);
            cells
                .into_iter()
                .chain([Cell::count(*customers), Cell::share(*customers, self.customers)])
                .collect()
        });
        let heads = ["Playbook", "Action", "Goal", "Customers", "Of all"];
        let table = Table::new("Next actions", heads, rows).opened();
        let axes = format!(
            "Customers by what to do next.{}",
            drawn(ROWS, self.actions.len(), "actions, the most frequent")
        );
        if !self.actions.is_empty() {
            content.blocks.push(Block::Chart(Chart::new("actions", axes, &bars, table)));
        }
        let rows =
            self.left_out.iter().map(|(why, customers)| vec![Cell::text(*why), Cell::count(*customers)]);
        let table = Table::new("What is left out for now", ["Why", "Customers"], rows);
        content.blocks.push(Block::Table(table));
        content.method.push(
            "The first action, of the first playbook that is for a customer, that is not done, not forbidden and not held out."
                .to_owned(),
        );
        content
    }
}

const NO_CONSENT: &str = "They did not consent to it";

fn reason(why: &WhyNot) -> &'static str {
    match why {
        WhyNot::Done { .. } => "It was done",
        WhyNot::NoConsent { .. } => NO_CONSENT,
        WhyNot::ConsentWithdrawn { .. } => "They withdrew their consent",
        WhyNot::HeldOut { .. } => "They are left out so that the effect can be measured",
    }
}

fn occasion(of: CareOccasion) -> &'static str {
    match of {
        CareOccasion::Birthday => "Birthday",
        CareOccasion::Holiday => "Holiday",
        CareOccasion::ReturnVisit => "Return visit",
        CareOccasion::Silent => "Silence",
        CareOccasion::End => "Something ends",
    }
}

fn care(due: &[CareDue], show: &Show) -> Content {
    let mut content = Content::default();
    let mut names: BTreeMap<(CareOccasion, &str), [u64; 2]> = BTreeMap::new();
    for of in due {
        let [all, open] = names.entry((of.occasion, &of.name)).or_default();
        (*all, *open) = (*all + 1, *open + u64::from(of.done_at.is_none()));
    }
    let open: u64 = names.values().map(|[_, open]| open).sum();
    if !due.is_empty() {
        content.finding(format!(
            "{} of {} contacts that fall due are open.",
            show.count(open),
            show.count(due.len())
        ));
    }
    let bars = names.iter().map(|((_, name), [all, open])| Bar {
        name: (*name).to_owned(),
        figure: *all as f64,
        shown: format!("{} ({} open)", show.count(*all), show.count(*open)),
        class: "bar",
    });
    let bars = Bars { bars: bars.take(ROWS).collect(), tick: &|tick| show.short(tick) };
    let rows = names.iter().map(|((of, name), [all, open])| {
        vec![Cell::text(*name), Cell::text(occasion(*of)), Cell::count(*all), Cell::count(*open)]
    });
    let table = Table::new("Contacts by occasion", ["Occasion", "Sort", "Due", "Open"], rows);
    let axes = format!("Contacts that fall due.{}", drawn(ROWS, names.len(), "occasions"));
    content.blocks.push(Block::Chart(Chart::new("occasions", axes, &bars, table)));
    let rows = due.iter().map(|of| {
        vec![
            Cell::text(of.customer.customer.as_str()),
            Cell::Day(of.on),
            Cell::text(&of.name),
            of.order.as_ref().map_or(Cell::Empty, |order| Cell::text(order.as_str())),
            of.done_at.map_or(Cell::Empty, Cell::Instant),
        ]
    });
    let heads = ["Customer", "On", "Occasion", "Order", "Done"];
    content.blocks.push(Block::Table(Table::new("Whom to contact when", heads, rows)));
    content
}
