//! The CDNOW sample as events, folded, and short ways to compare.

use std::path::Path;

use wayfold_core::{
    Currency, CustomerKey, EventBatch, EventId, Fold, JourneyEvent, Money, OrderPlaced, ProjectionSet, Rules,
    Span, Tag, Tenant, Timestamp,
};
use wayfold_insight::{BuyingDays, BuyingDaysView, BuyingHistory, Cells, SpendHistory};

pub(crate) const fn weeks(weeks: u32) -> Span {
    Span::from_days(7 * weeks)
}

/// So many hundredths of a week.
pub(crate) const fn centiweeks(hundredths: i64) -> Span {
    Span::from_micros(hundredths * 6_048_000_000)
}

pub(crate) fn history(repeats: u32, recency: Span, age: Span) -> BuyingHistory {
    BuyingHistory::new(repeats, recency, age).unwrap()
}

#[track_caller]
pub(crate) fn close(found: f64, expected: f64, relative: f64) {
    let error = (found - expected).abs();
    assert!(
        error <= relative * expected.abs(),
        "{found} is not {expected} within {relative}, but by {error:e}"
    );
}

/// The last instant of the 39 weeks on which models are fitted.
pub(crate) fn calibration_end() -> Timestamp {
    Timestamp::parse("1997-10-01").unwrap().previous()
}

/// The last instant of the 39 weeks after them.
pub(crate) fn end() -> Timestamp {
    Timestamp::parse("1998-07-01").unwrap().previous()
}

/// The buying days of the 2,357 customers as of an instant.
pub(crate) fn cdnow(as_of: Timestamp) -> Vec<(CustomerKey, BuyingDaysView)> {
    let mut projections = ProjectionSet::new(Rules::default()).unwrap();
    let buying = projections.register(BuyingDays::new(Currency::USD)).unwrap();
    let mut fold = Fold::new(&projections).with_as_of(as_of);
    let applied = fold.apply(&[EventBatch::from_events(&purchases()).unwrap()]);
    assert!(applied.refolds.is_empty());
    fold.own_views(buying, &Tenant::default(), as_of).unwrap().into_vec()
}

/// The cells that models are fitted on.
pub(crate) fn calibration_cells() -> Cells<BuyingHistory> {
    let views = cdnow(calibration_end());
    views.iter().map(|(_, view)| view.history(calibration_end()).unwrap().unwrap()).collect()
}

pub(crate) fn calibration_spend() -> Cells<SpendHistory> {
    cdnow(calibration_end()).iter().map(|(_, view)| view.spend().unwrap()).collect()
}

pub(crate) fn purchases() -> Vec<JourneyEvent> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/data/cdnow_sample.txt");
    let text = std::fs::read_to_string(file).unwrap();
    let purchase = |(row, line): (usize, &str)| {
        let cells: Vec<&str> = line.split_ascii_whitespace().collect();
        let [_, customer, date, _, dollars] = cells[..] else { panic!("row {row}: {line}") };
        let at = Timestamp::parse(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..])).unwrap();
        let amount = Money::parse(dollars, Currency::USD).unwrap();
        let body = OrderPlaced { lines: vec![], amount, promised_at: None };
        let (id, key) = (EventId::from_u128(row as u128), CustomerKey::new(customer).unwrap());
        JourneyEvent::new(id, key, at, body).with_tag(Tag::order(row.to_string()).unwrap())
    };
    text.lines().enumerate().map(purchase).collect()
}
