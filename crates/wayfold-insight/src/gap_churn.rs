use serde::Serialize;
use wayfold_core::{CustomerAt, EventView, Projection, Purchase, Span, Timestamp};

/// Tells who has left by the customer's own gap: silent for longer than so many times the mean time between its
/// purchases.
///
/// Who bought daily has left sooner than who bought once a year. Who bought once has no gap, and the least silence alone
/// counts; it also keeps two purchases within an hour from meaning that a customer is gone by the evening. It reads the
/// orders that a fold keeps for all projections, so it has no state, and a fold of one projection alone has nothing for
/// it. Its fields are named by what it is told, such as `gap_churn_3_30.has_left`.
///
/// ```
/// use wayfold_insight::GapChurn;
/// use wayfold_core::Projection;
///
/// assert_eq!(GapChurn::new(3, 30).name(), "gap_churn_3_30");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GapChurn {
    name: String,
    gaps: u32,
    silence_min: Span,
}

impl GapChurn {
    /// Takes how many gaps of silence mean that a customer has left, and how many days it takes at least.
    pub fn new(gaps: u32, days_min: u32) -> Self {
        let name = format!("gap_churn_{gaps}_{days_min}");
        Self { name, gaps, silence_min: Span::from_days(days_min) }
    }

    /// The last instant at which a customer with these purchases is still there.
    fn leaves_after(&self, purchases: &[Purchase<'_>]) -> Option<Timestamp> {
        let silence = mean_gap(purchases).map_or(Span::ZERO, |gap| {
            Span::from_micros(gap.as_micros().saturating_mul(i64::from(self.gaps)))
        });
        Some(purchases.last()?.placed_at + silence.max(self.silence_min))
    }
}

/// Floored to the microsecond; `None` below two purchases.
fn mean_gap(purchases: &[Purchase<'_>]) -> Option<Span> {
    let (first, last) = (purchases.first()?, purchases.last()?);
    let gaps = purchases.len() as i64 - 1;
    (gaps > 0).then(|| Span::from_micros(last.placed_at.since(first.placed_at).as_micros() / gaps))
}

/// Whether a customer has left by its own gap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct GapChurnView {
    /// Whether it has; `None` if it never bought.
    pub has_left: Option<bool>,
    /// The last instant at which it has not, without a further purchase.
    pub leaves_after: Option<Timestamp>,
    /// The mean time between its purchases; `None` below two.
    pub mean_gap_us: Option<Span>,
}

impl Projection for GapChurn {
    type State = ();
    type View = GapChurnView;

    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        1
    }

    fn evolve(&self, _state: &mut (), _event: &EventView<'_>) {}

    fn view(&self, _state: &(), customer: &CustomerAt<'_>) -> GapChurnView {
        let leaves_after = self.leaves_after(customer.purchases());
        GapChurnView {
            has_left: leaves_after.map(|last| customer.as_of() > last),
            leaves_after,
            mean_gap_us: mean_gap(customer.purchases()),
        }
    }

    fn holds_until(&self, _state: &(), customer: &CustomerAt<'_>) -> Option<Timestamp> {
        self.leaves_after(customer.purchases()).filter(|last| customer.as_of() <= *last)
    }
}
