//! Sell and redeem so that points never fall below zero, also when two tills sell at the same time.
//!
//! Without arguments it plays a day at two tills. With `-` it takes your own lines, such as `sell r1 ada 40.00`,
//! `sell r2 ada 9.50 30` to pay with 30 points as well, and `points ada`:
//! `cargo run --example 05_till -- -`.

use std::fmt;
use std::sync::Barrier;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use wayfold::blocking::Wayfold;
use wayfold::{
    Builder, Currency, CustomerAt, CustomerKey, EventBody, EventId, EventKind, EventView, Handle,
    JourneyEvent, Money, OrderPlaced, PointsEarned, PointsRedeemed, Projection, Rules, Standing, Tag,
    Timestamp,
};
use wayfold_examples::store;

/// What stands on a customer's card: one point is earned for each whole euro, and pays one cent.
struct CardProjection;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Card {
    points: i64,
}

impl Projection for CardProjection {
    type State = Card;
    type View = Card;

    fn name(&self) -> &str {
        "card"
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, card: &mut Card, event: &EventView<'_>) {
        let points = event.integer("points").unwrap_or(0);
        match event.kind() {
            EventKind::PointsEarned => card.points += points,
            EventKind::PointsRedeemed => card.points -= points,
            _ => {}
        }
    }

    fn view(&self, card: &Card, _customer: &CustomerAt<'_>) -> Card {
        card.clone()
    }

    fn holds_until(&self, _card: &Card, _customer: &CustomerAt<'_>) -> Option<Timestamp> {
        None
    }
}

/// Why a till does not sell.
#[derive(Debug)]
enum Refusal {
    TooFewPoints { has: i64 },
    Engine(wayfold::Error),
}

