//! Presets that copy the defaults of known tools, so that figures can be set beside theirs.

use wayfold_core::Span;

use super::activity_lifecycle::ActivityLifecycle;
use super::calendar::{BucketUnit, Calendar};
use super::event_test::EventTest;
use super::funnel::{Exclusion, Funnel, FunnelEntry, FunnelOrder, RangeOf};
use super::retention::{CohortBy, Retention, ReturnBuckets, ReturnIn};
use crate::error::{Error, ErrorKind, Result};
use chrono::Weekday;
use chrono_tz::Tz;

/// A tool whose defaults are copied, as its documentation says them.
///
/// | tool | funnel | retention |
/// |---|---|---|
/// | PostHog | 14 days, latest entry, every step in the range | calendar days, every start |
/// | Mixpanel | 7 days, first entry, the entry in the range | spans of 24 hours, first start |
/// | Amplitude | 30 days, latest entry, the entry in the range | spans of 24 hours, every start |
/// | ClickHouse | `windowFunnel`: the window has to be given, latest entry, no range | none |
///
/// The windows are those that their documentation states as defaults: PostHog's API reference of funnels
/// (`funnel_window_interval`), the page on conversion criteria of Mixpanel's funnels report, and Amplitude's Dashboard REST API
/// (`cs`); a chart that somebody opens there may begin with another window.
///
/// In all of them steps are ordered with anything in between, the window runs from the entry and includes its end, and a
/// customer counts once. Amplitude rounds instants down to the hour before it counts days; that is not copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tool {
    /// PostHog.
    PostHog,
    /// Mixpanel.
    Mixpanel,
    /// Amplitude.
    Amplitude,
    /// ClickHouse, by its function `windowFunnel`.
    ClickHouse,
}

impl Tool {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::PostHog => "PostHog",
            Self::Mixpanel => "Mixpanel",
            Self::Amplitude => "Amplitude",
            Self::ClickHouse => "ClickHouse windowFunnel",
        }
    }

    fn window(self) -> Option<Span> {
        match self {
            Self::PostHog => Some(Span::from_days(14)),
            Self::Mixpanel => Some(Span::from_days(7)),
            Self::Amplitude => Some(Span::from_days(30)),
            Self::ClickHouse => None,
        }
    }
}

impl Funnel {
    /// Measures steps by the defaults of a tool; `None` takes its window. What is set afterwards stands instead.
    ///
    /// # Errors
    /// As [`Funnel::new`], and `InvalidParameter` if the tool has no window of its own and none is given.
    pub fn like(tool: Tool, steps: Vec<EventTest>, window: Option<Span>) -> Result<Self> {
        let window = window.or(tool.window()).ok_or_else(|| {
            let message = format_args!("{} has no window of its own; give one", tool.name());
            Error::new(ErrorKind::InvalidParameter, message)
        })?;
        let entry = match tool {
            Tool::Mixpanel => FunnelEntry::First,
            Tool::PostHog | Tool::Amplitude | Tool::ClickHouse => FunnelEntry::Latest,
        };
        let range_of = match tool {
            Tool::PostHog => RangeOf::EveryStep,
            Tool::Mixpanel | Tool::Amplitude | Tool::ClickHouse => RangeOf::Entry,
        };
        Ok(Self::new(steps, window)?
            .with_order(FunnelOrder::Ordered)
            .with_entry(entry)
            .excluding(Vec::new(), Exclusion::DropsCustomer)
            .over(range_of)
            .named_like(tool))
    }
}

impl Retention {
    /// Measures days by the defaults of a tool. What is set afterwards stands instead.
    ///
    /// # Errors
    /// `InvalidParameter` if the tool has no retention with defaults.
    pub fn like(tool: Tool, zone: Tz, start: EventTest, back: EventTest) -> Result<Self> {
        let (cohort, buckets) = match tool {
            Tool::PostHog => (CohortBy::Every, ReturnBuckets::Calendar),
            Tool::Mixpanel => (CohortBy::First, ReturnBuckets::Rolling),
            Tool::Amplitude => (CohortBy::Every, ReturnBuckets::Rolling),
            Tool::ClickHouse => return Err(without(tool, "retention", "PostHog, Mixpanel or Amplitude")),
        };
        let calendar = Calendar::new(zone, BucketUnit::Day);
        Ok(Self::new(calendar, start, back)
            .with_cohort(cohort)
            .with_return(ReturnIn::On)
            .with_buckets(buckets)
            .named_like(tool))
    }
}

impl ActivityLifecycle {
    /// Measures by the defaults of a tool: PostHog's, whose weeks begin on Sunday.
    ///
    /// # Errors
    /// `InvalidParameter` for the other tools.
    pub fn like(tool: Tool, zone: Tz, unit: BucketUnit, active: EventTest) -> Result<Self> {
        match tool {
            Tool::PostHog => {
                let calendar = Calendar::new(zone, unit).with_week_start(Weekday::Sun);
                Ok(Self::new(calendar, active).named_like(tool))
            }
            _ => Err(without(tool, "activity lifecycle", "PostHog")),
        }
    }
}

fn without(tool: Tool, what: &str, others: &str) -> Error {
    let message = format_args!("{} has no {what} with defaults; take {others}", tool.name());
    Error::new(ErrorKind::InvalidParameter, message)
}

/// The tool whose defaults were taken, as it stands before semantics.
pub(super) fn after(tool: Option<Tool>) -> String {
    tool.map_or_else(String::new, |tool| format!("after {}: ", tool.name()))
}
