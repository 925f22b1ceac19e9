//! Projections of any type side by side: each keeps its states in a column of its own.

use std::any::Any;
use std::io;
use std::marker::PhantomData;
use std::sync::Arc;

use super::{
    CustomerAt, Fingerprint, JourneyProjection, LifecycleProjection, Projection, SegmentProjection,
    ValueProjection,
};
use crate::batch::{EventView, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::rules::Rules;
use crate::time::Timestamp;

/// A copy of one customer's state of one projection.
pub(crate) type SavedState = Box<dyn Any + Send + Sync>;

/// The states of one projection, by customer number.
pub(crate) trait StateColumn: Send + Sync {
    fn name(&self) -> &str;
    fn version(&self) -> u32;
    fn grow(&mut self, customers: usize);
    fn evolve(&mut self, customer: usize, run: &Run<'_>);
    fn evolve_one(&mut self, customer: usize, event: &EventView<'_>);
    fn reset(&mut self, customer: usize);
    fn save(&self, customer: usize) -> SavedState;
    fn restore(&mut self, customer: usize, saved: &SavedState);
    fn holds_until(&self, customer: usize, at: &CustomerAt<'_>) -> Option<Timestamp>;
    fn view_json(&self, customer: usize, at: &CustomerAt<'_>) -> serde_json::Result<serde_json::Value>;
    fn write_state(&self, customer: usize, out: &mut dyn io::Write) -> serde_json::Result<()>;
    fn read_state(&self, json: &str) -> serde_json::Result<SavedState>;
    fn put(&mut self, customer: usize, saved: SavedState);
    fn as_any(&self) -> &dyn Any;
}

pub(crate) struct Column<P: Projection> {
    pub(crate) projection: Arc<P>,
    pub(crate) states: Vec<P::State>,
}

impl<P: Projection> StateColumn for Column<P> {
    fn name(&self) -> &str {
        self.projection.name()
    }

    fn version(&self) -> u32 {
        self.projection.version()
    }

    fn grow(&mut self, customers: usize) {
        self.states.resize_with(customers, P::State::default);
    }

    fn evolve(&mut self, customer: usize, run: &Run<'_>) {
        // A state without size cannot learn anything from an event.
        if size_of::<P::State>() == 0 {
            return;
        }
        let state = &mut self.states[customer];
        for event in run.iter() {
            self.projection.evolve(state, &event);
        }
    }

    fn evolve_one(&mut self, customer: usize, event: &EventView<'_>) {
        self.projection.evolve(&mut self.states[customer], event);
    }

    fn reset(&mut self, customer: usize) {
        self.states[customer] = P::State::default();
    }

    fn save(&self, customer: usize) -> SavedState {
        Box::new(self.states[customer].clone())
    }

    fn restore(&mut self, customer: usize, saved: &SavedState) {
        let saved = saved.downcast_ref::<P::State>().expect("a column restores what it saved");
        self.states[customer] = saved.clone();
    }

    fn holds_until(&self, customer: usize, at: &CustomerAt<'_>) -> Option<Timestamp> {
        self.projection.holds_until(&self.states[customer], at)
    }

    fn view_json(&self, customer: usize, at: &CustomerAt<'_>) -> serde_json::Result<serde_json::Value> {
        serde_json::to_value(self.projection.view(&self.states[customer], at))
    }

    fn write_state(&self, customer: usize, out: &mut dyn io::Write) -> serde_json::Result<()> {
        crate::export::to_writer(out, &self.states[customer])
    }

    fn read_state(&self, json: &str) -> serde_json::Result<SavedState> {
        Ok(Box::new(serde_json::from_str::<P::State>(json)?))
    }

    fn put(&mut self, customer: usize, saved: SavedState) {
        self.states[customer] = *saved.downcast().expect("a column takes what it read");
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Makes empty columns for a registered projection.
trait Registered: Send + Sync {
    fn column(&self) -> Box<dyn StateColumn>;
    fn name(&self) -> &str;
    fn version(&self) -> u32;
}

struct Registration<P>(Arc<P>);

impl<P: Projection> Registered for Registration<P> {
    fn column(&self) -> Box<dyn StateColumn> {
        Box::new(Column { projection: self.0.clone(), states: Vec::new() })
    }

    fn name(&self) -> &str {
        self.0.name()
    }

    fn version(&self) -> u32 {
        self.0.version()
    }
}

/// Asks a fold for the views of one registered projection.
pub struct Handle<P> {
    pub(crate) index: usize,
    projection: PhantomData<fn() -> P>,
}

impl<P> std::fmt::Debug for Handle<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Handle").field(&self.index).finish()
    }
}

impl<P> Clone for Handle<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Handle<P> {}

/// The projections of a fold: the four built in under their rules, and the user's own. Cheap to clone.
#[derive(Clone)]
pub struct ProjectionSet {
    rules: Arc<Rules>,
    registered: Vec<Arc<dyn Registered>>,
    pub(crate) journeys: Handle<JourneyProjection>,
    pub(crate) lifecycle: Handle<LifecycleProjection>,
    pub(crate) segment: Handle<SegmentProjection>,
    pub(crate) value: Handle<ValueProjection>,
}

impl std::fmt::Debug for ProjectionSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.registered.iter().map(|entry| format!("{}@{}", entry.name(), entry.version()));
        f.debug_struct("ProjectionSet")
            .field("rules", &self.rules)
            .field("registered", &names.collect::<Vec<_>>())
            .finish()
    }
}

impl ProjectionSet {
    /// Takes the four built-in projections under rules.
    ///
    /// # Errors
    /// `InvalidRules` as of [`Rules::validate`].
    pub fn new(rules: Rules) -> Result<Self> {
        rules.validate()?;
        let rules = Arc::new(rules);
        let mut registered = Vec::new();
        let journeys = add(&mut registered, JourneyProjection::new(rules.journey.clone()));
        let lifecycle = add(&mut registered, LifecycleProjection::new(rules.lifecycle.clone()));
        let segment = add(
            &mut registered,
            SegmentProjection::new(rules.segment.clone(), rules.lifecycle.clone(), rules.value.revenue),
        );
        let value = add(&mut registered, ValueProjection::new(rules.value.clone()));
        Ok(Self { rules, registered, journeys, lifecycle, segment, value })
    }

    /// Adds a projection and returns the handle that asks for its views.
    ///
    /// Two versions of one projection stand side by side.
    ///
    /// # Errors
    /// `InvalidProjection` if name and version are taken.
    pub fn register<P: Projection>(&mut self, projection: P) -> Result<Handle<P>> {
        let (name, version) = (projection.name(), projection.version());
        if self.registered.iter().any(|known| known.name() == name && known.version() == version) {
            let message =
                format_args!("projection {name:?} version {version} is registered; count its version up");
            return Err(Error::new(ErrorKind::InvalidProjection, message));
        }
        Ok(add(&mut self.registered, projection))
    }

    /// The rules of the built-in projections.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What the states of a fold mean; states that were saved under another one are refused.
    pub fn fingerprint(&self) -> Fingerprint {
        let names = self.registered.iter().map(|entry| format!("{}@{}", entry.name(), entry.version()));
        Fingerprint::new(&self.rules, names.collect())
    }

    pub(crate) fn columns(&self) -> Vec<Box<dyn StateColumn>> {
        self.registered.iter().map(|entry| entry.column()).collect()
    }
}

fn add<P: Projection>(registered: &mut Vec<Arc<dyn Registered>>, projection: P) -> Handle<P> {
    let handle = Handle { index: registered.len(), projection: PhantomData };
    registered.push(Arc::new(Registration(Arc::new(projection))));
    handle
}
