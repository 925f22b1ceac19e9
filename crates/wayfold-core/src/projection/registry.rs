//! Projections of any type side by side: each keeps its states in a column of its own.

use std::any::Any;
use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::{
    CustomerAt, Fingerprint, Interest, JourneyProjection, LifecycleProjection, LoyaltyProjection, Projection,
    SegmentProjection, ValueProjection,
};
use crate::batch::{EventView, Run};
use crate::error::{Error, ErrorKind, Result};
use crate::field::Tree;
use crate::fold::PerCustomer;
use crate::list::CustomerList;
use crate::pack;
use crate::rules::Rules;
use crate::select::{Filter, PreparedFilter};
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
    /// The view as a tree; see [`Tree::of`] for what is wanted.
    fn view_tree(&self, customer: usize, at: &CustomerAt<'_>, wanted: Option<&[&str]>) -> Result<Tree>;
    fn write_state(&self, customer: usize, out: &mut dyn io::Write) -> Result<()>;
    /// Writes a state as MessagePack, in which parts of snapshots hold it.
    fn pack_state(&self, customer: usize, out: &mut Vec<u8>) -> Result<()>;
    fn unpack_state(&self, bytes: &[u8]) -> std::result::Result<SavedState, pack::ReadError>;
    /// Reads a state from the JSON of which parts of the first version are made.
    fn read_state(&self, json: &str) -> serde_json::Result<SavedState>;
    fn put(&mut self, customer: usize, saved: SavedState);
    fn as_any(&self) -> &dyn Any;
}

impl dyn StateColumn + '_ {
    /// What the names of its fields begin with: its name, and its version beyond the first.
    pub(crate) fn field_name(&self) -> String {
        field_name(self.name(), self.version())
    }
}

fn field_name(name: &str, version: u32) -> String {
    match version {
        1 => name.to_owned(),
        version => format!("{name}@{version}"),
    }
}

/// Folds a run at once, as a projection that is built in may do faster than event by event. It does not panic.
type EvolveRun<P> = fn(&P, &mut <P as Projection>::State, &Run<'_>);

pub(crate) struct Column<P: Projection> {
    projection: Arc<P>,
    evolve_run: Option<EvolveRun<P>>,
    interest: Interest,
    states: PerCustomer<P::State>,
    /// The first panic of the projection; from then on it folds and answers nothing, and the others go on.
    failure: OnceLock<Error>,
}

impl<P: Projection> Column<P> {
    /// Starts with nobody.
    pub(crate) fn new(projection: Arc<P>) -> Self {
        Self::with_evolve_run(projection, None)
    }

    fn with_evolve_run(projection: Arc<P>, evolve_run: Option<EvolveRun<P>>) -> Self {
        let interest = caught(|| projection.interest());
        let column = Self {
            interest: interest.as_ref().map_or(Interest::ALL, Interest::clone),
            projection,
            evolve_run,
            states: PerCustomer::default(),
            failure: OnceLock::new(),
        };
        if let Err(panic) = interest {
            column.fail("in its interest", &panic);
        }
        column
    }

    /// Answers about a customer.
    ///
    /// # Errors
    /// `ProjectionPanicked` if the projection panics or has panicked.
    pub(crate) fn view(&self, customer: usize, at: &CustomerAt<'_>) -> Result<P::View> {
        self.contain(|| self.projection.view(&self.states[customer], at))
    }

    /// What is kept of a customer.
    pub(crate) fn state(&self, customer: usize) -> &P::State {
        &self.states[customer]
    }

    /// Runs code of the projection, unless it has panicked before.
    fn contain<T>(&self, run: impl FnOnce() -> T) -> Result<T> {
        match self.failure.get() {
            Some(failure) => Err(failure.clone()),
            None => caught(run).map_err(|panic| self.fail("in a view", &panic)),
        }
    }

    fn not_written(&self, error: impl fmt::Display) -> Error {
        let message = format_args!("state of projection {:?}: {error}", self.projection.name());
        Error::new(ErrorKind::InvalidProjection, message)
    }

    fn fail(&self, place: impl fmt::Display, panic: &str) -> Error {
        let (name, version) = (self.projection.name(), self.projection.version());
        let message = format_args!("projection {name:?} version {version} panicked {place}: {panic}");
        self.failure.get_or_init(|| Error::new(ErrorKind::ProjectionPanicked, message)).clone()
    }
}

/// Reads a state by code of a user.
fn read_state<S: Send + Sync + 'static, E: serde::de::Error>(
    read: impl FnOnce() -> std::result::Result<S, E>,
) -> std::result::Result<SavedState, E> {
    let panicked = |panic| Err(E::custom(format_args!("it panicked: {panic}")));
    Ok(Box::new(caught(read).unwrap_or_else(panicked)?))
}

