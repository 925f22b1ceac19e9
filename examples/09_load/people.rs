//! Whom the load is about, and what happens to them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::Utc;
use wayfold::{
    Currency, CustomerKey, EventId, JourneyEvent, Money, OrderPlaced, PointsEarned, Registered, Span, Tag,
    Timestamp, Uuid,
};
use wayfold_testkit::Random;

/// How far back the first orders lie: some customers are lost by now, and some are about to be.
const DAYS: u64 = 400;
/// Whose points everybody wants.
const HOT: usize = 4;

/// Customers of this run alone, whatever else the service knows.
pub(crate) struct People {
    run: String,
    start: Instant,
    /// How many events of each were acknowledged.
    acknowledged: Vec<AtomicU64>,
}

impl People {
    pub(crate) fn new(count: usize) -> Self {
        let acknowledged = (0..count).map(|_| AtomicU64::new(0)).collect();
        Self { run: Uuid::now_v7().simple().to_string(), start: Instant::now(), acknowledged }
    }

    pub(crate) fn name(&self, number: usize) -> String {
        format!("{}-{number}", self.run)
    }

    pub(crate) fn any(&self, random: &mut Random) -> usize {
        random.index(self.acknowledged.len())
    }

    pub(crate) fn hot(random: &mut Random) -> usize {
        random.index(HOT)
    }

    pub(crate) fn acknowledged(&self, number: usize) -> u64 {
        self.acknowledged[number].load(Ordering::SeqCst)
    }

    pub(crate) fn acknowledge(&self, number: usize) {
        self.acknowledged[number].fetch_add(1, Ordering::SeqCst);
    }

    /// The first order of everybody, and points for those whose points everybody wants.
    pub(crate) fn first_events(&self, random: &mut Random) -> Vec<(usize, JourneyEvent)> {
        let orders = (0..self.acknowledged.len()).map(|number| {
            let at = before_now(random.below(DAYS * 86_400_000_000));
            (number, self.order(number, at, random))
        });
        let mut events: Vec<_> = orders.collect();
        events.extend((0..HOT).map(|number| (number, self.points(number, 50))));
        events
    }

    /// What happens next to one of a fifth of all customers, the hot ones among them; the others stay silent. A few
    /// events come late.
    pub(crate) fn next_event(&self, random: &mut Random) -> (usize, JourneyEvent) {
        let number = random.index((self.acknowledged.len() / 5).max(HOT));
        let late = if random.percent(2) { random.below(DAYS * 86_400_000_000) } else { 0 };
        match random.below(100) {
            0..3 => {
                let number = Self::hot(random);
                (number, self.points(number, 20))
            }
            3..30 => (number, self.points(number, 10)),
            _ => (number, self.order(number, before_now(late), random)),
        }
    }

    /// Somebody new, whose name says when the event was made.
    pub(crate) fn newcomer(&self, random: &mut Random) -> JourneyEvent {
        let (us, number) = (self.start.elapsed().as_micros(), random.next());
        self.event(format!("{}-new-{us}-{number}", self.run), before_now(0), Registered {})
    }

    /// How long ago a newcomer's event was made; `None` of anybody else.
    pub(crate) fn age_of_newcomer(&self, name: &str) -> Option<Duration> {
        let (us, _) = name.strip_prefix(&self.run)?.strip_prefix("-new-")?.split_once('-')?;
        self.start.elapsed().checked_sub(Duration::from_micros(us.parse().ok()?))
    }

    /// An event of somebody named by it, which marks a place of the log: who hears of it has heard of all before.
    pub(crate) fn mark(&self, mark: &str) -> JourneyEvent {
        self.event(self.marked(mark), before_now(0), Registered {})
    }

    pub(crate) fn marked(&self, mark: &str) -> String {
        format!("{}-{mark}", self.run)
    }

    fn order(&self, number: usize, at: Timestamp, random: &mut Random) -> JourneyEvent {
        let amount = format!("{}.{:02}", random.between(5, 200), random.below(100));
        let amount = Money::parse(&amount, Currency::EUR).expect("it has two places");
        let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
        let event = self.event(self.name(number), at, placed);
        let order = Tag::order(event.id.to_string()).expect("an id is a short text");
        event.with_tag(order)
    }

    fn points(&self, number: usize, points: i64) -> JourneyEvent {
        self.event(self.name(number), before_now(0), PointsEarned { points, reason: None })
    }

    fn event(&self, name: String, at: Timestamp, body: impl Into<wayfold::EventBody>) -> JourneyEvent {
        let key = CustomerKey::new(name).expect("it is short");
        JourneyEvent::new(EventId(Uuid::now_v7()), key, at, body)
    }
}

fn before_now(us: u64) -> Timestamp {
    Timestamp::from(Utc::now()) - Span::from_micros(us.cast_signed())
}
