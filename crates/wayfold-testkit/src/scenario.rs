//! Given / when / then for journeys: a history by hand, folded in every arrival, and one view to look at.

use wayfold_core::{
    Amount, Currency, CustomerKey, CustomerView, DealLost, Delivered, EventBody, EventId, EventRetracted,
    InformationGathered, JourneyEvent, JourneyKey, Money, NeedIdentified, OrderCancelled, OrderChanged,
    OrderPlaced, Refunded, Rules, Shipped, Span, Tag, Timestamp,
};

use crate::arrival::{Arrival, Clock, Order};
use crate::random::Random;
use crate::subject::{Answers, FoldSubject, Subject};

/// How many seeded arrivals a scenario is folded in, beside the given one.
const SEEDS: u64 = 8;
/// Day 0 of every scenario.
const DAY_ZERO: &str = "2024-01-01";
const MICROS_PER_HOUR: i64 = 3_600_000_000;

/// Starts a scenario with what has happened.
///
/// Events without an id of their own get one: the first is event 1, and so on through [`Given::when`], so
/// that [`Moment::retracted`] can name them.
///
/// ```
/// use wayfold_core::LifecycleStage;
/// use wayfold_testkit::{given, on};
///
/// given([on(0).placed("o1", "10 EUR")])
///     .when([on(200).placed("o2", "10 EUR")])
///     .then(|view| assert_eq!(view.lifecycle.stage, LifecycleStage::WonBack));
///
/// // An order placed in between arrives late: there was no churn.
/// given([on(0).placed("o1", "10 EUR"), on(200).placed("o2", "10 EUR")])
///     .when([on(100).placed("o3", "10 EUR")])
///     .as_of(on(200))
///     .then(|view| assert_eq!(view.lifecycle.stage, LifecycleStage::Repeat));
/// ```
pub fn given(events: impl IntoIterator<Item = JourneyEvent>) -> Given {
    let mut given = Given { rules: Rules::default(), events: Vec::new() };
    number(&mut given.events, events);
    given
}

/// The start of a day, counted from the first of January 2024; negative days lie before it.
pub fn on(day: i64) -> Moment {
    let zero = Timestamp::parse(DAY_ZERO).expect("a date");
    let key = CustomerKey::new("c1").expect("a short name");
    Moment { at: zero + Span::from_micros(day * 24 * MICROS_PER_HOUR), customer: key, journey: None }
}

/// An instant at which something happens to a customer, `c1` unless another is named.
#[derive(Debug, Clone)]
pub struct Moment {
    at: Timestamp,
    customer: CustomerKey,
    journey: Option<JourneyKey>,
}

impl Moment {
    /// Some hours later.
    pub fn plus_hours(mut self, hours: i64) -> Self {
        self.at = self.at + Span::from_micros(hours * MICROS_PER_HOUR);
        self
    }

    /// Some microseconds later, or earlier if negative: for what is exact to the microsecond.
    pub fn plus_micros(mut self, micros: i64) -> Self {
        self.at = self.at + Span::from_micros(micros);
        self
    }

    /// Names another customer.
    ///
    /// # Panics
    /// If the text is no name.
    #[track_caller]
    pub fn of(mut self, customer: &str) -> Self {
        self.customer = CustomerKey::new(customer).expect("a customer has a name");
        self
    }

    /// Puts what happens into a journey.
    ///
    /// # Panics
    /// If the text is no name.
    #[track_caller]
    pub fn within(mut self, journey: &str) -> Self {
        self.journey = Some(JourneyKey::new(journey).expect("a journey has a name"));
        self
    }

    /// The instant.
    pub fn instant(&self) -> Timestamp {
        self.at
    }

    /// Anything that happens.
    pub fn happens(&self, body: impl Into<EventBody>) -> JourneyEvent {
        let mut event = JourneyEvent::new(EventId::from_u128(0), self.customer.clone(), self.at, body);
        event.journey.clone_from(&self.journey);
        event
    }

    /// A need is identified.
    pub fn need_identified(&self) -> JourneyEvent {
        self.happens(NeedIdentified { category: None })
    }

    /// Information is gathered.
    pub fn information_gathered(&self) -> JourneyEvent {
        self.happens(InformationGathered { topic: None })
    }

    /// An order is placed, such as `"10.50 EUR"`.
    #[track_caller]
    pub fn placed(&self, order: &str, money: &str) -> JourneyEvent {
        self.about(order, OrderPlaced { lines: vec![], amount: parse(money), promised_at: None })
    }

    /// An order is placed and its delivery promised.
    #[track_caller]
    pub fn placed_for(&self, order: &str, money: &str, promised: &Moment) -> JourneyEvent {
        let promised_at = Some(promised.at);
        self.about(order, OrderPlaced { lines: vec![], amount: parse(money), promised_at })
    }