/// What the engine refuses comes out of `decide` as well.
impl From<wayfold::Error> for Refusal {
    fn from(error: wayfold::Error) -> Self {
        Self::Engine(error)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooFewPoints { has } => write!(f, "the card has only {has} points"),
            Self::Engine(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

/// What is sold on one receipt, and how many points pay for it beside money.
struct Sale {
    receipt: String,
    customer: CustomerKey,
    amount: Money,
    points: i64,
}

impl Sale {
    fn new(receipt: &str, customer: &str, amount: &str, points: i64) -> wayfold::Result<Self> {
        let (customer, amount) = (CustomerKey::new(customer)?, Money::parse(amount, Currency::EUR)?);
        Ok(Self { receipt: receipt.to_owned(), customer, amount, points })
    }

    /// The decision: what to write, given the card as it stands. It looks at nothing else, as it may run again.
    fn decide(
        &self,
        card: Handle<CardProjection>,
        standing: &Standing,
    ) -> Result<Vec<JourneyEvent>, Refusal> {
        // A receipt that comes again is known by the id of its sale.
        if standing.holds(self.id("sale")) {
            return Ok(vec![]);
        }
        let card = standing.own_view(card)?.unwrap_or_default();
        if card.points < self.points {
            return Err(Refusal::TooFewPoints { has: card.points });
        }
        let placed = OrderPlaced { lines: vec![], amount: self.amount, promised_at: None };
        let mut events = vec![self.event(standing, "sale", placed)?];
        if self.points > 0 {
            let redeemed = PointsRedeemed { points: self.points, reward: None };
            events.push(self.event(standing, "redeemed", redeemed)?);
        }
        let points = self.amount.amount.as_ten_thousandths() / 10_000;
        if points > 0 {
            events.push(self.event(standing, "earned", PointsEarned { points, reason: None })?);
        }
        Ok(events)
    }

    fn id(&self, what: &str) -> EventId {
        EventId::from_natural_key("till", what, &[&self.receipt])
    }

    fn event(
        &self,
        standing: &Standing,
        what: &str,
        body: impl Into<EventBody>,
    ) -> wayfold::Result<JourneyEvent> {
        let event = JourneyEvent::new(self.id(what), self.customer.clone(), standing.as_of(), body);
        Ok(event.with_tag(Tag::order(&self.receipt)?))
    }
}

/// A till: any number of them may share one engine, or have engines of their own over one log.
#[derive(Clone, Copy)]
struct Till<'a> {
    wayfold: &'a Wayfold,
    card: Handle<CardProjection>,
}

impl Till<'_> {
    /// Sells; says how many points there are then.
    fn sell(&self, sale: &Sale) -> Result<i64, Refusal> {
        self.wayfold.decide(&sale.customer, |standing| sale.decide(self.card, standing))?;
        Ok(self.points(&sale.customer)?)
    }

    fn points(&self, customer: &CustomerKey) -> wayfold::Result<i64> {
        Ok(self.wayfold.own_view(self.card, customer)?.map_or(0, |card| card.points))
    }
}

fn main() -> anyhow::Result<()> {
    let mut builder = Builder::new(Rules::default())?.on_demand();
    let card = builder.register(CardProjection)?;
    let wayfold = builder.open_blocking(store()?)?;
    let till = Till { wayfold: &wayfold, card };
    if std::env::args().nth(1).as_deref() == Some("-") {
        return take_lines(till);
    }
    play_a_day(till)?;
    two_tills_at_once(till)
}

/// One sale after the other: points earned, redeemed, too few, and a receipt that comes twice.
fn play_a_day(till: Till<'_>) -> anyhow::Result<()> {
    assert_eq!(told(till, "sell r1 ada 40.00"), "40 points");
    assert_eq!(told(till, "sell r2 ada 9.50 30"), "19 points");
    assert_eq!(told(till, "sell r3 ada 2.00 20"), "refused: the card has only 19 points");
    // The line to the till was cut before it heard the answer, so it asks again: nothing is sold twice.
    assert_eq!(told(till, "sell r2 ada 9.50 30"), "19 points");
    let ada = till.wayfold.customer(&CustomerKey::new("ada")?)?.expect("ada has bought");
    assert_eq!((ada.value.purchases, ada.events), (2, 5));
    Ok(())
}

fn told(till: Till<'_>, line: &str) -> String {
    let answer = take(till, line).unwrap_or_else(|error| format!("refused: {error}"));
    println!("{line:24} {answer}");
    answer
}

/// Two tills want 60 of the same 100 points. Each has looked at the card before either has written: the log takes one
/// of the sales, and the other till decides again, on what is there now.
fn two_tills_at_once(till: Till<'_>) -> anyhow::Result<()> {
    till.sell(&Sale::new("r10", "bob", "100.00", 0)?)?;
    let (both_have_looked, looks) = (Barrier::new(2), AtomicU32::new(0));
    let sell = |receipt: &str| {
        let sale = Sale::new(receipt, "bob", "0.50", 60)?;
        let mut is_first = true;
        till.wayfold.decide(&sale.customer, |standing| {
            looks.fetch_add(1, Ordering::Relaxed);
            if std::mem::take(&mut is_first) {
                both_have_looked.wait();
            }
            sale.decide(till.card, standing)
        })
    };
    let sold = std::thread::scope(|scope| {
        let tills = ["left", "right"].map(|receipt| scope.spawn(move || sell(receipt)));
        tills.map(|till| till.join().expect("a till does not panic"))
    });
    let rest = till.points(&CustomerKey::new("bob")?)?;
    for (name, sold) in ["left", "right"].iter().zip(&sold) {
        let told = sold.as_ref().map_or_else(ToString::to_string, |_| "sold".to_owned());
        println!("the {name} till, for 60 of bob's 100 points: {told}");
    }
    let refused = |sold: &Result<_, Refusal>| matches!(sold, Err(Refusal::TooFewPoints { has: 40 }));
    assert_eq!((sold.iter().filter(|sold| sold.is_ok()).count(), rest), (1, 40));
    assert!(sold.iter().any(refused));
    assert_eq!(looks.into_inner(), 3, "one of them has looked twice");
    Ok(())
}

fn take_lines(till: Till<'_>) -> anyhow::Result<()> {
    for line in std::io::stdin().lines() {
        told(till, &line?);
    }
    Ok(())
}

/// Takes one line of a till.
fn take(till: Till<'_>, line: &str) -> anyhow::Result<String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let points = match words[..] {
        ["sell", receipt, customer, amount] => till.sell(&Sale::new(receipt, customer, amount, 0)?)?,
        ["sell", receipt, customer, amount, points] => {
            till.sell(&Sale::new(receipt, customer, amount, points.parse::<u32>()?.into())?)?
        }
        ["points", customer] => till.points(&CustomerKey::new(customer)?)?,
        _ => anyhow::bail!("write `sell RECEIPT CUSTOMER AMOUNT [POINTS]` or `points CUSTOMER`"),
    };
    Ok(format!("{points} points"))
}
