//! Makes events of plans.

use wayfold_core::{
    Actor, Amount, AttributeName, AttributeValue, Channel, Currency, CustomKind, CustomerKey, EventBody,
    EventId, EventTime, JourneyEvent, JourneyKey, Money, OrderLine, Tag, Timestamp,
};

use super::plan::{NONE, OrderFacts, Plan, Step};
use crate::random::Random;

const PRODUCTS: u64 = 1_000;
const CAMPAIGNS: u64 = 40;
/// A hundredth of a currency's unit.
const HUNDREDTH: i64 = 100;

/// Currencies with the offset at which their customers' sources write, in minutes.
const HOMES: [(Currency, i16); 8] = [
    (Currency::EUR, 60),
    (Currency::EUR, 120),
    (Currency::EUR, 60),
    (Currency::USD, -300),
    (Currency::USD, -480),
    (Currency::GBP, 0),
    (Currency::CNY, 480),
    (Currency::JPY, 540),
];

/// Makes events: the same plan always becomes the same event.
#[derive(Debug, Clone)]
pub(super) struct Maker {
    seed: String,
    orders: Vec<OrderFacts>,
    names: Names,
}

/// Names that every event shares.
#[derive(Debug, Clone)]
struct Names {
    visits: AttributeName,
    returning: AttributeName,
    basket_score: AttributeName,
    page: AttributeName,
}

impl Maker {
    pub(super) fn new(seed: u64, orders: Vec<OrderFacts>) -> Self {
        let name = |text| AttributeName::new(text).expect("a short name");
        let names = Names {
            visits: name("visits"),
            returning: name("returning"),
            basket_score: name("basket_score"),
            page: name("page"),
        };
        Self { seed: seed.to_string(), orders, names }
    }

    /// Makes the event of a plan.
    pub(super) fn event(&self, plans: &[Plan], number: usize) -> JourneyEvent {
        let plan = &plans[number];
        let mut random = Random::new(plan.salt);
        let customer = CustomerKey::new(format!("c{:07}", plan.customer)).expect("a short name");
        let body = match plan.step {
            Step::Retracted => self.retraction(plan),
            _ => self.body(plan, &mut random),
        };
        let mut event = JourneyEvent::new(self.id(number), customer, self.time(plan), body);
        event.sequence = u32::from(plan.sequence);
        if plan.journey != NONE {
            event.journey = Some(JourneyKey::new(format!("j{}", plan.journey)).expect("a short name"));
        }
        self.tag(&mut event, plan, &mut random);
        self.describe(&mut event, &mut random);
        event
    }

    fn id(&self, number: usize) -> EventId {
        EventId::from_natural_key("shop", "event", &[&self.seed, &number.to_string()])
    }

    fn retraction(&self, plan: &Plan) -> EventBody {
        let reason = Some("entered wrongly".to_owned());
        wayfold_core::EventRetracted { event: self.id(plan.target as usize), reason }.into()
    }

    fn time(&self, plan: &Plan) -> EventTime {
        let instant = Timestamp::from_micros(plan.at).expect("the shop trades for a few years");
        EventTime::new(instant, home(plan.customer).1).expect("offsets are below a day")
    }

    /// The order or else the lead, a product and a campaign.
    fn tag(&self, event: &mut JourneyEvent, plan: &Plan, random: &mut Random) {
        let about = match (plan.order, plan.journey) {
            (NONE, NONE) => ("visit", format!("v{}", plan.salt)),
            (NONE, journey) => ("lead", format!("l{journey}")),
            (order, _) => ("order", order_id(order)),
        };
        let product = ("product", product(random));
        let campaign = ("campaign", format!("k{}", random.below(CAMPAIGNS)));
        event.tags =
            [about, product, campaign].map(|(kind, id)| Tag::new(kind, id).expect("a short name")).into();
    }