/// Runs code of a user; the error is what its panic said. Whatever the panic has left half done must not be looked
/// at any more.
fn caught<T>(run: impl FnOnce() -> T) -> std::result::Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
    })
}

impl<P: Projection> StateColumn for Column<P> {
    fn name(&self) -> &str {
        self.projection.name()
    }

    fn version(&self) -> u32 {
        self.projection.version()
    }

    fn grow(&mut self, customers: usize) {
        self.states.grow(customers, P::State::default);
    }

    fn evolve(&mut self, customer: usize, run: &Run<'_>) {
        // A state without size cannot learn anything from an event.
        if size_of::<P::State>() == 0 {
            return;
        }
        if self.failure.get().is_some() {
            return;
        }
        let (projection, interest, state) = (&self.projection, &self.interest, &mut self.states[customer]);
        if let Some(evolve_run) = self.evolve_run {
            return evolve_run(projection, state, run);
        }
        let mut folded = 0;
        let result = caught(|| {
            run.for_each(interest, |event| {
                projection.evolve(state, &event);
                folded += 1;
            });
        });
        if let Err(panic) = result
            && let Some(event) = run.iter().filter(|event| interest.has(event)).nth(folded)
        {
            self.fail(format_args!("at event {}", event.id()), &panic);
        }
    }

    fn evolve_one(&mut self, customer: usize, event: &EventView<'_>) {
        if self.failure.get().is_some() || !self.interest.has(event) {
            return;
        }
        let (projection, state) = (&self.projection, &mut self.states[customer]);
        if let Err(panic) = caught(|| projection.evolve(state, event)) {
            self.fail(format_args!("at event {}", event.id()), &panic);
        }
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
        // What has panicked says nothing any more, so that the others are asked without it.
        self.contain(|| self.projection.holds_until(&self.states[customer], at)).ok().flatten()
    }

    fn view_tree(&self, customer: usize, at: &CustomerAt<'_>, wanted: Option<&[&str]>) -> Result<Tree> {
        let view = self.view(customer, at)?;
        self.contain(|| Tree::of(&view, wanted))?.map_err(|error| {
            let name = field_name(self.name(), self.version());
            let message = format_args!("the view of projection {name:?} is no JSON: {error}");
            Error::new(ErrorKind::InvalidProjection, message)
        })
    }

    fn write_state(&self, customer: usize, out: &mut dyn io::Write) -> Result<()> {
        self.contain(|| crate::export::to_writer(out, &self.states[customer]))?
            .map_err(|error| self.not_written(error))
    }

    fn pack_state(&self, customer: usize, out: &mut Vec<u8>) -> Result<()> {
        self.contain(|| pack::write(out, &self.states[customer]))?.map_err(|error| self.not_written(error))
    }

    fn unpack_state(&self, bytes: &[u8]) -> std::result::Result<SavedState, pack::ReadError> {
        read_state(|| pack::read::<P::State>(bytes))
    }

