//! JSON Lines of events: Wayfold's own, in and out without loss, and those of other specifications.

use std::io::{Read, Write};
use std::path::Path;

use wayfold_core::{EventBatch, Upcasters};

use crate::account::Account;
use crate::error::{Error, Place, Problem, Result};
use crate::input::{Input, Length};
use crate::json_form::{JsonForm, Line};
use crate::options::ImportOptions;
use crate::outlet::Outlet;
use crate::row::Fault;
use crate::source::{EventSource, Progress};

/// Reads events from JSON Lines, plain or compressed with gzip: one event a line, in the core's JSON form or another
/// [`JsonForm`].
///
/// `position` and `recorded_at` are dropped, because the store that takes the events gives them anew. Events of
/// kinds that this version does not know are kept, and counted in [`Progress::unknown_kinds`]. Events in older
/// schema versions are lifted by [`ImportOptions::upcasters`]; one in a newer version is a bad line.
///
/// ```
/// use wayfold_ingest::{EventSource, ImportOptions, JsonlImport};
///
/// let line = r#"{"id":"00000000-0000-0000-0000-000000000001","customer":"c1",
///     "occurred_at":"2024-01-31T10:00:00Z","kind":"registered","schema_version":1}"#;
/// let file = line.replace('\n', " ");
/// let mut import = JsonlImport::from_reader("events.jsonl", std::io::Cursor::new(file), ImportOptions::default())?;
/// assert_eq!(import.next_batch()?.map(|batch| batch.len()), Some(1));
/// # Ok::<(), wayfold_ingest::Error>(())
/// ```
pub struct JsonlImport {
    input: Input,
    line: u64,
    buffer: Vec<u8>,
    row_bytes_max: u64,
    upcasters: Upcasters,
    form: JsonForm,
    is_over: bool,
    outlet: Outlet,
    account: Account,
}

impl JsonlImport {
    /// Opens a file.
    ///
    /// # Errors
    /// `Io` if the file cannot be opened or the rejects cannot be written.
    pub fn open(path: impl AsRef<Path>, options: ImportOptions) -> Result<Self> {
        Self::start(Input::open(path.as_ref())?, options)
    }

    /// Reads from anything; `name` stands for the file in messages and nowhere else.
    ///
    /// # Errors
    /// As [`JsonlImport::open`].
    pub fn from_reader(
        name: &str,
        reader: impl Read + Send + 'static,
        options: ImportOptions,
    ) -> Result<Self> {
        Self::start(Input::new(name, Box::new(reader), None)?, options)
    }

    fn start(input: Input, mut options: ImportOptions) -> Result<Self> {
        let account = Account::begin(input.file(), input.bytes_total(), &mut options)?;
        Ok(Self {
            input,
            line: 0,
            buffer: Vec::new(),
            row_bytes_max: options.row_bytes_max,
            form: JsonForm::Own,
            is_over: false,
            outlet: Outlet::new(&options),
            upcasters: options.upcasters,
            account,
        })
    }

    /// Takes the lines for events of another form, before any was read.
    ///
    /// ```
    /// use wayfold_ingest::{EventSource, ForeignSpec, ImportOptions, JsonForm, JsonlImport};
    ///
    /// let line = r#"{"type":"track","event":"Product Viewed","userId":"ada","messageId":"m1",
    ///     "timestamp":"2024-01-31T10:00:00Z","properties":{"product_id":"tea"}}"#.replace('\n', " ");
    /// let import = JsonlImport::from_reader("calls.jsonl", std::io::Cursor::new(line), ImportOptions::default())?;
    /// let mut import = import.of_form(JsonForm::Segment(ForeignSpec::new("shop")));
    /// let batch = import.next_batch()?.expect("there is a line");
    /// assert_eq!(batch.event(0).kind_name(), "product_viewed");
    /// # Ok::<(), wayfold_ingest::Error>(())
    /// ```
    ///
    /// # Panics
    /// If a line was read.
    pub fn of_form(mut self, form: JsonForm) -> Self {
        assert_eq!(self.line, 0, "the form of lines is known before one is read");
        self.form = form;
        self
    }

    fn fill(&mut self) -> Result<Option<EventBatch>> {
        loop {
            if let Some(batch) = self.outlet.take_full() {
                return Ok(Some(batch));
            }
            if self.is_over {
                return Ok(self.outlet.take_rest());
            }
            self.read_line()?;
        }
    }

    fn read_line(&mut self) -> Result<()> {
        let Some(length) = self.input.read_line(&mut self.buffer, self.row_bytes_max)? else {
            self.is_over = true;
            return Ok(());
        };
        self.line += 1;
        if length == Length::Fits && self.buffer.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        self.account.progress.rows += 1;
        match self.take(length) {
            Ok(()) => Ok(()),
            Err(fault) => self.refuse(&fault),
        }
    }

    fn take(&mut self, length: Length) -> std::result::Result<(), Fault> {
        if length == Length::TooLong {
            let most = self.row_bytes_max;
            let reason = format!("the line is longer than {most} bytes; shorten it, or raise row_bytes_max");
            return Err(Fault::new(Problem::TooLong, reason));
        }
        let text = std::str::from_utf8(&self.buffer).map_err(|error| {
            let reason = format!("it is not UTF-8 from byte {} on; write UTF-8", error.valid_up_to() + 1);
            Fault::new(Problem::Encoding, reason)
        })?;
        match self.form.read(text, &self.upcasters)? {
            Line::Event(event) => {
                self.outlet.push(&event)?;
                self.account.count_unknown(&event);
            }
            Line::Skipped(reason) => self.account.progress.skip(reason),
        }
        Ok(())
    }

    fn refuse(&mut self, fault: &Fault) -> Result<()> {
        let place = Place::line(&self.account.progress.file, self.line);
        self.account.refuse(Error::bad_row(fault.problem, place, &fault.reason))
    }
}

impl EventSource for JsonlImport {
    fn next_batch(&mut self) -> Result<Option<EventBatch>> {
        self.account.check()?;
        let batch = self.fill();
        self.account.hand_out(batch, self.input.bytes_read())
    }

    fn progress(&self) -> Progress {
        Progress { bytes_read: self.input.bytes_read(), ..self.account.progress.clone() }
    }
}

/// Writes the events of a batch as JSON Lines, with position and recording time where a store gave them.
///
/// # Errors
/// `Io` if the writer fails; then some of the lines may be written.
pub fn write_jsonl(batch: &EventBatch, writer: &mut impl Write) -> Result<()> {
    let mut line = Vec::new();
    for event in batch.iter() {
        line.clear();
        serde_json::to_writer(&mut line, &event.to_event()).expect("every event has a JSON form");
        line.push(b'\n');
        writer
            .write_all(&line)
            .map_err(|error| Error::io(Place::file("the output"), "the events cannot be written", error))?;
    }
    Ok(())
}
