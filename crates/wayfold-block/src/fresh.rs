//! A fresh block: the events of an append as they came.

use wayfold_core::EventBatch;

use crate::bytes::{Reader, put_varint};
use crate::error::Result;
use crate::page::Page;
use crate::part::{PartKind, PartName, frame, unframe_version};

fn name(block: u64) -> PartName {
    PartName { block, kind: PartKind::Fresh, number: 0 }
}

/// Writes a batch of recorded events as a fresh block with the number that its store gives it.
///
/// # Panics
/// If the batch has more than [`Page::EVENTS_MAX`] events.
pub fn write_fresh(block: u64, batch: &EventBatch) -> Vec<u8> {
    let Page { fold, identity, rest } = Page::write(batch);
    let mut payload = Vec::with_capacity(fold.len() + identity.len() + rest.len() + 8);
    put_varint(&mut payload, fold.len() as u64);
    put_varint(&mut payload, identity.len() as u64);
    payload.extend_from_slice(&fold);
    payload.extend_from_slice(&identity);
    payload.extend_from_slice(&rest);
    frame(name(block), &payload)
}

/// Reads a fresh block.
///
/// # Errors
/// `Corrupt` or `Unsupported`; the message names the block and what is wrong with it.
pub fn read_fresh(block: u64, bytes: &[u8]) -> Result<EventBatch> {
    let (version, payload) = unframe_version(name(block), bytes)?;
    let mut reader = Reader::new(payload);
    let read = |reader: &mut Reader<'_>| {
        let (fold, identity) = (reader.count(payload.len())?, reader.count(payload.len())?);
        let (fold, identity) = (reader.take(fold)?, reader.take(identity)?);
        Page::read_version(version, [fold, identity, reader.take(reader.len())?])
    };
    read(&mut reader).map_err(|error| error.at(name(block)))
}
