//! Campaigns and offers: who ordered after them and at what cost, and what one did beside customers without it.

use wayfold_core::{Amount, Currency, Money};
use wayfold_insight::{CampaignRow, CampaignStep, Effect, EffectDifference, EffectGroup};

use super::{Management, Section};
use crate::chart::{Axis, Intervals, Range};
use crate::content::{Block, Chart, Content, drawn};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// How far customers came with campaigns, offers, channels or whatever the rows tell apart, and what came of the money.
    pub fn campaigns(rows: Vec<CampaignRow>, currency: Currency) -> Self {
        Self::new(Management::Relationship, "campaigns", "Campaigns and offers", move |show| {
            campaigns(&rows, currency, show)
        })
    }

    /// What a campaign, offer or strategy did beside customers without it.
    pub fn effect(effect: Effect, currency: Currency) -> Self {
        Self::new(Management::Relationship, "effect", "Effect", move |show| did(&effect, currency, show))
    }
}

/// More rows than these make no picture.
const ROWS: usize = 15;

fn money(amount: Amount, currency: Currency) -> Cell {
    Cell::Money(Money::new(amount, currency).into())
}

/// What a row tells apart, in a word or several.
fn name(row: &CampaignRow) -> String {
    let parts = [
        row.campaign.clone(),
        row.offer.clone(),
        row.channel.map(|channel| channel.to_string()),
        row.segment.clone(),
        row.starts_on.map(|day| day.to_string()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() { "not named".to_owned() } else { parts.join(", ") }
}

fn rate(step: &CampaignStep) -> Cell {
    step.rate.map_or(Cell::Empty, |(rate, _)| Cell::Share(rate / 100.0))
}

fn campaigns(rows: &[CampaignRow], currency: Currency, show: &Show) -> Content {
    let mut content = Content::default();
    let back = rows.iter().filter_map(|row| Some((row, row.return_percent?)));
    if let Some((row, percent)) =
        back.min_by(|a, b| a.1.total_cmp(&b.1)).filter(|(_, percent)| *percent < 0.0)
    {
        content.finding(format!(
            "{} brought {} less than it cost, if all that was ordered after it came of it.",
            name(row),
            show.share(-percent / 100.0)
        ));
    }
    // What customers only reacted to makes no picture.
    let begun = rows.iter().filter(|row| row.sent.events + row.issued.events > 0);
    let ordered = begun.filter_map(|row| Some((row, row.ordered.rate?)));
    let ranges = ordered.map(|(row, (rate, ends))| Range {
        name: name(row),
        figure: Some(rate),
        low: ends.low,
        high: ends.high,
        shown: show.share(rate / 100.0),
        tells: true,
    });
    let intervals = Intervals {
        ranges: ranges.take(ROWS).collect(),
        neutral: 0.0,
        neutral_means: "nobody",
        axis: Axis::Even([0.0, 100.0]),
        tick: &|tick| format!("{} %", show.number(tick, 0)),
    };
    let axes = format!(
        "Customers who ordered within the window, in percent of those reached, with the interval it may lie in.{}",
        drawn(intervals.ranges.len(), rows.len(), "rows, of which something was sent or offered")
    );
    content.blocks.push(Block::Chart(Chart::new("ordered", axes, &intervals, table(rows, currency))));
    content.method.push(
        "A purchase counts once: for the redeemed offer that names it, else for the newest touch within the window. That it \
         follows is not that it comes of it; a group that is left out by lot tells that."
            .to_owned(),
    );
    content
}

fn table(rows: &[CampaignRow], currency: Currency) -> Table {
    let cells = rows.iter().map(|row| {
        vec![
            Cell::text(name(row)),
            Cell::count(row.customers),
            Cell::count(row.sent.customers),
            rate(&row.opened),
            rate(&row.clicked),
            rate(&row.unsubscribed),
            Cell::count(row.issued.customers),
            rate(&row.redeemed),
            Cell::count(row.ordered.customers),
            rate(&row.ordered),
            money(row.net, currency),
            row.cost.map_or(Cell::Empty, |cost| money(cost, currency)),
            row.return_percent.map_or(Cell::Empty, |percent| Cell::Share(percent / 100.0)),
        ]
    });
    let heads = [
        "Campaign",
        "Customers",
        "Were sent something",
        "Opened",
        "Clicked",
        "Unsubscribed",
        "Were offered something",
        "Redeemed",
        "Ordered",
        "Share ordered",
        "Net",
        "Cost",
        "Return",
    ];
    Table::new("From sent to ordered", heads, cells)
}

fn did(effect: &Effect, currency: Currency, show: &Show) -> Content {
    let mut content = Content::default();
    let told = |of: &EffectDifference| if of.tells() { "beyond chance" } else { "which may be chance" };
    content.finding(format!(
        "Of treated customers {} bought, of the others {}: {} points apart, {}.",
        show.share(effect.treated.conversion.0 / 100.0),
        show.share(effect.others.conversion.0 / 100.0),
        show.number(effect.conversion.value, 1),
        told(&effect.conversion),
    ));
    let sides = [("Treated", &effect.treated), ("Others", &effect.others)];
    let range = |(name, group): (&str, &EffectGroup)| Range {
        name: name.to_owned(),
        figure: Some(group.conversion.0),
        low: group.conversion.1.low,
        high: group.conversion.1.high,
        shown: show.share(group.conversion.0 / 100.0),
        tells: effect.conversion.tells(),
    };
    let intervals = Intervals {
        ranges: sides.map(range).into(),
        neutral: 0.0,
        neutral_means: "nobody",
        axis: Axis::Even([0.0, 100.0]),
        tick: &|tick| format!("{} %", show.number(tick, 0)),
    };
    let rows = sides.map(|(name, group)| {
        vec![
            Cell::text(name),
            Cell::count(group.customers),
            Cell::count(group.reached),
            Cell::count(group.buyers),
            Cell::Share(group.conversion.0 / 100.0),
            money(group.net, currency),
            Cell::Number(group.mean_net, 2),
        ]
    });
    let heads = ["Group", "Customers", "Reached", "Buyers", "Share who bought", "Net", "Net a customer"];
    let axes = "Customers who bought in percent, with the interval it may lie in; hollow dots may be chance.";
    content.blocks.push(Block::Chart(Chart::new(
        "bought",
        axes,
        &intervals,
        Table::new("Who bought", heads, rows),
    )));
    let row = |name: &str, of: &EffectDifference| {
        let end = |end: Option<f64>| end.map_or(Cell::Empty, |end| Cell::Number(end, 2));
        vec![
            Cell::text(name),
            Cell::Number(of.value, 2),
            end(of.interval.map(|ends| ends.low)),
            end(of.interval.map(|ends| ends.high)),
            of.p_value.map_or(Cell::Empty, |p| Cell::Number(p, 4)),
            Cell::text(if of.is_rough { "few customers: rough" } else { "" }),
        ]
    };
    let rows = [
        row("Share who bought, in points", &effect.conversion),
        row(&format!("Net a customer, in {currency}"), &effect.money),
    ];
    let heads = ["Treated less others", "Difference", "At least", "At most", "By chance", "Remark"];
    content.blocks.push(Block::Table(Table::new("What it did", heads, rows).opened()));
    content
}
