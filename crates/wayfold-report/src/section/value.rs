//! What customers bring: concentration, RFM, cohorts, and what is to be expected.

mod cohorts;
mod prediction;
mod rfm;

use wayfold_core::{Currency, CurrencyTotals, Member, MoneySum, Population};

use super::{Management, Section};
use crate::chart::Curve;
use crate::content::{Block, Chart, Content, Figure};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Revenue, refunds and net in a currency, how much of it the best customers bring, and who they are.
    pub fn value(population: &Population, currency: Currency) -> Self {
        let totals = population.summary().totals.into_iter().find(|total| total.currency == currency);
        let buyers = population.top(currency, usize::MAX);
        // Losses count as nothing.
        let net = |member: &&Member| {
            member.value(currency).map_or(0, |value| value.net.as_ten_thousandths().max(0))
        };
        let nets: Vec<i128> = buyers.iter().map(net).collect();
        let best: Vec<Member> = buyers.into_iter().take(BEST).cloned().collect();
        Self::new(Management::Value, "value", format!("Value in {currency}"), move |show| match &totals {
            Some(totals) => content(totals, &nets, &best, show),
            None => nobody(),
        })
    }
}

/// What is said of a currency in which nobody bought.
fn nobody() -> Content {
    let blocks = vec![Block::Figures(vec![Figure::new("Buyers", Cell::Count(0))])];
    Content { blocks, ..Content::default() }
}

fn content(totals: &CurrencyTotals, nets: &[i128], best: &[Member], show: &Show) -> Content {
    let (mut content, currency) = (Content::default(), totals.currency);
    let per =
        |count: u64| MoneySum::new(totals.net.as_ten_thousandths() / i128::from(count.max(1)), currency);
    content.blocks.push(Block::Figures(vec![
        Figure::new("Net value", Cell::Money(totals.net)).with_note(format!(
            "{} revenue, {} refunds",
            show.money_short(totals.revenue),
            show.money_short(totals.refunds)
        )),
        Figure::new("Purchases", Cell::count(totals.purchases)),
        Figure::new("Net per purchase", Cell::Money(per(totals.purchases))),
        Figure::new("Net per buyer", Cell::Money(per(totals.buyers)))
            .with_note(format!("{} buyers", show.count(totals.buyers))),
    ]));
    let all: i128 = nets.iter().sum();
    if all > 0 {
        let tenth = nets.len().div_ceil(10);
        let brought = nets[..tenth].iter().sum::<i128>() as f64 / all as f64;
        content.finding(format!(
            "The best tenth of the buyers brings {} of the net value in {currency}.",
            show.share(brought)
        ));
        content.blocks.push(Block::Chart(concentration(nets, all, show)));
    }
    content.blocks.push(Block::Table(best_table(best, currency)));
    content
}

/// How finely the curve is drawn.
const POINTS: usize = 100;

fn concentration(nets: &[i128], all: i128, show: &Show) -> Chart {
    let up_to: Vec<i128> = nets
        .iter()
        .scan(0, |sum, net| {
            *sum += net;
            Some(*sum)
        })
        .collect();
    let share = |buyers: usize| up_to[..buyers].last().map_or(0.0, |sum| *sum as f64 / all as f64);
    let point = |buyers: usize| (buyers as f64 / nets.len() as f64, share(buyers));
    let places: std::collections::BTreeSet<usize> =
        (0..=POINTS).map(|point| point * nets.len() / POINTS).collect();
    let told = [10, 50].map(|percent| {
        let place = point((nets.len() * percent).div_ceil(100));
        (place, format!("best {percent} %: {}", show.share(place.1)))
    });
    let curve = Curve {
        points: places.into_iter().map(point).collect(),
        across: "share of buyers, the best first",
        up: "share of net value",
        told: told.into(),
    };
    let rows = (1..=10).map(|tenth| {
        let place = (nets.len() * tenth).div_ceil(10);
        vec![Cell::Share(tenth as f64 / 10.0), Cell::count(place), Cell::Share(share(place))]
    });
    let table =
        Table::new("How concentrated the value is", ["Best share", "Buyers", "Of the net value"], rows);
    Chart::new(
        "concentration",
        "Share of net value by share of buyers, in percent; losses count as nothing. Dashed: if all brought the same.",
        &curve,
        table,
    )
}

/// So many of the best customers are named.
const BEST: usize = 20;

fn best_table(best: &[Member], currency: Currency) -> Table {
    let rows = best.iter().filter_map(|member| {
        let value = member.value(currency)?;
        Some(vec![
            Cell::text(member.key.customer.as_str()),
            Cell::text(crate::show::worded(member.lifecycle.as_str())),
            Cell::count(value.purchases),
            Cell::Money(value.net),
            value.average.map_or(Cell::Empty, Cell::Money),
            value.last_purchase_at.map_or(Cell::Empty, Cell::Instant),
        ])
    });
    let heads = ["Customer", "Stage", "Purchases", "Net", "Average order", "Last purchase"];
    Table::new(format!("The best {} customers", best.len()), heads, rows).opened()
}