    fn read_state(&self, json: &str) -> serde_json::Result<SavedState> {
        read_state(|| serde_json::from_str::<P::State>(json))
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

struct Registration<P: Projection> {
    projection: Arc<P>,
    evolve_run: Option<EvolveRun<P>>,
}

impl<P: Projection> Registered for Registration<P> {
    fn column(&self) -> Box<dyn StateColumn> {
        Box::new(Column::with_evolve_run(self.projection.clone(), self.evolve_run))
    }

    fn name(&self) -> &str {
        self.projection.name()
    }

    fn version(&self) -> u32 {
        self.projection.version()
    }
}

/// Asks a fold for the views of one registered projection.
pub struct Handle<P> {
    pub(crate) index: usize,
    projection: PhantomData<fn() -> P>,
}

impl<P> fmt::Debug for Handle<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.index).finish()
    }
}

impl<P> Clone for Handle<P> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<P> Copy for Handle<P> {}

/// The projections of a fold: those built in under their rules, and the user's own; and the lists that filters may ask
/// beside them. Cheap to clone.
#[derive(Clone)]
pub struct ProjectionSet {
    rules: Arc<Rules>,
    registered: Vec<Arc<dyn Registered>>,
    built_in: BuiltIn,
    lists: BTreeMap<String, Arc<CustomerList>>,
    watched: Vec<WatchedFilter>,
    checkpoints_every: u64,
}

/// Late events cost no less with a quarter of it (`docs/adr/0025-checkpoints-lie-towards-the-end.md`).
const CHECKPOINTS_EVERY: u64 = 1_024;

/// A filter under the name and version of a segment, whose members tellers tell of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchedFilter {
    /// The name of the segment.
    pub segment: String,
    /// Counts up with every change of the filter.
    pub version: u32,
    /// Who belongs to it.
    pub filter: Filter,
}

/// The handles of the built-in projections.
#[derive(Clone, Copy)]
pub(crate) struct BuiltIn {
    pub(crate) journeys: Handle<JourneyProjection>,
    pub(crate) lifecycle: Handle<LifecycleProjection>,
    pub(crate) segment: Handle<SegmentProjection>,
    pub(crate) value: Handle<ValueProjection>,
    /// There only under rules that look further than purchases and a fixed period.
    pub(crate) loyalty: Option<Handle<LoyaltyProjection>>,
}

impl fmt::Debug for ProjectionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.registered.iter().map(|entry| format!("{}@{}", entry.name(), entry.version()));
        f.debug_struct("ProjectionSet")
            .field("rules", &self.rules)
            .field("registered", &names.collect::<Vec<_>>())
            .field("lists", &self.lists.keys())
            .finish()
    }
}

impl ProjectionSet {
    /// Takes the built-in projections under rules: journeys, lifecycle, segment and value, and loyalty where the
    /// lifecycle looks further than purchases and a fixed period.
    ///
    /// # Errors
    /// `InvalidRules` as of [`Rules::validate`].
    pub fn new(rules: Rules) -> Result<Self> {
        rules.validate()?;
        let rules = Arc::new(rules);
        let mut registered = Vec::new();
        let journeys = JourneyProjection::new(rules.journey.clone());
        let journeys = add_with(&mut registered, journeys, Some(JourneyProjection::evolve_run));
        let lifecycle = add(&mut registered, LifecycleProjection::new(rules.lifecycle.clone()));
        let segment = add(
            &mut registered,
            SegmentProjection::new(rules.segment.clone(), rules.lifecycle.clone(), rules.value.revenue),
        );
        let value = add(&mut registered, ValueProjection::new(rules.value.clone()));
        let looks_further = rules.lifecycle.looks_further();
        let loyalty =
            looks_further.then(|| add(&mut registered, LoyaltyProjection::new(rules.lifecycle.clone())));
        let built_in = BuiltIn { journeys, lifecycle, segment, value, loyalty };
        let (lists, watched) = (BTreeMap::new(), Vec::new());
        Ok(Self { rules, registered, built_in, lists, watched, checkpoints_every: CHECKPOINTS_EVERY })
    }

    /// The projection that keeps what the lifecycle looks at beyond purchases.
    pub(crate) fn loyalty(&self) -> Option<Handle<LoyaltyProjection>> {
        self.built_in.loyalty
    }

