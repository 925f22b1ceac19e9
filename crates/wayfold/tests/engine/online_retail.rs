//! UCI Online Retail, 541,909 invoice lines, through import and engine: every answer of the reference to the digit.
//!
//! The reference looks at P: lines with a customer, not on C invoices, with a positive quantity and price; its
//! dates are exclusive, and its lifecycle is not ours, so it is written here as a projection of one's own.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use wayfold::blocking::Wayfold;
use wayfold::ingest::{CsvImport, EventSource, ImportOptions, Mapping, Progress};
use wayfold::{
    Builder, Currency, CustomerAt, CustomerKey, EventKind, EventView, Handle, MemoryStore, Projection, Rules,
    Span, TieRule, Timestamp,
};
use wayfold_testkit::real_data;

/// Keeps when a customer bought and whether it brought goods back, and first.
struct Trace;

#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
struct Traced {
    lines: u64,
    returns: u64,
    returned_first: bool,
}

/// The times of a customer's purchases, and what was traced.
#[derive(serde::Serialize)]
struct TraceView {
    purchases: Vec<Timestamp>,
    traced: Traced,
}

impl Projection for Trace {
    type State = Traced;
    type View = TraceView;

    fn name(&self) -> &str {
        "trace"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, traced: &mut Traced, event: &EventView<'_>) {
        traced.lines += event.lines().count() as u64;
        if event.kind() == EventKind::Returned {
            traced.returned_first |= traced.lines == 0;
            traced.returns += 1;
        }
    }

    fn view(&self, traced: &Traced, customer: &CustomerAt<'_>) -> TraceView {
        let purchases = customer.purchases().iter().map(|purchase| purchase.placed_at).collect();
        TraceView { purchases, traced: traced.clone() }
    }

    fn holds_until(&self, _traced: &Traced, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// The reference's lifecycle of who has bought, by the first and the last purchase.
fn reference_state(purchases: &[Timestamp], date: Timestamp) -> &'static str {
    let within = |at: Timestamp, days| date.since(at) <= Span::from_days(days);
    match (purchases.first(), purchases.last()) {
        (Some(first), _) if within(*first, 30) => "new",
        (_, Some(last)) if within(*last, 90) => "active",
        (_, Some(last)) if within(*last, 180) => "lapsing",
        _ => "lapsed",
    }
}

struct Replayed {
    wayfold: Wayfold,
    trace: Handle<Trace>,
    progress: Progress,
    reference: Value,
}

impl Replayed {
    fn expected(&self, answer: &str) -> &Value {
        &self.reference["answers"][answer]["value"]
    }

    #[track_caller]
    fn check(&self, answer: &str, found: impl Into<Value>) {
        assert_eq!(found.into(), *self.expected(answer), "{answer}");
    }

    fn traces(&self, as_of: Timestamp) -> Vec<(CustomerKey, TraceView)> {
        self.wayfold.own_views(self.trace, as_of).unwrap().into_vec()
    }
}

fn end() -> Timestamp {
    Timestamp::parse("2011-12-10").unwrap()
}

fn replay(test: &str, mapping: &str) -> Option<Replayed> {
    let file = real_data(test, "online-retail/online_retail.csv.gz")?;
    let reference = std::fs::read(real_data(test, "online-retail/reference.json")?).unwrap();
    let mapping = Mapping::load(mappings().join(mapping)).unwrap();
    let mut source = CsvImport::open(mapping, file, ImportOptions::default()).unwrap();
    let mut builder = Builder::new(Rules::default()).unwrap();
    let trace = builder.register(Trace).unwrap();
    let wayfold = builder.open_blocking(MemoryStore::new()).unwrap();
    wayfold.import(&mut source).unwrap();
    let reference = serde_json::from_slice(&reference).unwrap();
    Some(Replayed { wayfold, trace, progress: source.progress(), reference })
}

pub(crate) fn mappings() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/mappings")
}

/// Quantiles as the reference defines them: linear as numpy's type 7, nearest rank as the ceil(q * n)-th smallest.
fn distribution(mut values: Vec<i64>) -> Value {
    values.sort_unstable();
    let linear = |tenths: usize| {
        let place = tenths * (values.len() - 1);
        let (low, rest) = (place / 10, (place % 10) as i64);
        let high = values[(low + 1).min(values.len() - 1)];
        // In tenths the interpolation is exact, so that nothing is lost before the one division.
        (values[low] * 10 + (high - values[low]) * rest) as f64 / 10.0
    };
    let nearest = values[(values.len() * 9).div_ceil(10) - 1];
    json!({
        "n": values.len(), "median_linear": linear(5), "p90_linear": linear(9), "p90_nearest_rank": nearest,
        "min": values[0], "max": values[values.len() - 1],
    })
}

