//! An embeddable, event-sourced customer journey engine.
//!
//! Record what customers do; ask, for any customer, at any instant, where they stand and why.
//!
//! ```
//! use wayfold::blocking::Wayfold;
//! use wayfold::{
//!     Currency, CustomerKey, EventId, JourneyEvent, LifecycleStage, MemoryStore, Money, OrderPlaced, Tag, Timestamp,
//! };
//!
//! let wayfold = Wayfold::open(MemoryStore::new())?;
//! let ada = CustomerKey::new("ada")?;
//! let order = OrderPlaced {
//!     lines: vec![],
//!     amount: Money::parse("29.33", Currency::EUR)?,
//!     promised_at: None,
//! };
//! let id = EventId::from_natural_key("shop", "order", &["o1"]);
//! let at = Timestamp::parse("2024-03-01T10:00:00Z")?;
//! let event = JourneyEvent::new(id, ada.clone(), at, order).with_tag(Tag::order("o1")?);
//! wayfold.append([&event])?;
//!
//! let view = wayfold.customer_as_of(&ada, Timestamp::parse("2024-03-02")?)?.expect("ada is known");
//! assert_eq!(view.lifecycle.stage, LifecycleStage::FirstTime);
//! assert_eq!(view.value.currencies[0].net.to_string(), "29.33 EUR");
//! # Ok::<(), wayfold::Error>(())
//! ```
//!
//! # Main types
//!
//! - [`Wayfold`], the engine, opened by itself or through a [`Builder`]; [`blocking::Wayfold`] for scripts.
//! - [`Wayfold::decide`] with a [`Standing`]: decisions that hold against whoever decides at the same time.
//! - [`JourneyEvent`] with one body for each kind, such as [`OrderPlaced`]; [`EventBatch`] for many.
//! - [`CustomerView`], [`Explanation`] and [`Population`]: the answers.
//! - [`Rules`]: every threshold, with a version that the answers name.
//! - [`Projection`]: the trait of the built-in projections and of your own.
//! - [`cluster::Cluster`]: customers in several databases, shared by workers.
//! - [`EventStore`]: what a backend implements; [`MemoryStore`] is the reference. A [`StoreUrl`] opens one by its name.
//!
//! Doc examples of re-exported items name the crate that defines them: write `wayfold` for `wayfold_core`,
//! [`wayfold::store`](store) for `wayfold_store`, [`wayfold::sqlite`](sqlite) for `wayfold_sqlite`,
//! [`wayfold::postgres`](postgres) for `wayfold_postgres`, [`wayfold::ingest`](ingest) for `wayfold_ingest` and
//! [`wayfold::insight`](insight) for `wayfold_insight`.
//!
//! # What it is not
//!
//! No event-store server, no general CQRS framework, no message bus, no dashboard. The engine has no runtime: it works
//! on any executor, and its own work is done by a thread that ends with it. What is told depends on events and instants
//! alone; a clock is read for the instant of a question that names none, and random numbers decide on waits.
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `ingest` | yes | import of CSV by a mapping, and of JSON Lines: Wayfold's own events, CloudEvents, Segment, Google Analytics 4 |
//! | `cluster` | no | [`cluster`]: customers in several PostgreSQL databases, and workers that share them by leases |
//! | `insight` | no | [`insight`]: segments by rules, models of what customers are worth and what drives it, measures such as process maps |
//! | `parquet` | no | Wayfold's own events as Parquet, in and out; needs a C compiler |
//! | `sqlite` | yes | [`sqlite::SqliteStore`]: the log in one file; needs a C compiler |
//! | `postgres` | no | [`postgres::PostgresStore`]: the log in a PostgreSQL database, for several instances of a service |
//! | `postgres-tls` | no | encrypted connections to it; needs a C compiler |

mod alone;
mod ask;
mod backtest;
pub mod blocking;
mod builder;
mod clock;
#[cfg(feature = "cluster")]
pub mod cluster;
mod contain;
mod decide;
mod engine;
mod error;
mod follow;
#[cfg(feature = "ingest")]
mod import;
#[cfg(test)]
mod interleavings;
mod known;
mod live;
#[cfg(feature = "insight")]
mod measure;
mod members;
mod platform;
mod rebuild;
mod request;
mod shards;
mod snapshot;
mod store_url;
mod subscribe;
mod versions;
mod wait;
mod whole;

