//! The log's bytes: writing and reading fresh blocks, sealing, reading pages, merging; and what each part takes.

use std::collections::BTreeMap;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use wayfold_benches::Workload;
use wayfold_block::{Error, Merge, Part, PartKind, PartName, SealedBlock, read_fresh, seal, write_fresh};
use wayfold_core::{EventBatch, Position, Timestamp};

/// Events of an append, of what is sealed at once, and of all.
const APPEND: usize = 10_000;
const SEAL: usize = 7 * APPEND;
const ALL: usize = 4 * SEAL;

/// A sealed block by its parts.
struct Block {
    header: SealedBlock,
    parts: BTreeMap<PartName, Vec<u8>>,
}

impl Block {
    fn collect(number: u64, parts: impl Iterator<Item = Result<Part, Error>>) -> Self {
        let named = |part: Result<Part, Error>| part.map(|part| (part.name, part.bytes));
        let parts: BTreeMap<_, _> =
            parts.map(named).collect::<Result<_, _>>().expect("sound parts are written");
        let header = &parts[&PartName { block: number, kind: PartKind::Header, number: 0 }];
        Self { header: SealedBlock::read(number, header).expect("a header is read"), parts }
    }

    fn seal(number: u64, batches: &[EventBatch]) -> Self {
        Self::collect(number, seal(number, batches).map(Ok))
    }

    fn pages(&self) -> impl Iterator<Item = Result<EventBatch, Error>> {
        (0..self.header.pages()).map(|number| {
            let part = |kind| &self.parts[&PartName { block: self.header.number(), kind, number }][..];
            self.header.read_page(
                number,
                part(PartKind::Fold),
                part(PartKind::Identity),
                part(PartKind::Rest),
            )
        })
    }
}

fn recorded(workload: &Workload) -> Vec<EventBatch> {
    let mut next = 1_u128;
    let batches = workload.events[..ALL.min(workload.events.len())].chunks(APPEND).map(|chunk| {
        let positions =
            (next..next + chunk.len() as u128).map(|number| Position::from_bytes(number.to_be_bytes()));
        let positions = positions.collect();
        next += chunk.len() as u128;
        let at = Timestamp::from_micros(1_700_000_000_000_000 + next as i64 * 10).expect("an instant");
        EventBatch::from_events(chunk).expect("events of a workload are valid").recorded(positions, at)
    });
    batches.collect()
}

/// Prints the bytes of an event by part, which no time says.
fn list_bytes(name: &str, fresh: &[Vec<u8>], block: &Block) {
    let events = block.header.events() as f64;
    let mut kinds: BTreeMap<PartKind, usize> = BTreeMap::new();
    block.parts.iter().for_each(|(part, bytes)| *kinds.entry(part.kind).or_default() += bytes.len());
    let sealed: usize = kinds.values().sum();
    println!(
        "{name}: bytes an event: fresh {:.1}",
        fresh.iter().map(Vec::len).sum::<usize>() as f64 / events
    );
    kinds.iter().for_each(|(kind, bytes)| println!("{name}:   {kind:?} {:.1}", *bytes as f64 / events));
    println!("{name}:   sealed in all {:.1}", sealed as f64 / events);
}

fn benches(criterion: &mut Criterion) {
    for workload in [Workload::w(), Workload::s()] {
        let batches = recorded(&workload);
        let fresh: Vec<_> = batches.iter().map(|batch| write_fresh(1, batch)).collect();
        let blocks: Vec<_> = (1..)
            .zip(batches.chunks(SEAL / APPEND))
            .map(|(number, some)| Block::seal(number, some))
            .collect();
        let merge = |pages: Vec<Vec<Result<EventBatch, Error>>>| {
            let of_page = |page: &Result<EventBatch, Error>| page.as_ref().map_or(0, EventBatch::len) as u64;
            let events = pages.iter().flatten().map(of_page).sum();
            Block::collect(9, Merge::new(9, events, pages.into_iter().map(Vec::into_iter)))
        };
        let pages = || blocks.iter().map(|block| block.pages().collect::<Vec<_>>()).collect::<Vec<_>>();
        list_bytes(workload.name, &fresh, &merge(pages()));

        let events: usize = batches.iter().map(EventBatch::len).sum();
        let mut group = criterion.benchmark_group(workload.name);
        group.sample_size(10).throughput(Throughput::Elements(events as u64));
        group.bench_function("fresh/write", |bencher| {
            bencher.iter(|| batches.iter().map(|batch| write_fresh(1, batch).len()).sum::<usize>());
        });
        group.bench_function("fresh/read", |bencher| {
            let read = |bytes: &Vec<u8>| read_fresh(1, bytes).expect("a fresh block is read").len();
            bencher.iter(|| fresh.iter().map(read).sum::<usize>());
        });
        group.bench_function("sealed/seal", |bencher| {
            bencher
                .iter(|| batches.chunks(SEAL / APPEND).map(|some| Block::seal(1, some)).collect::<Vec<_>>());
        });
        group.bench_function("sealed/read_pages", |bencher| bencher.iter(pages));
        group.bench_function("sealed/merge", |bencher| {
            bencher.iter_batched(pages, merge, BatchSize::PerIteration);
        });
        group.finish();
    }
}

criterion_group!(all, benches);
criterion_main!(all);