    /// The built-in projections.
    pub(crate) fn built_in(&self) -> BuiltIn {
        self.built_in
    }

    /// Adds a projection and returns the handle that asks for its views.
    ///
    /// Two versions of one projection stand side by side.
    ///
    /// # Errors
    /// `InvalidProjection` if name and version are taken.
    pub fn register<P: Projection>(&mut self, projection: P) -> Result<Handle<P>> {
        let (name, version) = (projection.name(), projection.version());
        if self.contains(name, version) {
            let message =
                format_args!("projection {name:?} version {version} is registered; count its version up");
            return Err(Error::new(ErrorKind::InvalidProjection, message));
        }
        Ok(add(&mut self.registered, projection))
    }

    /// Says whether a projection of a name and version is registered.
    pub fn contains(&self, name: &str, version: u32) -> bool {
        self.registered.iter().any(|known| known.name() == name && known.version() == version)
    }

    /// Watches who a filter selects, once everything that it names is registered and put: a [`Teller`](crate::Teller) tells
    /// who enters and who leaves. States do not rest on it.
    ///
    /// # Errors
    /// `InvalidProjection` if a segment of this name and version is watched; `InvalidSelection` or `LimitExceeded` as
    /// [`Selection::validate`](crate::Selection::validate).
    pub fn watch(&mut self, watched: WatchedFilter) -> Result<()> {
        let WatchedFilter { segment, version, filter } = &watched;
        if self.watched.iter().any(|known| (&known.segment, known.version) == (segment, *version)) {
            let message =
                format_args!("segment {segment:?} version {version} is watched; count its version up");
            return Err(Error::new(ErrorKind::InvalidProjection, message));
        }
        PreparedFilter::new(self, filter).map_err(|error| error.at(format_args!("segment {segment:?}")))?;
        self.watched.push(watched);
        Ok(())
    }

    /// The filters that are watched, in the order in which they were named.
    pub fn watched(&self) -> &[WatchedFilter] {
        &self.watched
    }

    /// Keeps a copy of a customer's states whenever his history has grown by so many events, at least one, or by an eighth if
    /// that is more: a late event refolds from the copy before it. Whose events all came in order has none yet, so that his first late
    /// event refolds his whole history. The default is 1,024. Fewer make late events cheaper, and states larger; no answer depends
    /// on it.
    pub fn keep_checkpoints_every(&mut self, events: u64) {
        self.checkpoints_every = events.max(1);
    }

    pub(crate) fn checkpoints_every(&self) -> u64 {
        self.checkpoints_every
    }

    /// Puts a list, in the place of one of the same name. States do not rest on it, only what filters say.
    pub fn put_list(&mut self, list: CustomerList) {
        self.lists.insert(list.name().to_owned(), Arc::new(list));
    }

    /// The list of a name.
    pub fn list(&self, name: &str) -> Option<&CustomerList> {
        self.lists.get(name).map(Arc::as_ref)
    }

    /// The lists, by name.
    pub fn lists(&self) -> impl Iterator<Item = &CustomerList> {
        self.shared_lists().map(Arc::as_ref)
    }

    pub(crate) fn shared_lists(&self) -> impl Iterator<Item = &Arc<CustomerList>> {
        self.lists.values()
    }

    /// The rules of the built-in projections.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What the names of each projection's fields begin with, in the order of the columns.
    pub(crate) fn field_names(&self) -> Vec<String> {
        self.registered.iter().map(|entry| field_name(entry.name(), entry.version())).collect()
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
    add_with(registered, projection, None)
}

fn add_with<P: Projection>(
    registered: &mut Vec<Arc<dyn Registered>>,
    projection: P,
    evolve_run: Option<EvolveRun<P>>,
) -> Handle<P> {
    let handle = Handle { index: registered.len(), projection: PhantomData };
    registered.push(Arc::new(Registration { projection: Arc::new(projection), evolve_run }));
    handle
}
