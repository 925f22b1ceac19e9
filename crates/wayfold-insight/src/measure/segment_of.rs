//! Segments told apart by measures: one way to ask for them, and one to say to which a history belongs.

use std::fmt;
use std::sync::Arc;

use wayfold_core::History;

/// Says to which segment a history belongs, if a measure tells segments apart.
#[derive(Clone, Default)]
pub(crate) struct SegmentOf(Option<Arc<Says>>);

type Says = dyn Fn(&History<'_>) -> Option<String> + Send + Sync;

impl SegmentOf {
    pub(crate) fn new(segment: impl Fn(&History<'_>) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(segment)))
    }

    /// Whether segments are told apart.
    pub(crate) fn is_asked(&self) -> bool {
        self.0.is_some()
    }

    /// The segment; none as well where segments are not told apart.
    pub(crate) fn of(&self, history: &History<'_>) -> Option<String> {
        self.0.as_ref().and_then(|segment| segment(history))
    }

    /// The segment where they are told apart, and none where they are not; nothing for who is to be left out because it
    /// belongs to none.
    pub(crate) fn asked(&self, history: &History<'_>) -> Option<Option<String>> {
        match &self.0 {
            Some(segment) => segment(history).map(Some),
            None => Some(None),
        }
    }
}

impl fmt::Debug for SegmentOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "told apart" } else { "not told apart" })
    }
}

/// The method by which a measure with a field `segment` is asked to tell segments apart, under its documentation.
macro_rules! by_segment {
    ($(#[$doc:meta])*) => {
        $(#[$doc])*
        ///
        /// The segment has to be a function of the history alone, so that what was added can be taken away.
        pub fn by_segment(
            mut self,
            segment: impl Fn(&wayfold_core::History<'_>) -> Option<String> + Send + Sync + 'static,
        ) -> Self {
            self.segment = crate::measure::SegmentOf::new(segment);
            self
        }
    };
}

pub(crate) use by_segment;
