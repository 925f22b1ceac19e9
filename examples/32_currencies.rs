//! What did a shop that sells in three currencies earn, in one? Every amount is converted at the rate of its own day, and
//! what has no rate is named instead of counted as nothing.

use wayfold::insight::{BucketUnit, Calendar, ConvertedTotal, ConvertedValue, MissingDay, RateTable, Tz};
use wayfold::{
    Builder, Currency, CustomerKey, EventBody, EventId, JourneyEvent, Money, OrderCancelled, OrderPlaced,
    Refunded, Rules, Tag, Timestamp,
};
use wayfold_examples::store;

/// Rates of euros for one unit, made up for this example. 30 and 31 March 2024 are a weekend; no bank publishes any then.
const RATES: [(&str, &str, &str); 5] = [
    ("USD", "2024-03-28", "0.925"),
    ("USD", "2024-03-29", "0.9268"),
    ("USD", "2024-04-02", "0.931"),
    ("JPY", "2024-03-29", "0.0061231"),
    ("JPY", "2024-04-02", "0.00613"),
];

fn main() -> anyhow::Result<()> {
    let wayfold = Builder::new(Rules::default())?.on_demand().open_blocking(store()?)?;
    wayfold.append(&events()?)?;
    let as_of = Timestamp::parse("2024-05-01")?;
    let measure = |missing| -> anyhow::Result<ConvertedValue> {
        let mut rates = RateTable::new(Currency::EUR, Tz::Europe__Berlin, missing);
        for (currency, day, rate) in RATES {
            rates.set(Currency::new(currency)?, day.parse()?, rate)?;
        }
        Ok(ConvertedValue::new(rates, Calendar::new(Tz::Europe__Berlin, BucketUnit::Month)))
    };

    // The rate of Friday stands in on Saturday and Sunday.
    let lenient = measure(MissingDay::LastKnown { days_max: 3 })?;
    let total = wayfold.measure(&lenient, as_of)?;
    let rows = tell(&lenient, &total);
    // March: 100 USD on Thursday are 92.50, 40 EUR, 12,345 yen on Saturday are 75.5896695 and so 75.5897. The
    // order of 1 April, 00:30 in Berlin, is March still in New York and April here.
    let march = ["208.0897", "0", "208.0897"];
    // April: 10 USD on the 1st at Friday's rate are 9.268; 50 USD given back on the 2nd are 46.55. What was cancelled is none.
    let april = ["9.268", "46.55", "-37.282"];
    assert_eq!(
        rows,
        [("2024-03-01", march), ("2024-04-01", april)]
            .map(|(day, figures)| (day.to_owned(), figures.map(str::to_owned)))
    );
    // Of the pounds there is no rate at all, and of the dollars of 20 April none of the last three days.
    let missing: Vec<_> =
        total.missing().map(|(currency, day, count)| format!("{count} in {currency} of {day}")).collect();
    println!("not converted: {}", missing.join(", "));
    assert_eq!(missing, ["1 in GBP of 2024-03-28", "1 in USD of 2024-04-20"]);

    // Who wants no rate of another day says so, and hears of two more.
    let strict = measure(MissingDay::Refuse)?;
    let total = wayfold.measure(&strict, as_of)?;
    let rows = tell(&strict, &total);
    assert_eq!(rows[0].1, ["132.5", "0", "132.5"]);
    assert_eq!(total.missing().count(), 4);
    Ok(())
}

fn tell(measure: &ConvertedValue, total: &ConvertedTotal) -> Vec<(String, [String; 3])> {
    let rows = measure.report(total).into_iter().map(|row| {
        println!("{}: revenue {}, refunds {}, net {}", row.starts_on, row.revenue, row.refunds, row.net);
        (row.starts_on.to_string(), [row.revenue, row.refunds, row.net].map(|amount| amount.to_string()))
    });
    rows.collect()
}

fn events() -> anyhow::Result<Vec<JourneyEvent>> {
    let event = |rule, order: &str, at: &str, body: EventBody| -> anyhow::Result<JourneyEvent> {
        let id = EventId::from_natural_key("shop", rule, &[order]);
        let event = JourneyEvent::new(id, CustomerKey::new("ada")?, Timestamp::parse(at)?, body);
        Ok(event.with_tag(Tag::order(order)?))
    };
    let placed = |order, at, money, currency: &str| -> anyhow::Result<JourneyEvent> {
        let amount = Money::parse(money, Currency::new(currency)?)?;
        event("order", order, at, OrderPlaced { lines: vec![], amount, promised_at: None }.into())
    };
    let refund = Refunded { amount: Money::parse("50", Currency::USD)?, reason: None };
    Ok(vec![
        placed("o1", "2024-03-28T12:00:00Z", "100", "USD")?,
        placed("o2", "2024-03-28T13:00:00Z", "30", "GBP")?,
        placed("o3", "2024-03-29T12:00:00Z", "40", "EUR")?,
        placed("o4", "2024-03-30T12:00:00Z", "12345", "JPY")?,
        placed("o5", "2024-03-31T22:30:00Z", "10", "USD")?,
        placed("o6", "2024-04-02T12:00:00Z", "70", "USD")?,
        event("cancel", "o6", "2024-04-02T13:00:00Z", OrderCancelled { reason: None }.into())?,
        event("refund", "o1", "2024-04-02T14:00:00Z", refund.into())?,
        placed("o7", "2024-04-20T12:00:00Z", "8", "USD")?,
    ])
}
