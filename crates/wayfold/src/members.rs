//! Who belongs to a watched segment, kept up to date by what a subscription tells.

use std::collections::BTreeSet;

use wayfold_core::{CustomerKey, Told, Transition};

use crate::error::Result;
use crate::subscribe::{Delivery, Subscription};

/// Who belongs to a segment that is [watched](crate::Builder::watch), where a subscription stands.
///
/// It begins with [`Subscription::members`] and goes on with each delivery:
///
/// ```
/// use wayfold::{
///     Builder, CustomerKey, EventId, Filter, JourneyEvent, MemoryStore, Registered, Rules, Span, Start, Timestamp,
///     WatchedFilter,
/// };
///
/// # pollster::block_on(async {
/// let at = Timestamp::parse("2024-03-01")?;
/// let mut builder = Builder::new(Rules::default())?.by_hand(at);
/// let filter = Filter::field("last_seen_at").older_than(Span::from_days(7));
/// builder.watch(WatchedFilter { segment: "quiet".to_owned(), version: 1, filter })?;
/// let wayfold = builder.open(MemoryStore::new()).await?;
/// let ada = CustomerKey::new("ada")?;
/// wayfold.append([&JourneyEvent::new(EventId::from_u128(1), ada.clone(), at, Registered {})]).await?;
///
/// let mut notices = wayfold.subscribe(Start::Now).await?;
/// let mut quiet = notices.members("quiet")?;
/// assert!(!quiet.contains(&ada));
/// wayfold.advance_to(at + Span::from_days(8)).await?;
/// while let Some(delivery) = notices.try_next().await? {
///     for (customer, is_member) in quiet.take(&delivery) {
///         println!("{customer} is {} now", if is_member { "quiet" } else { "back" });
///     }
/// }
/// assert!(quiet.contains(&ada));
/// # Ok::<(), wayfold::Error>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentMembers {
    segment: String,
    version: u32,
    members: BTreeSet<CustomerKey>,
}

impl SegmentMembers {
    /// The name of the segment.
    pub fn segment(&self) -> &str {
        &self.segment
    }

    /// The version of its filter.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// Says whether a customer belongs to it.
    pub fn contains(&self, customer: &CustomerKey) -> bool {
        self.members.contains(customer)
    }

    /// Who belongs to it, by the bytes of their keys.
    pub fn iter(&self) -> impl Iterator<Item = &CustomerKey> {
        self.members.iter()
    }

    /// How many belong to it.
    pub fn len(&self) -> usize {
        self.members.len()
    }

    /// Says whether nobody does.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Goes on with the delivery that follows, and says who belongs to the segment behind it and did not before, or the other
    /// way round, by the bytes of their keys.
    pub fn take(&mut self, delivery: &Delivery) -> Vec<(CustomerKey, bool)> {
        self.toggle(&delivery.told)
    }

    fn toggle(&mut self, told: &[Told]) -> Vec<(CustomerKey, bool)> {
        // What is told of one customer enters and leaves in turn, and what is withdrawn does the opposite: each turns the
        // membership round.
        let mut turned = BTreeSet::new();
        for notice in told.iter().map(Told::notice) {
            let Transition::Membership { segment, version, .. } = &notice.transition else { continue };
            if (segment, *version) == (&self.segment, self.version) && !turned.remove(&notice.customer) {
                turned.insert(notice.customer.clone());
            }
        }
        let turn = |customer: CustomerKey| {
            let is_member = !self.members.remove(&customer);
            if is_member {
                self.members.insert(customer.clone());
            }
            (customer, is_member)
        };
        turned.into_iter().map(turn).collect()
    }
}

impl Subscription {
    /// Who belongs to a watched segment behind the last delivery that was handed over; of several versions by the newest. It
    /// looks at every customer once, and is kept up by [`SegmentMembers::take`] from then on.
    ///
    /// # Errors
    /// `InvalidQuestion` if no such segment is watched, or its filter cannot be answered of a customer; also after a call of
    /// [`Subscription::next`] that failed or was dropped half way, until the next one.
    pub fn members(&self, segment: &str) -> Result<SegmentMembers> {
        let (version, members) = self.teller().members(segment)?;
        let members = members.into_iter().filter(|customer| self.is_meant(customer)).collect();
        let mut members = SegmentMembers { segment: segment.to_owned(), version, members };
        // What is told and not handed over yet is turned back, as the next call hands it over.
        let _ = members.toggle(self.not_handed_over());
        Ok(members)
    }
}