pub use self::alone::{fold_alone, fold_alone_of};
pub use self::ask::AsOf;
pub use self::builder::Builder;
pub use self::decide::{Decided, RetryPolicy, Standing};
pub use self::engine::Wayfold;
pub use self::error::{Error, ErrorKind, Result};
#[cfg(feature = "ingest")]
pub use self::import::Imported;
pub use self::known::{AsKnownAt, KnownAt};
#[cfg(feature = "insight")]
pub use self::measure::{Measured, measure_alone, measure_alone_of};
pub use self::members::SegmentMembers;
pub use self::rebuild::{Progress, Rebuild};
pub use self::request::{Appended, Request, Requested};
pub use self::snapshot::{Opened, Snapshotted};
pub use self::store_url::StoreUrl;
pub use self::subscribe::{Delivery, Place, Start, Subscription};
#[doc(inline)]
pub use wayfold_core::bodies;
// The one family that is listed where it is declared: a struct for each kind, made by one macro.
pub use uuid::Uuid;
pub use wayfold_core::bodies::*;
#[doc(inline)]
pub use wayfold_core::{
    Actor, Amount, AttributeName, AttributeValue, Attributes, BatchBuilder, BehaviourClass, Cause, Change,
    Channel, ChurnStep, ChurnedBy, Currency, CurrencyTotals, CurrencyValue, Cursor, CustomKind, CustomerAt,
    CustomerId, CustomerKey, CustomerList, CustomerRecord, CustomerView, EventBatch, EventBody, EventId,
    EventKind, EventTime, EventView, Explanation, FILTER_DEPTH_MAX, FILTER_NODES_MAX, FieldFilter, FieldTest,
    Filter, FilterJudge, FilteredField, GapsView, Handle, History, Interest, JourneyEvent, JourneyKey,
    JourneyRules, JourneyView, JourneysView, LifecycleRules, LifecycleStage, LifecycleView, Limits, LineView,
    ListEdition, LoyalBy, LoyalNps, LoyalReason, LoyaltyView, Member, MemberDifference, Money, MoneySum,
    Moved, NamedSegments, NestedJson, Notice, NoticeId, Operand, Order, OrderBook, OrderDirection, OrderId,
    OrderLine, Outcome, OwnGap, Ownership, Page, Parting, PlacedOrder, Population, PopulationDifference,
    PopulationSummary, Position, Projection, ProjectionSet, PromiseCounts, PromiseState, PromiseView,
    Purchase, RawEvent, RawFields, Rectangle, Report, RevenueBasis, RfmScores, RfmTable, RfmValues, Rounding,
    Rules, ScoredCustomer, SegmentRules, SegmentView, Selection, SortedViews, Span, Spell, Stage, StageView,
    Step, Tag, Tenant, TieRule, Timestamp, Told, Transition, UpcastResult, Upcasters, UpcastersBuilder,
    ValueRules, ValueView, WatchedFilter,
};
#[cfg(feature = "ingest")]
#[doc(inline)]
pub use wayfold_ingest as ingest;
#[cfg(feature = "insight")]
#[doc(inline)]
pub use wayfold_insight as insight;
#[cfg(feature = "postgres")]
#[doc(inline)]
pub use wayfold_postgres as postgres;
#[cfg(feature = "sqlite")]
#[doc(inline)]
pub use wayfold_sqlite as sqlite;
#[doc(inline)]
pub use wayfold_store as store;
pub use wayfold_store::{AppendCondition, AppendOutcome, EventFilter, EventStore, MemoryStore, ReadQuery};

/// Compiles and runs the example of the readme.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

/// Compiles and runs the example of the readme in Chinese.
#[cfg(doctest)]
#[doc = include_str!("../../../README.zh-CN.md")]
struct ReadmeChinese;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/first-journey.md")]
struct FirstJourney;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/rebuild.md")]
struct RebuildGuide;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/speed.md")]
struct SpeedGuide;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/schema-versions.md")]
struct SchemaVersions;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../../../docs/guide/storage.md")]
struct Storage;

/// Compiles the program of the guide.
#[cfg(all(doctest, feature = "postgres"))]
#[doc = include_str!("../../../docs/guide/postgres.md")]
struct Postgres;

/// Compiles the programs of the guide.
#[cfg(all(doctest, feature = "cluster"))]
#[doc = include_str!("../../../docs/guide/cluster.md")]
struct ClusterGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "sqlite"))]
#[doc = include_str!("../../../docs/guide/embed.md")]
struct Embed;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/decide.md")]
struct Decide;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/time.md")]
struct Time;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/notices.md")]
struct Notices;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/select.md")]
struct Select;

/// Compiles and runs the program of the guide.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/operate.md")]
struct Operate;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "parquet"))]
#[doc = include_str!("../../../docs/guide/parquet.md")]
struct ParquetGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "ingest"))]
#[doc = include_str!("../../../docs/guide/json-events.md")]
struct JsonEventsGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/lifetime-value.md")]
struct LifetimeValueGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/process-maps.md")]
struct ProcessMapsGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/funnels.md")]
struct FunnelsGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/segments.md")]
struct SegmentsGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/leavers.md")]
struct LeaversGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/drivers.md")]
struct DriversGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/points.md")]
struct PointsGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/recommend.md")]
struct RecommendGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/pipeline.md")]
struct PipelineGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/accounts.md")]
struct AccountsGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/promises.md")]
struct PromisesGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/satisfaction.md")]
struct SatisfactionGuide;

/// Compiles and runs the program of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/currencies.md")]
struct CurrenciesGuide;

/// Compiles and runs the programs of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/offers.md")]
struct OffersGuide;

/// Compiles and runs the programs of the guide.
#[cfg(all(doctest, feature = "insight"))]
#[doc = include_str!("../../../docs/guide/care.md")]
struct CareGuide;