    /// The amount of an order is changed.
    #[track_caller]
    pub fn changed(&self, order: &str, money: &str) -> JourneyEvent {
        self.about(order, OrderChanged { lines: vec![], amount: Some(parse(money)), promised_at: None })
    }

    /// An order is cancelled.
    #[track_caller]
    pub fn cancelled(&self, order: &str) -> JourneyEvent {
        self.about(order, OrderCancelled { reason: None })
    }

    /// Money is given back for an order.
    #[track_caller]
    pub fn refunded(&self, order: &str, money: &str) -> JourneyEvent {
        self.about(order, Refunded { amount: parse(money), reason: None })
    }

    /// An order is shipped, and its delivery promised anew if an instant is named.
    #[track_caller]
    pub fn shipped(&self, order: &str, promised: Option<&Moment>) -> JourneyEvent {
        self.about(order, Shipped { promised_at: promised.map(Moment::instant) })
    }

    /// An order is delivered.
    #[track_caller]
    pub fn delivered(&self, order: &str) -> JourneyEvent {
        self.about(order, Delivered {})
    }

    /// A deal is lost.
    pub fn deal_lost(&self) -> JourneyEvent {
        self.happens(DealLost { reason: None, competitor: None })
    }

    /// An event of the scenario is retracted, by its number from 1.
    pub fn retracted(&self, number: u128) -> JourneyEvent {
        self.happens(EventRetracted { event: EventId::from_u128(number), reason: None })
    }

    /// Something happens to an order.
    ///
    /// # Panics
    /// If the text is no name.
    #[track_caller]
    pub fn about(&self, order: &str, body: impl Into<EventBody>) -> JourneyEvent {
        self.happens(body).with_tag(Tag::order(order).expect("an order has a name"))
    }
}

impl From<Moment> for Timestamp {
    fn from(moment: Moment) -> Self {
        moment.at
    }
}

#[track_caller]
fn parse(money: &str) -> Money {
    let (amount, currency) =
        money.split_once(' ').expect("money is an amount and a currency, as in 10.50 EUR");
    let currency = Currency::new(currency).expect("the currency is in ISO 4217");
    Money::new(Amount::parse(amount).expect("the amount is a decimal number"), currency)
}

fn number(events: &mut Vec<JourneyEvent>, more: impl IntoIterator<Item = JourneyEvent>) {
    for mut event in more {
        if event.id == EventId::from_u128(0) {
            event.id = EventId::from_u128(events.len() as u128 + 1);
        }
        events.push(event);
    }
}

/// What has happened before the events of interest.
#[derive(Debug, Clone)]
#[must_use = "a scenario asserts nothing before `then`"]
pub struct Given {
    rules: Rules,
    events: Vec<JourneyEvent>,
}

impl Given {
    /// Asks under other rules than the defaults.
    pub fn under(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Goes on with what arrives next.
    pub fn when(self, events: impl IntoIterator<Item = JourneyEvent>) -> When {
        let mut all = self.events;
        let given = all.len();
        number(&mut all, events);
        let newest = all.iter().map(|event| event.occurred_at.instant()).max();
        let customer = all.last().or(all.first()).map(|event| event.customer.clone());
        When { rules: self.rules, events: all, given, as_of: newest, customer }
    }
}

/// A whole scenario, of which the last customer named is asked as of the newest event unless said otherwise.
#[derive(Debug, Clone)]
#[must_use = "a scenario asserts nothing before `then`"]
pub struct When {
    rules: Rules,
    events: Vec<JourneyEvent>,
    given: usize,
    as_of: Option<Timestamp>,
    customer: Option<CustomerKey>,
}

impl When {
    /// Asks as of another instant; events after it are not folded.
    pub fn as_of(mut self, instant: impl Into<Timestamp>) -> Self {
        self.as_of = Some(instant.into());
        self
    }

    /// Asks about another customer.
    ///
    /// # Panics
    /// If the text is no name.
    #[track_caller]
    pub fn about(mut self, customer: &str) -> Self {
        self.customer = Some(CustomerKey::new(customer).expect("a customer has a name"));
        self
    }

    /// Folds the scenario in the given arrival and in seeded others, and hands over the view that all give.
    ///
    /// # Panics
    /// If two arrivals differ, naming both, or if there is no view.
    #[track_caller]
    pub fn then(self, look: impl FnOnce(&CustomerView)) {
        let view = self.view();
        look(&view.expect("no event of the customer is folded by then; `then_nothing` asserts that"));
    }