#[test]
fn purchases_give_the_reference_answers() {
    let Some(replayed) = replay("purchases_give_the_reference_answers", "online_retail_purchases.toml")
    else {
        return;
    };
    let traces = replayed.traces(end());
    let population = replayed.wayfold.population(end()).unwrap();
    let totals = &population.summary().totals[0];

    replayed.check("rows", replayed.progress.rows);
    replayed.check("rows_without_customer", replayed.progress.skipped_by_reason["no customer"]);
    replayed.check("P_rows", traces.iter().map(|(_, view)| view.traced.lines).sum::<u64>());
    replayed.check("P_orders", totals.purchases);
    replayed.check("P_gross_revenue", totals.revenue.to_decimal());
    replayed.check("P_customers", totals.buyers);

    let counts: Vec<i64> = traces.iter().map(|(_, view)| view.purchases.len() as i64).collect();
    replayed.check("P_customers_2plus_orders", counts.iter().filter(|count| **count >= 2).count());
    replayed.check("P_orders_per_customer", distribution(counts.clone()));
    let mut histogram: BTreeMap<String, u64> = BTreeMap::new();
    counts.iter().for_each(|count| *histogram.entry(count.min(&10).to_string()).or_default() += 1);
    replayed.check("P_frequency_histogram", json!(histogram));

    let seconds = |pair: &[Timestamp]| pair[1].since(pair[0]).as_micros() / 1_000_000;
    let gaps = traces.iter().flat_map(|(_, view)| view.purchases.windows(2).map(seconds).collect::<Vec<_>>());
    replayed.check("P_inter_order_seconds", distribution(gaps.collect()));

    let top = population.top(Currency::GBP, 10).into_iter().map(|member| {
        let customer: u64 = member.key.customer.as_str().parse().unwrap();
        json!([customer, member.value(Currency::GBP).unwrap().revenue.to_decimal()])
    });
    replayed.check("P_top10_customers", top.collect::<Vec<_>>());

    for (answer, ties) in [("rfm_tie_preserving_sizes", TieRule::Shared), ("rfm_ntile_sizes", TieRule::Ntile)]
    {
        let by_score =
            |sizes: [u64; 5]| (1..).map(|score: u8| score.to_string()).zip(sizes).collect::<BTreeMap<_, _>>();
        let [recency, frequency, monetary] = population.rfm(Currency::GBP, ties).sizes().map(by_score);
        replayed.check(answer, json!({ "R": recency, "F": frequency, "M": monetary }));
    }
}

#[test]
fn the_reference_lifecycle_is_a_projection_of_ones_own() {
    let Some(replayed) =
        replay("the_reference_lifecycle_is_a_projection_of_ones_own", "online_retail_purchases.toml")
    else {
        return;
    };
    let everybody = replayed.traces(end()).len();
    let mut answers = BTreeMap::new();
    for text in ["2011-03-01", "2011-06-01"] {
        // The reference takes orders strictly before the date; ours are up to and including the instant.
        let date = Timestamp::parse(text).unwrap();
        let traces = replayed.traces(date.previous());
        let totals = &replayed.wayfold.population(date.previous()).unwrap().summary().totals[0];
        let mut states = BTreeMap::from([("prospect", everybody - traces.len())]);
        traces
            .iter()
            .for_each(|(_, view)| *states.entry(reference_state(&view.purchases, date)).or_default() += 1);
        answers.insert(
            text,
            json!({ "orders": totals.purchases, "revenue": totals.revenue.to_decimal(), "states": states }),
        );
    }
    replayed.check("lifecycle_as_of", json!(answers));
}

#[test]
fn all_rows_with_a_customer_give_the_reference_sums() {
    let Some(replayed) = replay("all_rows_with_a_customer_give_the_reference_sums", "online_retail.toml")
    else {
        return;
    };
    let traces = replayed.traces(end());
    let totals = &replayed.wayfold.population(end()).unwrap().summary().totals[0];
    replayed.check("rows", replayed.progress.rows);
    replayed.check("customers", traces.len());
    replayed.check("net_revenue_identified", totals.net.to_decimal());
    replayed.check("return_value_identified", format!("-{}", totals.refunds.to_decimal()));
    replayed
        .check("customers_with_return", traces.iter().filter(|(_, view)| view.traced.returns > 0).count());
    let returned_first = traces.iter().filter(|(_, view)| view.traced.returned_first).count();
    replayed.check("customers_return_before_any_purchase", returned_first);
}
