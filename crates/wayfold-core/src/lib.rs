//! The pure core of Wayfold: what customers do, folded into journey, lifecycle, segment and value.
//!
//! ```
//! use wayfold_core::{
//!     CustomerKey, EventBatch, EventId, Fold, JourneyEvent, LifecycleStage, ProjectionSet, Registered, Rules, Timestamp,
//! };
//!
//! let (key, at) = (CustomerKey::new("ada")?, Timestamp::parse("2024-01-01")?);
//! let event = JourneyEvent::new(EventId::from_u128(7), key.clone(), at, Registered {});
//! let mut fold = Fold::new(&ProjectionSet::new(Rules::default())?);
//! let _ = fold.apply(&[EventBatch::from_events([&event])?]);
//! assert_eq!(fold.view(&key, at)?.expect("ada is known").lifecycle.stage, LifecycleStage::Prospect);
//! # Ok::<(), wayfold_core::Error>(())
//! ```
//!
//! Events become [`EventBatch`]es; a [`Fold`] turns batches, in any order, into the states of a
//! [`ProjectionSet`]; a [`CustomerView`] or [`Population`] answers from them as of an instant, and [`explain`]
//! says why. There is no clock, no randomness, no I/O and no async in this crate: time and ids come in as
//! arguments.
//!
//! # The JSON form of an event
//!
//! One object. `id` (a UUID), `customer`, `occurred_at` (RFC 3339, its offset is kept), `kind` (a name such as
//! `order_placed`, or `custom`), `schema_version` and `fields` (an object with the fields of the kind, see
//! [`bodies`]) are always written. The others are left out when empty: `tenant`, `journey`, `received_at`,
//! `sequence`, `stage`, `tags` (texts `type:id`), `attributes` (see [`AttributeValue`]), `channel`, `source`,
//! `actor` (`team`, `person`), `correlation`, `causation`, and the two that a store adds, `recorded_at` and
//! `position`. Money is `{"amount": "29.33", "currency": "USD"}`: decimal text, never a float. Unknown members
//! are refused by name; unknown kinds are kept as they came; older schema versions are lifted by [`Upcasters`].
//!
//! ```
//! let json = r#"{"id":"00000000-0000-0000-0000-000000000007","customer":"ada","kind":"order_placed",
//!     "occurred_at":"2024-03-01T10:00:00+01:00","schema_version":1,"tags":["order:o1"],
//!     "fields":{"amount":{"amount":"29.33","currency":"EUR"},"lines":[{"product":"lamp","quantity":1}]}}"#;
//! let event: wayfold_core::JourneyEvent = serde_json::from_str(json).unwrap();
//! assert_eq!(event.occurred_at.offset_minutes(), 60);
//! ```

mod batch;
mod currency;
mod error;
mod event;
mod explain;
mod export;
mod field;
mod fold;
mod key;
mod keyed;
mod list;
mod money;
mod notice;
mod orders;
mod pack;
mod population;
mod projection;
mod rules;
mod select;
mod shard;
mod stage;
mod text;
mod text_enum;
mod time;
mod view;

pub use self::batch::{
    BatchBuilder, ColumnGroup, ColumnSource, EventBatch, EventView, LineView, RawBatch, RawColumn,
    RawOffsets, RawPacked, RawTexts, RawValues, is_label, is_numeric_field,
};
pub use self::currency::Currency;
pub use self::error::{Error, ErrorKind, Result};
pub use self::event::bodies;
pub use self::event::{
    Actor, AttributeValue, Attributes, EventBody, EventKind, Extent, JourneyEvent, Limits, NestedJson,
    OrderKey, OrderLine, RawEvent, RawFields, UpcastResult, Upcasters, UpcastersBuilder,
    attributes_from_json,
};
// The one family that is listed where it is declared: a struct for each kind, made by one macro.
pub use self::bodies::*;
pub use self::explain::{Cause, Change, Explanation, Parting, Report, Step, explain};
pub use self::fold::{
    Applied, Fold, History, HistoryFold, PartEntry, Refold, Snapshot, SnapshotPart, SortedViews, Teller,
    for_each_history,
};
pub use self::key::{
    AttributeName, CustomKind, CustomerId, CustomerKey, EventId, JourneyKey, NAME_BYTES_MAX, OrderId,
    Position, Tag, Tenant, spread,
};
pub use self::list::{CustomerList, ListEdition};
pub use self::money::{Amount, Money, MoneySum, Rounding};
pub use self::notice::{Notice, NoticeId, Told, Transition};
pub use self::orders::OrderBook;
pub use self::population::{
    CurrencyTotals, Member, MemberDifference, Moved, NamedSegments, Population, PopulationDifference,
    PopulationSummary, Rectangle, RfmScores, RfmTable, ScoredCustomer, TieRule,
};
pub use self::projection::{
    CustomerAt, CustomerRecord, Fingerprint, Handle, Interest, Projection, ProjectionSet, WatchedFilter,
};
pub use self::rules::{
    ChurnStep, ChurnedBy, JourneyRules, LifecycleRules, LoyalBy, LoyalNps, OwnGap, RevenueBasis, Rules,
    SegmentRules, ValueRules,
};
pub use self::select::{
    Cursor, FILTER_DEPTH_MAX, FILTER_NODES_MAX, FieldFilter, FieldReader, FieldTest, FieldValue, Filter,
    FilterJudge, FilterVerdict, FilteredField, Operand, Order, OrderDirection, Page, Selection, Spell,
};
pub use self::shard::{Shard, VirtualShard};
pub use self::stage::{Channel, Ownership, Stage};
pub use self::time::{EventTime, Span, Timestamp};
pub use self::view::{
    BehaviourClass, CurrencyValue, CustomerView, GapsView, JourneyView, JourneysView, LifecycleStage,
    LifecycleView, LoyalReason, LoyaltyView, Outcome, PlacedOrder, PromiseCounts, PromiseState, PromiseView,
    Purchase, RfmValues, SegmentView, StageView, ValueView,
};