    fn describe(&self, event: &mut JourneyEvent, random: &mut Random) {
        let names = &self.names;
        let (name, value) = match random.below(4) {
            0 => (&names.visits, AttributeValue::from(random.between(1, 40))),
            1 => (&names.returning, AttributeValue::from(random.percent(50))),
            2 => (&names.basket_score, AttributeValue::Decimal(hundredths(random.between(0, 10_000)))),
            _ => (&names.page, AttributeValue::from(*random.pick(&["/", "/sale", "/basket", "/help"]))),
        };
        event.attributes.insert(name.clone(), value);
        event.channel = Some(*random.pick(&[Channel::Web, Channel::App, Channel::Phone, Channel::Store]));
        event.source = Some((*random.pick(&["shop", "crm"])).to_owned());
        if random.percent(10) {
            let team = Some((*random.pick(&["sales", "service"])).to_owned());
            event.actor = Actor { team, person: None };
        }
    }

    /// The currency in which a customer buys.
    pub(super) fn currency(&self, customer: u32) -> Currency {
        home(customer).0
    }

    /// The lines of the order as placed, or as a change makes them.
    pub(super) fn lines(&self, plan: &Plan) -> Vec<OrderLine> {
        let facts = self.orders[plan.order as usize];
        match plan.step {
            Step::OrderPlaced => lines(facts.placed),
            _ => lines(facts.changed.unwrap_or(facts.placed)),
        }
    }

    /// What the order of a plan is worth after every change.
    pub(super) fn last_amount(&self, plan: &Plan) -> Amount {
        let facts = self.orders[plan.order as usize];
        total(&lines(facts.changed.unwrap_or(facts.placed)))
    }

    /// What a refund gives back: the amount of the order or a third of it, or five units without an order.
    pub(super) fn refund(&self, plan: &Plan) -> Amount {
        match plan.step {
            Step::RefundedInFull => self.last_amount(plan),
            Step::RefundedInPart => {
                Amount::from_ten_thousandths(self.last_amount(plan).as_ten_thousandths() / 3)
            }
            _ => hundredths(500),
        }
    }

    /// An amount in the customer's currency; a wrong entry has one digit too many.
    pub(super) fn money(&self, plan: &Plan, amount: Amount) -> Money {
        let factor = if plan.is_wrong { 10 } else { 1 };
        let amount = Amount::from_ten_thousandths(amount.as_ten_thousandths() * factor);
        Money::new(amount, self.currency(plan.customer))
    }

    /// A user's own kind.
    pub(super) fn custom_kind(&self, name: &str) -> CustomKind {
        CustomKind::new(name).expect("a short name")
    }
}

fn home(customer: u32) -> (Currency, i16) {
    // A multiplicative hash spreads neighbours over the currencies.
    let place = customer.wrapping_mul(0x9E37_79B1) >> 29;
    HOMES[place as usize]
}

fn order_id(order: u32) -> String {
    format!("o{order}")
}

fn product(random: &mut Random) -> String {
    format!("p{:04}", random.below(PRODUCTS))
}

/// One to four lines with prices in hundredths of the unit; nine in ten carry their cost.
fn lines(salt: u64) -> Vec<OrderLine> {
    let mut random = Random::new(salt);
    let count = random.between(1, 4);
    let mut line = || {
        let list = random.between(199, 30_000);
        let paid = list * random.between(70, 100) / 100;
        let cost = random.percent(90).then(|| hundredths(paid * random.between(40, 95) / 100));
        let (list, paid) = (Some(hundredths(list)), Some(hundredths(paid)));
        OrderLine { product: product(&mut random), quantity: random.between(1, 3), list, paid, cost }
    };
    (0..count).map(|_| line()).collect()
}

/// What the lines cost the customer together.
pub(super) fn total(lines: &[OrderLine]) -> Amount {
    let paid = |line: &OrderLine| line.quantity * line.paid.map_or(0, Amount::as_ten_thousandths);
    Amount::from_ten_thousandths(lines.iter().map(paid).sum())
}

/// So many hundredths of a unit.
pub(super) fn hundredths(number: i64) -> Amount {
    Amount::from_ten_thousandths(number * HUNDREDTH)
}
