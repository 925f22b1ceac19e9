//! A second reader, written from `docs/format.md` alone: plain, slow, and without a line of the library's readers.
//!
//! It notes what every byte means, from which the document's worked example is made.

#[path = "reference/cursor.rs"]
mod cursor;
#[path = "reference/events.rs"]
mod events;
#[path = "reference/hash.rs"]
mod hash;
#[path = "reference/page.rs"]
mod page;
#[path = "reference/sealed.rs"]
mod sealed;

pub(crate) use self::cursor::{Cursor, Note};
pub(crate) use self::events::events;
pub(crate) use self::hash::{LookedUp, crc32};
pub(crate) use self::page::{Page, Values, read_group};
pub(crate) use self::sealed::Sealed;

/// A part: what its frame says, and its payload.
#[derive(Debug)]
pub(crate) struct Framed<'a> {
    pub(crate) kind: u8,
    pub(crate) block: u64,
    pub(crate) number: u32,
    pub(crate) payload: Cursor<'a>,
}

/// Reads the part at the beginning of the bytes, and says how many bytes it takes.
pub(crate) fn unframe(bytes: &[u8]) -> (Framed<'_>, usize) {
    let mut cursor = Cursor::new(bytes);
    assert_eq!(cursor.take(2, |_| "magic \"WF\"".to_owned()), b"WF");
    let version = cursor.take(1, |bytes| format!("version {}", bytes[0]))[0];
    assert!([1, 2].contains(&version), "version {version}");
    let kind = cursor.take(1, |bytes| format!("part of kind {}", bytes[0]))[0];
    let block = cursor.little(8, |number| format!("block {number}")) as u64;
    let number = cursor.little(4, |number| format!("part number {number}")) as u32;
    let length = cursor.little(4, |length| format!("length of the payload, {length}")) as usize;
    let end = 20 + length;
    let found = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap());
    assert_eq!(found, crc32(&bytes[..end]), "the checksum of part {kind} {number} of block {block}");
    (Framed { kind, block, number, payload: cursor.until(end) }, end + 4)
}

/// Reads a fresh block.
pub(crate) fn read_fresh(bytes: &[u8]) -> (Framed<'_>, Page) {
    let (mut framed, length) = unframe(bytes);
    assert_eq!((framed.kind, framed.number, length), (1, 0, bytes.len()));
    let payload = &mut framed.payload;
    let fold = payload.varint(|length| format!("length of the group fold, {length}")) as usize;
    let identity = payload.varint(|length| format!("length of the group identity, {length}")) as usize;
    let mut page = Page::default();
    let start = payload.at();
    for (name, end) in
        [("fold", start + fold), ("identity", start + fold + identity), ("rest", payload.end())]
    {
        payload.heading(&format!("the group {name}"));
        read_group(payload, end, &mut page);
    }
    (framed, page)
}
