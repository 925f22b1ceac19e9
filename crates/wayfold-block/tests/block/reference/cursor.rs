//! Bytes read from the front, with a note of what each is.

/// What a stretch of bytes means.
#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) meaning: String,
}

/// A place in bytes.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
    pub(crate) notes: Vec<Note>,
}

impl<'a> Cursor<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, end: bytes.len(), notes: Vec::new() }
    }

    /// The same cursor with another end.
    pub(crate) fn until(mut self, end: usize) -> Self {
        self.end = end;
        self
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn end(&self) -> usize {
        self.end
    }

    /// Notes what begins here.
    pub(crate) fn heading(&mut self, meaning: &str) {
        self.notes.push(Note { start: self.at, end: self.at, meaning: meaning.to_owned() });
    }

    pub(crate) fn take(&mut self, count: usize, meaning: impl FnOnce(&[u8]) -> String) -> &'a [u8] {
        let start = self.at;
        assert!(count <= self.end - start, "{count} bytes at {start}, and the end is {}", self.end);
        let taken = &self.bytes[start..start + count];
        self.at += count;
        if count > 0 {
            self.notes.push(Note { start, end: self.at, meaning: meaning(taken) });
        }
        taken
    }

    /// A little-endian number of so many bytes.
    pub(crate) fn little(&mut self, count: usize, meaning: impl FnOnce(u128) -> String) -> u128 {
        let number =
            |bytes: &[u8]| bytes.iter().rev().fold(0, |number, byte| number << 8 | u128::from(*byte));
        number(self.take(count, |bytes| meaning(number(bytes))))
    }

    pub(crate) fn varint(&mut self, meaning: impl FnOnce(u64) -> String) -> u64 {
        let rest = &self.bytes[self.at..self.end];
        let count = 1 + rest.iter().position(|byte| *byte < 0x80).unwrap();
        let groups = rest[..count].iter().enumerate();
        let number: u128 = groups.map(|(place, byte)| u128::from(byte & 0x7f) << (7 * place)).sum();
        let number = u64::try_from(number).unwrap();
        self.take(count, |_| meaning(number));
        number
    }

    pub(crate) fn zigzag(&mut self, meaning: impl FnOnce(i64) -> String) -> i64 {
        let turned = |number: u64| match number % 2 {
            0 => (number / 2) as i64,
            _ => -1 - (number / 2) as i64,
        };
        turned(self.varint(|number| meaning(turned(number))))
    }

    /// A text after its length.
    pub(crate) fn text(&mut self, what: &str) -> String {
        let length = self.varint(|length| format!("{what} of {length} bytes")) as usize;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        text(self.take(length, |bytes| format!("{:?}", text(bytes))))
    }
}
