//! Prices: how deep discounts go and what they leave, and how many more units a lower price sells.

use wayfold_core::{Amount, Currency, Money};
use wayfold_insight::{DiscountRow, PriceResponse, ProductResponse};

use super::{Management, Section};
use crate::chart::{Axis, Bar, Bars, Intervals, Range};
use crate::content::{Block, Chart, Content, drawn};
use crate::show::Show;
use crate::table::{Cell, Table};

impl Section {
    /// Orders by the depth of their discount, and of products how units follow the price.
    pub fn prices(discounts: Vec<DiscountRow>, responses: Vec<ProductResponse>, currency: Currency) -> Self {
        Self::new(Management::Value, "prices", "Prices and discounts", move |show| {
            let mut content = depth(&discounts, currency, show);
            follow(&responses, currency, show, &mut content);
            content
        })
    }
}

/// More rows than these make no picture.
const ROWS: usize = 15;

fn money(amount: Amount, currency: Currency) -> Cell {
    Cell::Money(Money::new(amount, currency).into())
}

fn with_segment(name: &str, segment: Option<&String>) -> String {
    segment.map_or_else(|| name.to_owned(), |segment| format!("{segment}: {name}"))
}

fn band(row: &DiscountRow) -> String {
    let band = match (row.from_percent, row.below_percent) {
        (None, _) => "No discount".to_owned(),
        (Some(from), Some(below)) => format!("{from} to {below} %"),
        (Some(from), None) => format!("{from} % and more"),
    };
    with_segment(&band, row.segment.as_ref())
}

fn depth(rows: &[DiscountRow], currency: Currency, show: &Show) -> Content {
    let mut content = Content::default();
    let units = |of: Amount| of.as_ten_thousandths() as f64 / 1e4;
    let off: f64 = rows.iter().map(|row| units(row.discount).max(0.0)).sum();
    let paid: f64 = rows.iter().map(|row| units(row.revenue)).sum();
    if off > 0.0 {
        content.finding(format!(
            "Discounts take {} {currency} off list prices, {} of them.",
            show.short(off),
            show.share(off / (off + paid))
        ));
    }
    let bars = rows.iter().map(|row| Bar {
        name: band(row),
        figure: row.order_share.0,
        shown: format!("{} ({})", show.share(row.order_share.0 / 100.0), show.count(row.orders)),
        class: if row.from_percent.is_some() { "bar" } else { "c6" },
    });
    let bars = Bars { bars: bars.collect(), tick: &|tick| format!("{} %", show.number(tick, 0)) };
    let cells = rows.iter().map(|row| {
        vec![
            Cell::text(band(row)),
            Cell::count(row.orders),
            Cell::Share(row.order_share.0 / 100.0),
            Cell::Share(row.order_share.1.low / 100.0),
            Cell::Share(row.order_share.1.high / 100.0),
            money(row.revenue, currency),
            Cell::Share(row.revenue_share / 100.0),
            money(row.discount, currency),
            row.margin.map_or(Cell::Empty, |margin| money(margin, currency)),
            row.margin_percent.map_or(Cell::Empty, |percent| Cell::Share(percent / 100.0)),
        ]
    });
    let heads = [
        "Discount",
        "Orders",
        "Share of orders",
        "At least",
        "At most",
        "Paid",
        "Share of what was paid",
        "Taken off",
        "Margin",
        "Margin of what was paid",
    ];
    let table = Table::new("Orders by discount", heads, cells);
    content.blocks.push(Block::Chart(Chart::new(
        "depth",
        "Orders with list prices, in percent.",
        &bars,
        table,
    )));
    content
}

fn follow(responses: &[ProductResponse], currency: Currency, show: &Show, content: &mut Content) {
    let told = |of: &ProductResponse| {
        let response = of.response.as_ref().ok()?.clone();
        Some((with_segment(&of.product, of.segment.as_ref()), response))
    };
    let mut told: Vec<(String, PriceResponse)> = responses.iter().filter_map(told).collect();
    if told.is_empty() {
        return;
    }
    // It is stable, so that equal ones stay by name.
    told.sort_by_key(|(_, response)| std::cmp::Reverse(response.units));
    // 95 of a hundred intervals of a normal distribution hold the figure.
    let ends = |of: &PriceResponse| {
        let half = 1.96 * of.elasticity.standard_error;
        [of.elasticity.value - half, of.elasticity.value + half]
    };
    let range = |(name, response): &(String, PriceResponse)| {
        let [low, high] = ends(response);
        Range {
            name: name.clone(),
            figure: Some(response.elasticity.value),
            low,
            high,
            shown: show.number(response.elasticity.value, 2),
            tells: low > 0.0 || high < 0.0,
        }
    };
    let ranges: Vec<Range> = told.iter().take(ROWS).map(range).collect();
    let least = ranges.iter().map(|of| of.low).fold(-1.0, f64::min);
    let most = ranges.iter().map(|of| of.high).fold(1.0, f64::max);
    let intervals = Intervals {
        ranges,
        neutral: 0.0,
        neutral_means: "as many",
        axis: Axis::Even([least.floor(), most.ceil()]),
        tick: &|tick| show.number(tick, 1),
    };
    let rows = told.iter().map(|(name, of)| {
        let [low, high] = ends(of);
        vec![
            Cell::text(name),
            Cell::count(of.units),
            Cell::count(of.periods),
            money(of.price_min, currency),
            money(of.price_max, currency),
            Cell::Number(of.elasticity.value, 2),
            Cell::Number(low, 2),
            Cell::Number(high, 2),
            Cell::Share(of.r_squared),
        ]
    });
    let heads = [
        "Product",
        "Units",
        "Periods",
        "Lowest price",
        "Highest price",
        "Units per 1 % of price, in %",
        "At least",
        "At most",
        "Explained",
    ];
    let table = Table::new("How units follow prices", heads, rows);
    let axes = format!(
        "Per cent by which units change where the price is one per cent higher, with the interval it may lie in; hollow dots may \
         be chance.{}",
        drawn(ROWS, told.len(), "products, those sold most")
    );
    content.blocks.push(Block::Chart(Chart::new("response", axes, &intervals, table)));
    content
        .method
        .push("Season and promotions move units too, and so what they seem to owe to the price.".to_owned());
}
