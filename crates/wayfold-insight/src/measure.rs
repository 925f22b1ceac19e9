//! Measures: questions about many histories, each a fold whose parts merge.

mod activity_lifecycle;
mod attribution;
mod by_bucket;
mod calendar;
mod cases;
mod conformance;
mod directly_follows;
mod durations;
mod event_test;
mod funnel;
mod journey_map;
mod like;
mod names;
mod norms;
mod pairs;
mod paths;
mod process_map;
mod reading;
mod retention;
mod segment_of;
mod stages;
mod steps;
mod tally;
mod temporal_profile;
mod ties;
mod variants;

use wayfold_core::History;

pub use self::activity_lifecycle::{
    ActivityLifecycle, ActivityLifecycleReport, ActivityLifecycleTotal, LifecycleRow,
};
pub use self::attribution::{
    Attribution, AttributionModel, AttributionReport, AttributionTotal, ChannelCredit, shapley,
};
pub use self::calendar::{BucketUnit, Calendar};
pub use self::cases::{Activity, CaseBy, Cases};
pub use self::conformance::{ConformanceReport, IntendedPath, PathDeviation, PathDeviationRow};
pub use self::directly_follows::{
    DirectlyFollows, DirectlyFollowsReport, DirectlyFollowsTotal, EdgeCount, StepCount,
};
pub(crate) use self::durations::Durations;
pub use self::event_test::EventTest;
pub use self::funnel::{
    DroppedOut, Exclusion, Funnel, FunnelEntry, FunnelOrder, FunnelReport, FunnelStep, FunnelTies,
    FunnelTotal, RangeOf, Reach,
};
pub use self::journey_map::{FeelingScore, JourneyMap, JourneyMapCell, JourneyMapReport, JourneyMapTotal};
pub use self::like::Tool;
pub(crate) use self::names::Names;
pub use self::norms::{Norm, NormBreach, NormRow, NormTotal, Norms, NormsReport};
pub use self::paths::{PathNode, PathWay, Paths, PathsReport, PathsTotal};
pub(crate) use self::process_map::amount;
pub use self::process_map::{ActivityRow, EdgeRow, ProcessMap, ProcessMapReport, ProcessMapTotal};
pub use self::retention::{
    CohortBy, Retention, RetentionReport, RetentionRow, RetentionTotal, ReturnBuckets, ReturnIn,
};
pub(crate) use self::segment_of::{SegmentOf, by_segment};
pub use self::stages::{StageDurations, StageReport, StageRow, StageTime, StageTotal, StepBack};
pub use self::steps::Steps;
pub(crate) use self::tally::Tally;
pub use self::temporal_profile::{
    Deviation, DeviationRow, PairRow, TemporalDeviations, TemporalDeviationsReport, TemporalProfile,
    TemporalProfileReport, TemporalProfileTotal,
};
pub use self::ties::Ties;
pub use self::variants::{VariantRow, Variants, VariantsReport, VariantsTotal};

/// A question about many customers, answered by what the history of each adds to a total.
///
/// # Laws
/// - The order in which histories are added does not matter, nor how they are cut into parts that are merged.
/// - A history added with -1 takes away what it added with 1. So a total is kept up by taking the histories of the
///   customers who did something away as they were, and adding them as they are.
///
/// Pairs of measures are measures: several questions are answered in one pass over the log.
pub trait Measure: Send + Sync {
    /// What histories add up to; the default is that of none.
    type Total: Default + Send;

    /// Adds what a history says so many times: 1 to add it, -1 to take it away.
    fn add(&self, history: &History<'_>, times: i64, total: &mut Self::Total);

    /// Adds another part's total.
    fn merge(&self, total: &mut Self::Total, other: Self::Total);
}

impl<A: Measure, B: Measure> Measure for (A, B) {
    type Total = (A::Total, B::Total);

    fn add(&self, history: &History<'_>, times: i64, total: &mut Self::Total) {
        self.0.add(history, times, &mut total.0);
        self.1.add(history, times, &mut total.1);
    }

    fn merge(&self, total: &mut Self::Total, other: Self::Total) {
        self.0.merge(&mut total.0, other.0);
        self.1.merge(&mut total.1, other.1);
    }
}

impl<M: Measure> Measure for &M {
    type Total = M::Total;

    fn add(&self, history: &History<'_>, times: i64, total: &mut Self::Total) {
        (**self).add(history, times, total);
    }

    fn merge(&self, total: &mut Self::Total, other: Self::Total) {
        (**self).merge(total, other);
    }
}