    /// Folds the scenario as [`When::then`] does and asserts that there is no view.
    ///
    /// # Panics
    /// If two arrivals differ, naming both, or if there is a view.
    #[track_caller]
    pub fn then_nothing(self) {
        if let Some(view) = self.view() {
            panic!("there is a view: {view:#?}");
        }
    }

    #[track_caller]
    fn view(&self) -> Option<CustomerView> {
        let (Some(as_of), Some(customer)) = (self.as_of, &self.customer) else { return None };
        let mut first: Option<(Arrival, Vec<u8>, Option<CustomerView>)> = None;
        for arrival in self.arrivals(as_of) {
            let (export, view) = fold(&self.rules, &arrival, customer);
            match &first {
                Some((one, expected, _)) if *expected != export => panic!(
                    "two arrivals differ\n{one:?}\n{}\n{arrival:?}\n{}",
                    String::from_utf8_lossy(expected),
                    String::from_utf8_lossy(&export)
                ),
                Some((one, _, expected)) => {
                    assert_eq!(&view, expected, "two arrivals differ\n{one:?}\n{arrival:?}");
                }
                None => first = Some((arrival, export, view)),
            }
        }
        first.and_then(|(_, _, view)| view)
    }

    /// The arrival as written, in two deliveries, and every order of arrival by several seeds.
    fn arrivals(&self, as_of: Timestamp) -> Vec<Arrival> {
        let (given, when) = self.events.split_at(self.given);
        let mut arrivals = vec![Arrival::of_batches([given.to_vec(), when.to_vec()], as_of)];
        for seed in 0..SEEDS {
            let mut random = Random::new(seed);
            for order in Order::ALL {
                let clock = *random.pick(&[Clock::Fixed, Clock::Stepped]);
                arrivals.push(Arrival::new(&self.events, order, clock, as_of, random.next()));
            }
        }
        arrivals
    }
}

#[track_caller]
fn fold(rules: &Rules, arrival: &Arrival, customer: &CustomerKey) -> (Vec<u8>, Option<CustomerView>) {
    let folded = FoldSubject::new().fold(rules, arrival).and_then(|answers: Box<dyn Answers>| {
        let view = answers.view(customer, arrival.as_of)?;
        Ok((answers.export()?, view))
    });
    match folded {
        Ok(folded) => folded,
        Err(error) => panic!("the fold refuses: {error}\n{arrival:?}"),
    }
}

#[cfg(test)]
mod tests {
    use wayfold_core::{LifecycleStage, Outcome, PromiseState};

    use super::*;

    #[test]
    fn late_event_reopens_a_churned_customer() {
        given([on(0).placed("o1", "10 EUR"), on(0).of("c2").placed("o1", "10 EUR")])
            .when([on(100).placed("o2", "10 EUR")])
            .as_of(on(200))
            .then(|view| assert_eq!(view.lifecycle.stage, LifecycleStage::Repeat));
    }

    #[test]
    fn retraction_names_an_event_by_its_number() {
        given([on(0).placed("o1", "10 EUR"), on(1).placed("o2", "5 EUR")])
            .when([on(9).retracted(1)])
            .then(|view| assert_eq!(view.value.currencies[0].revenue.to_decimal(), "5"));
        given([on(0).placed("o1", "10 EUR")]).when([on(9).retracted(1)]).then_nothing();
    }

    #[test]
    fn journey_is_told_in_short() {
        let journey = |day| on(day).within("j1");
        given([journey(0).need_identified(), journey(1).information_gathered()])
            .when([journey(2).placed_for("o1", "10 EUR", &on(5)), journey(5).plus_micros(1).delivered("o1")])
            .then(|view| {
                assert_eq!(view.journeys.journeys[0].outcome, Outcome::Won);
                assert_eq!(view.journeys.promises[0].state, PromiseState::Broken);
            });
    }

    #[test]
    fn thresholds_of_other_rules_are_met_to_the_microsecond() {
        let mut rules = Rules::default();
        rules.lifecycle.churned_after_days = 10;
        let stage = |micros| {
            let mut seen = None;
            given([on(0).placed("o1", "1 USD")])
                .under(rules.clone())
                .when([])
                .as_of(on(10).plus_micros(micros))
                .then(|view| seen = Some(view.lifecycle.stage));
            seen
        };
        assert_eq!(stage(0), Some(LifecycleStage::FirstTime));
        assert_eq!(stage(1), Some(LifecycleStage::Churned));
    }

    #[test]
    #[should_panic(expected = "no event of the customer is folded")]
    fn view_of_nobody_is_refused() {
        given([on(0).placed("o1", "1 USD")]).when([]).about("c2").then(|_| {});
    }
}
