//! The elements of an XES file, one after the other.

use std::borrow::Cow;
use std::io::{self, BufReader};

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::attribute::{self, Attribute, ELEMENTS};
use crate::error::{Error, ErrorKind, Place, Problem, Result};
use crate::input::{Input, RowTooLong};

/// How deep attributes may be nested.
pub(super) const DEPTH_MAX: usize = 32;

/// The elements of a file, without those that neither hold events nor describe them.
pub(super) struct Elements {
    reader: Reader<BufReader<Input>>,
    buffer: Vec<u8>,
    bytes_max: u64,
    /// Where what is kept in memory begins: the attributes of a trace or event.
    kept_from: u64,
    open: usize,
    /// An empty element that is still to end.
    empty: Option<Name>,
    has_log: bool,
    file: String,
}

/// What stands next in the file.
#[derive(Debug)]
pub(super) enum Element {
    /// An element begins that is no attribute.
    Open(Name),
    /// A whole attribute.
    Attribute(Attribute),
    /// An element ends that is no attribute.
    Close(Name),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    Log,
    Trace,
    Event,
}

/// An element, and whether it is empty.
struct Start {
    name: Cow<'static, str>,
    key: Cow<'static, str>,
    value: Option<String>,
    is_empty: bool,
}

enum Token {
    Start(Start),
    End(Option<Name>),
    Over,
}

impl Elements {
    pub(super) fn new(input: Input, bytes_max: u64) -> Self {
        let file = input.file().to_owned();
        Self {
            reader: Reader::from_reader(BufReader::new(input)),
            buffer: Vec::new(),
            bytes_max,
            kept_from: 0,
            open: 0,
            empty: None,
            has_log: false,
            file,
        }
    }

    pub(super) fn bytes_read(&self) -> u64 {
        self.reader.get_ref().get_ref().bytes_read()
    }

    /// Gives the next element; `None` at the end of the file.
    pub(super) fn next(&mut self) -> Result<Option<Element>> {
        if let Some(name) = self.empty.take() {
            return Ok(Some(Element::Close(name)));
        }
        loop {
            let start = match self.token()? {
                Token::Over if self.open > 0 => {
                    return Err(self.malformed("it ends in the middle of an element"));
                }
                Token::Over if !self.has_log => return Err(self.mismatch("the file holds no <log>")),
                Token::Over => return Ok(None),
                Token::End(name) => {
                    let ended = name.filter(|_| self.open > 0);
                    self.open = self.open.saturating_sub(1);
                    self.kept_from = self.reader.buffer_position();
                    return match ended {
                        Some(name) => Ok(Some(Element::Close(name))),
                        None => Err(self.malformed("an element ends that did not begin")),
                    };
                }
                Token::Start(start) => start,
            };
            if self.open > 1 && ELEMENTS.contains(&&*start.name) {
                return Ok(Some(Element::Attribute(self.attribute(start, 1)?)));
            }
            match name_of(&start.name) {
                Some(name) => {
                    self.has_log = true;
                    self.kept_from = self.reader.buffer_position();
                    if start.is_empty {
                        self.empty = Some(name);
                    } else {
                        self.open += 1;
                    }
                    return Ok(Some(Element::Open(name)));
                }
                None if self.open == 0 => {
                    let reason = format_args!("the file begins with <{}>, and a log with <log>", start.name);
                    return Err(self.mismatch(reason));
                }
                None => self.skip(&start)?,
            }
        }
    }

    /// Reads the rest of an attribute.
    fn attribute(&mut self, start: Start, depth: usize) -> Result<Attribute> {
        if depth > DEPTH_MAX {
            return Err(self.mismatch(format_args!("attributes are nested more than {DEPTH_MAX} deep")));
        }
        let Start { name: element, key, value, is_empty } = start;
        let mut children = Vec::new();
        if !is_empty {
            loop {
                match self.token()? {
                    Token::Start(start) => children.push(self.attribute(start, depth + 1)?),
                    Token::End(_) => break,
                    Token::Over => return Err(self.malformed("it ends in the middle of an attribute")),
                }
            }
        }
        Ok(Attribute { element, key, value, children })
    }

    /// Passes an element over with all that is in it.
    fn skip(&mut self, start: &Start) -> Result<()> {
        let mut open = u64::from(!start.is_empty);
        while open > 0 {
            self.kept_from = self.reader.buffer_position();
            match self.token()? {
                Token::Start(start) => open += u64::from(!start.is_empty),
                Token::End(_) => open -= 1,
                Token::Over => return Err(self.malformed("it ends in the middle of an element")),
            }
        }
        Ok(())
    }

    fn token(&mut self) -> Result<Token> {
        loop {
            self.buffer.clear();
            if self.reader.buffer_position() - self.kept_from > self.bytes_max {
                return Err(self.too_long("a trace or event"));
            }
            self.reader.get_ref().get_ref().allow(self.bytes_max);
            let event = match self.reader.read_event_into(&mut self.buffer) {
                Ok(event) => event,
                Err(quick_xml::Error::Io(error)) => return Err(self.unreadable(&error)),
                Err(error) => return Err(self.malformed(error)),
            };
            let (start, is_empty) = match event {
                Event::Start(start) => (start, false),
                Event::Empty(start) => (start, true),
                Event::End(end) => return Ok(Token::End(name_of(end.local_name().as_ref()))),
                Event::Eof => return Ok(Token::Over),
                Event::DocType(_) => {
                    let reason =
                        "it declares a document type, which may name other files; remove the declaration";
                    return Err(mismatch(&self.file, reason));
                }
                _ => continue,
            };
            return read_start(&start, is_empty)
                .map(Token::Start)
                .map_err(|error| malformed(&self.file, error));
        }
    }

    fn unreadable(&self, error: &io::Error) -> Error {
        if error.get_ref().is_some_and(|error| error.is::<RowTooLong>()) {
            return self.too_long("an element");
        }
        let copy = io::Error::new(error.kind(), error.to_string());
        self.reader.get_ref().get_ref().unreadable(copy)
    }

    fn too_long(&self, what: &str) -> Error {
        let most = self.bytes_max;
        let reason = format_args!("{what} is longer than {most} bytes; shorten it, or raise row_bytes_max");
        Error::bad_row(Problem::TooLong, Place::file(&self.file), reason)
    }

    fn malformed(&self, what: impl std::fmt::Display) -> Error {
        malformed(&self.file, what)
    }

    fn mismatch(&self, reason: impl std::fmt::Display) -> Error {
        mismatch(&self.file, reason)
    }
}

fn name_of(element: &str) -> Option<Name> {
    match element {
        "log" => Some(Name::Log),
        "trace" => Some(Name::Trace),
        "event" => Some(Name::Event),
        _ => None,
    }
}

fn malformed(file: &str, what: impl std::fmt::Display) -> Error {
    mismatch(file, format_args!("the file is no well-formed XML: {what}"))
}

fn mismatch(file: &str, reason: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Mismatch, Place::file(file), reason)
}

fn read_start(start: &BytesStart<'_>, is_empty: bool) -> quick_xml::Result<Start> {
    let (mut key, mut value) = (Cow::Borrowed(""), None);
    for found in start.attributes() {
        let found = found?;
        let read = || found.normalized_value(XmlVersion::Implicit1_0);
        match found.key.local_name().as_ref() {
            "key" => key = attribute::key(&read()?),
            "value" => value = Some(read()?.into_owned()),
            _ => {}
        }
    }
    Ok(Start { name: attribute::element(start.local_name().as_ref()), key, value, is_empty })
}
