//! Workload W: the one deterministic stream on which speed is compared.
//!
//! No ties, no late events, no journeys, no cancellations. Any implementation of its definition gives the
//! same events, and so the same check figures; `benches` states the definition.

use wayfold_core::{
    Amount, Channel, Currency, CustomerId, CustomerKey, DealLost, Delivered, EventBody, EventId,
    InformationGathered, Instrument, JourneyEvent, Money, NeedIdentified, OrderLine, OrderPlaced, Returned,
    Shipped, SurveyAnswered, Tag, Tenant, TicketOpened, TicketResolved, Timestamp,
};

use crate::random::Random;

/// The seed of the published check figures.
pub const SEED: u64 = 42;

/// 2024-01-01T00:00Z in milliseconds.
const START_MS: i64 = 1_704_067_200_000;
/// The stream spans 731 days.
const LENGTH_MS: u128 = 731 * 86_400_000;
const PRODUCTS: u64 = 5_000;
/// A minor unit of EUR is a hundred ten-thousandths.
const TEN_THOUSANDTHS_PER_CENT: i64 = 100;

/// The channels of the definition, each as the nearest of ours: an event is a trade fair, a referral is word
/// of mouth.
const CHANNELS: [Channel; 12] = [
    Channel::Web,
    Channel::Email,
    Channel::Phone,
    Channel::Store,
    Channel::App,
    Channel::Chat,
    Channel::Partner,
    Channel::SocialMedia,
    Channel::Search,
    Channel::OnlineAds,
    Channel::TradeFair,
    Channel::WordOfMouth,
];

/// The events of workload W in the order of time.
///
/// ```
/// let events: Vec<_> = wayfold_testkit::stream::Stream::new(1_000).collect();
/// assert_eq!(events.len(), 1_000);
/// assert!(events.iter().all(|event| event.validate().is_ok()));
/// ```
#[derive(Debug, Clone)]
pub struct Stream {
    random: Random,
    events: u64,
    next: u64,
    customers: Vec<CustomerId>,
    ranks: Ranks,
    products: Vec<(Tag, String)>,
}

impl Stream {
    /// Starts the stream of that many events, with a twentieth as many customers.
    ///
    /// # Panics
    /// If there are fewer than 20 events, as then there is no customer.
    pub fn new(events: u64) -> Self {
        assert!(events >= 20, "a stream has a customer for every 20 events");
        let mut random = Random::new(SEED);
        let count = (events / 20) as usize;
        let mut numbers: Vec<usize> = (0..count).collect();
        random.shuffle(&mut numbers);
        let name = |number: &usize| CustomerId::new(format!("c{number:07}")).expect("a short name");
        let product = |number: u64| {
            let id = format!("p{number:05}");
            (Tag::new("product", &id).expect("a short name"), id)
        };
        Self {
            random,
            events,
            next: 0,
            customers: numbers.iter().map(name).collect(),
            ranks: Ranks::new(count),
            products: (0..PRODUCTS).map(product).collect(),
        }
    }

    fn body(&mut self, channel: &mut Option<Channel>) -> EventBody {
        let (x, y) = (self.random.below(100), self.random.below(100));
        match x {
            0..10 => NeedIdentified { category: None }.into(),
            10..45 => {
                *channel = Some(*self.random.pick(&CHANNELS));
                InformationGathered { topic: None }.into()
            }
            45..60 if y < 70 => self.order(),
            45..60 => DealLost { reason: None, competitor: None }.into(),
            60..85 if y < 45 => Shipped { promised_at: None }.into(),
            60..85 if y < 90 => Delivered {}.into(),
            60..85 => Returned { amount: None, reason: None }.into(),
            _ if y < 40 => TicketOpened { ticket_kind: None, priority: None }.into(),
            _ if y < 75 => TicketResolved {}.into(),
            _ => {
                let score = self.random.below(11) as i64;
                SurveyAnswered { instrument: Instrument::Nps, dimension: None, score }.into()
            }
        }
    }

    /// An order; its line follows once the product is drawn.
    fn order(&mut self) -> EventBody {
        let cents = 500 + (self.random.fraction() * self.random.fraction() * 60_000.0) as i64;
        let amount = Amount::from_ten_thousandths(cents * TEN_THOUSANDTHS_PER_CENT);
        OrderPlaced { lines: vec![], amount: Money::new(amount, Currency::EUR), promised_at: None }.into()
    }
}

impl Iterator for Stream {
    type Item = JourneyEvent;

    fn next(&mut self) -> Option<JourneyEvent> {
        if self.next == self.events {
            return None;
        }
        let offset_ms = u128::from(self.next) * LENGTH_MS / u128::from(self.events);
        let at_ms = START_MS + offset_ms as i64;
        self.next += 1;
        let customer = self.customers[self.ranks.draw(&mut self.random)].clone();
        let mut channel = None;
        let body = self.body(&mut channel);
        let id = id_at(at_ms, &mut self.random);
        let (tag, product) = &self.products[self.random.index(PRODUCTS as usize)];
        let key = CustomerKey { tenant: Tenant::default(), customer };
        let at = Timestamp::from_micros(at_ms * 1_000).expect("the stream lies in 2024 and 2025");
        let mut event = JourneyEvent::new(id, key, at, body).with_tag(tag.clone());
        event.channel = channel;
        if let EventBody::OrderPlaced(placed) = &mut event.body {
            let paid = Some(placed.amount.amount);
            placed.lines.push(OrderLine {
                product: product.clone(),
                quantity: 1,
                list: None,
                paid,
                cost: None,
            });
            event.tags.insert(Tag::order(id.to_string()).expect("a short name"));
        }
        Some(event)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = (self.events - self.next) as usize;
        (left, Some(left))
    }
}

impl ExactSizeIterator for Stream {}

/// A version 7 id: the time, then bits by chance.
fn id_at(at_ms: i64, random: &mut Random) -> EventId {
    let high = (at_ms as u128) << 80 | 7 << 76 | u128::from(random.next() & 0xfff) << 64;
    EventId::from_u128(high | 2 << 62 | u128::from(random.next() >> 2))
}

/// Draws ranks with weights 1/(i+10)^0.8 by an alias table.
#[derive(Debug, Clone)]
struct Ranks {
    keep: Vec<f64>,
    alias: Vec<usize>,
}

impl Ranks {
    fn new(count: usize) -> Self {
        let weights: Vec<f64> = (0..count).map(|i| 1.0 / (i as f64 + 10.0).powf(0.8)).collect();
        let sum: f64 = weights.iter().sum();
        let mut keep: Vec<f64> = weights.iter().map(|weight| weight * count as f64 / sum).collect();
        let mut alias = vec![0; count];
        let (mut small, mut large): (Vec<usize>, Vec<usize>) = (0..count).partition(|i| keep[*i] < 1.0);
        while !small.is_empty() && !large.is_empty() {
            let (Some(a), Some(b)) = (small.pop(), large.pop()) else { break };
            alias[a] = b;
            keep[b] += keep[a] - 1.0;
            if keep[b] < 1.0 { small.push(b) } else { large.push(b) }
        }
        for left in small.into_iter().chain(large) {
            keep[left] = 1.0;
        }
        Self { keep, alias }
    }

    fn draw(&self, random: &mut Random) -> usize {
        let rank = random.index(self.keep.len());
        if random.fraction() < self.keep[rank] { rank } else { self.alias[rank] }
    }
}
