//! The memory store keeps every promise of the port, alone and in every layer while that is idle.

use std::sync::Arc;

use wayfold_core::{EventBatch, Position};
use wayfold_store::{
    AppendCondition, AppendOutcome, BoxFuture, Capabilities, Checkpoint, CheckpointName, EventStore,
    FaultStore, MemoryStore, ReadPage, ReadQuery, Result, TracedStore,
};
use wayfold_testkit::conformance::{
    LogConfig, MODEL_PARTS, MemoryBench, OpenLog, Opened, StoreBench, condition_cells,
};

/// A memory store in layers, made by a function.
struct Layered(fn(MemoryStore) -> Opened);

impl StoreBench for Layered {
    fn log(&self, config: LogConfig) -> OpenLog {
        let layered = self.0;
        Box::new(move || {
            let clock = config.clock.clone();
            layered(MemoryStore::with_limits(config.limits.clone()).with_clock(move || clock.now()))
        })
    }
}

/// Every append is sent twice, which a right store does not mind.
fn send_twice(store: MemoryStore) -> Opened {
    Opened::new((1..20_000).fold(FaultStore::new(store), FaultStore::repeat))
}

/// Memory that the handles of one log share, so that it outlives each of them.
struct SharedBench;

#[derive(Debug)]
struct SharedMemory(Arc<MemoryStore>);

impl StoreBench for SharedBench {
    fn log(&self, config: LogConfig) -> OpenLog {
        let clock = config.clock;
        let log = Arc::new(MemoryStore::with_limits(config.limits).with_clock(move || clock.now()));
        Box::new(move || Opened::new(SharedMemory(log.clone())))
    }
}

impl EventStore for SharedMemory {
    fn capabilities(&self) -> Capabilities {
        let mut capabilities = Capabilities::none();
        (capabilities.durable, capabilities.shared) = (true, true);
        capabilities
    }

    fn append(
        &self,
        batch: EventBatch,
        condition: Option<AppendCondition>,
    ) -> BoxFuture<'_, Result<AppendOutcome>> {
        self.0.append(batch, condition)
    }

    fn read(&self, query: ReadQuery, from: Position, limit: usize) -> BoxFuture<'_, Result<ReadPage>> {
        self.0.read(query, from, limit)
    }

    fn head(&self) -> BoxFuture<'_, Result<Position>> {
        self.0.head()
    }

    fn wait_past(&self, position: Position) -> BoxFuture<'_, Result<Position>> {
        self.0.wait_past(position)
    }

    fn checkpoint(&self, name: CheckpointName) -> BoxFuture<'_, Result<Option<Checkpoint>>> {
        self.0.checkpoint(name)
    }

    fn put_checkpoint(&self, name: CheckpointName, checkpoint: Checkpoint) -> BoxFuture<'_, Result<()>> {
        self.0.put_checkpoint(name, checkpoint)
    }
}

wayfold_testkit::conformance!(memory, MemoryBench);
wayfold_testkit::conformance!(shared_memory, SharedBench);
wayfold_testkit::conformance!(
    idle_layers,
    Layered(|store| {
        let any: Arc<dyn EventStore> = Arc::new(TracedStore::new(Box::new(store)));
        Opened::new(FaultStore::new(any))
    })
);
wayfold_testkit::conformance!(sent_twice, Layered(send_twice));

#[test]
fn the_matrix_of_conditions_has_at_least_24_cells() {
    let mut cells = condition_cells();
    cells.sort();
    cells.dedup();
    assert_eq!(cells.len(), 27 * 4, "each cell has a name of its own");
}

#[test]
fn the_macro_runs_every_part_of_the_model_test() {
    assert_eq!(MODEL_PARTS, 4);
}
