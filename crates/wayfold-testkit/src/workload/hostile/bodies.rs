//! What happens in hostile histories.

use wayfold_core::{
    Amount, ApprovalRequested, CommunityPosted, Complained, ConsentGiven, Currency, Custom, CustomKind,
    DealLost, Delivered, DeliveryAccepted, EventBody, Exchanged, InformationGathered, LeadCaptured,
    MessageSent, Money, NeedIdentified, ObjectionRaised, OrderCancelled, OrderChanged, OrderConfirmed,
    OrderLine, OrderPlaced, PaymentFailed, PaymentReceived, ProductViewed, QuoteIssued, Refunded, Registered,
    Returned, ReviewWritten, Shipped, Span, Stage, TicketOpened, Timestamp, Unknown,
};

use super::Writer;

/// Amounts in ten-thousandths: nothing, the least, and some that refunds can match exactly.
const AMOUNTS: [i64; 8] = [0, 0, 1, 99_900, 100_000, 100_000, 255_000, 333_333];

impl Writer {
    pub(super) fn money(&mut self) -> Money {
        let currency = match self.random.below(100) {
            0..72 => Currency::EUR,
            72..92 => Currency::USD,
            _ => Currency::JPY,
        };
        Money::new(Amount::from_ten_thousandths(*self.random.pick(&AMOUNTS)), currency)
    }

    pub(super) fn body(&mut self, who: usize, at: Timestamp) -> EventBody {
        match self.random.below(100) {
            0..20 => {
                OrderPlaced { lines: self.lines(), amount: self.money(), promised_at: self.promise(who, at) }
                    .into()
            }
            20..28 => self.change(who, at),
            28..33 => OrderCancelled { reason: None }.into(),
            33..44 => Refunded { amount: self.money(), reason: None }.into(),
            44..51 => PaymentReceived { amount: self.maybe_money() }.into(),
            51..59 => Shipped { promised_at: self.promise(who, at) }.into(),
            59..66 => Delivered {}.into(),
            66..69 => Returned { amount: self.maybe_money(), reason: None }.into(),
            69..72 => DealLost { reason: None, competitor: None }.into(),
            72..86 => self.step(),
            _ => self.aside(),
        }
    }

    fn change(&mut self, who: usize, at: Timestamp) -> EventBody {
        let lines = if self.random.percent(50) { self.lines() } else { Vec::new() };
        OrderChanged { lines, amount: self.maybe_money(), promised_at: self.promise(who, at) }.into()
    }

    /// An event that moves a journey to any of the stages.
    fn step(&mut self) -> EventBody {
        match self.random.below(14) {
            0 => LeadCaptured { source: None, campaign: None, medium: None }.into(),
            1 => NeedIdentified { category: None }.into(),
            2 => InformationGathered { topic: None }.into(),
            3 => ProductViewed {}.into(),
            4 => QuoteIssued {
                amount: self.maybe_money(),
                discount_percent: None,
                payment_terms: None,
                deliver_by: None,
                valid_until: None,
            }
            .into(),
            5 => ObjectionRaised { theme: None }.into(),
            6 => ApprovalRequested { subject: None }.into(),
            7 => OrderConfirmed {}.into(),
            8 => PaymentFailed { amount: self.maybe_money(), reason: None }.into(),
            9 => DeliveryAccepted {}.into(),
            10 => Exchanged { amount: None, reason: None }.into(),
            11 => TicketOpened { ticket_kind: None, priority: None }.into(),
            12 => ReviewWritten { rating: None }.into(),
            _ => self.custom(Some(Stage::Decision)),
        }
    }

    /// An event that moves no journey.
    fn aside(&mut self) -> EventBody {
        match self.random.below(9) {
            0 => MessageSent { campaign: None }.into(),
            1 => Registered {}.into(),
            2 => ConsentGiven { purpose: "news".to_owned() }.into(),
            3 => CommunityPosted { community: None }.into(),
            4 => Complained { theme: None }.into(),
            5 => Unknown::new("hologram_shown", "{\"seconds\":3}")
                .expect("no kind of that name is known")
                .into(),
            6 => self.custom(None),
            _ => {
                let stage = *self.random.pick(Stage::ALL);
                self.custom(Some(stage))
            }
        }
    }

    fn custom(&mut self, stage: Option<Stage>) -> EventBody {
        let name = CustomKind::new("fitting_booked").expect("a short name");
        Custom { name, stage, amount: self.maybe_money() }.into()
    }

    fn maybe_money(&mut self) -> Option<Money> {
        self.random.percent(70).then(|| self.money())
    }

    fn lines(&mut self) -> Vec<OrderLine> {
        let count = self.random.below(3);
        (0..count).map(|_| self.line()).collect()
    }

    fn line(&mut self) -> OrderLine {
        let mut price = || {
            let some = self.random.percent(75);
            some.then(|| Amount::from_ten_thousandths(self.random.between(-5, 200) * 1_000))
        };
        let (list, paid, cost) = (price(), price(), price());
        OrderLine { product: "p1".to_owned(), quantity: self.random.between(-1, 4), list, paid, cost }
    }

    /// A promise near the event, or at an instant that another event of the customer has to the microsecond.
    fn promise(&mut self, who: usize, at: Timestamp) -> Option<Timestamp> {
        let known = self.instants(who);
        match self.random.below(100) {
            0..40 => None,
            40..60 if !known.is_empty() => {
                Some(*self.random.pick(&known) + Span::from_micros(self.random.between(-1, 1)))
            }
            _ => Some(at + Span::from_micros(self.random.between(0, 20 * 86_400_000_000))),
        }
    }
}
