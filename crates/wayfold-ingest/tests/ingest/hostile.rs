//! Files that are made to harm: without end, ten gigabytes out of ten megabytes, deeper than a stack. Each gets an error that
//! says what to do, and little of it is read, so that little of it was ever in memory.

use std::io::{Cursor, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use wayfold_ingest::{
    EventSource, ForeignSpec, ImportOptions, JsonForm, JsonlImport, OcelImport, OnBadRow, Rejects, XesImport,
};

use super::common::{Imported, Shared, drain, gzip};

const ROW_BYTES_MAX: u64 = 64 << 10;
/// What readers hold beside a row: two buffers on the way.
const BUFFERS: u64 = 512 << 10;
const TEN_GB: u64 = 10_000_000_000;

/// A beginning, and then the same again and again for ten gigabytes.
struct Endless {
    head: Cursor<Vec<u8>>,
    filler: &'static [u8],
    given: Arc<AtomicU64>,
}

impl Endless {
    fn new(head: &str, filler: &'static str) -> (Self, Arc<AtomicU64>) {
        let given = Arc::new(AtomicU64::new(0));
        let head = Cursor::new(head.as_bytes().to_vec());
        (Self { head, filler: filler.as_bytes(), given: Arc::clone(&given) }, given)
    }
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut count = self.head.read(buffer)?;
        if count == 0 {
            let whole = (buffer.len() / self.filler.len()).max(1) * self.filler.len();
            count = whole.min(buffer.len());
            for (place, byte) in buffer[..count].iter_mut().enumerate() {
                *byte = self.filler[place % self.filler.len()];
            }
        }
        let given = self.given.fetch_add(count as u64, Ordering::Relaxed);
        assert!(given < TEN_GB, "all of it is read");
        Ok(count)
    }
}

/// Ten gigabytes in ten megabytes: a megabyte of letters in a kilobyte, ten thousand times behind a beginning.
fn bomb(head: &str) -> Vec<u8> {
    let member = gzip(&vec![b'a'; 1 << 20]);
    let mut file = gzip(head.as_bytes());
    (0..10_000).for_each(|_| file.extend_from_slice(&member));
    assert!(file.len() < 16 << 20, "{} bytes", file.len());
    file
}

fn options() -> ImportOptions {
    ImportOptions::default().with_row_bytes_max(ROW_BYTES_MAX)
}

fn imported<S: EventSource>(opened: wayfold_ingest::Result<S>) -> Imported {
    match opened {
        Ok(mut source) => drain(&mut source),
        Err(error) => Imported { batches: Vec::new(), progress: Default::default(), result: Err(error) },
    }
}

#[track_caller]
fn check_refused(imported: &Imported, message: &str) {
    let error = imported.result.as_ref().expect_err("it is refused");
    assert!(error.to_string().contains(message), "{error}");
    assert_eq!(imported.batches.iter().map(|batch| batch.len()).sum::<usize>(), 0);
}

fn forms() -> [JsonForm; 4] {
    let shop = || ForeignSpec::new("shop");
    [JsonForm::Own, JsonForm::CloudEvents, JsonForm::Segment(shop()), JsonForm::Ga4(shop())]
}

#[test]
fn xes_without_end_is_refused_within_the_bound_for_rows() {
    let named = r#"<log><trace><string key="concept:name" value="c1"/>"#;
    let cases = [
        (r#"<log><trace><string key="concept:name" value=""#, "a"),
        ("<log><trace>", r#"<string key="k" value="v"/>"#),
        (&format!("{named}<event>"), r#"<string key="k" value="v"/>"#),
        (&format!("{named}<event><list key=\"k\"><values>"), r#"<int key="k" value="1"/>"#),
        ("<log><!-- ", "a"),
        ("<log><", "a"),
        ("<log><global>", "a"),
        ("<log x=\"", "a"),
    ];
    for (head, filler) in cases {
        let (reader, given) = Endless::new(head, filler);
        let found = imported(XesImport::from_reader("log.xes", "s", reader, options()));
        check_refused(&found, "is longer than 65536 bytes; shorten it, or raise row_bytes_max");
        let given = given.load(Ordering::Relaxed);
        assert!(given <= 2 * ROW_BYTES_MAX + BUFFERS, "{head}: {given} bytes are read");

        let file = Cursor::new(bomb(head));
        let found = imported(XesImport::from_reader("log.xes.gz", "s", file, options()));
        if filler == "a" {
            check_refused(&found, "raise row_bytes_max");
            assert!(found.progress.bytes_read < 1 << 20, "{} bytes", found.progress.bytes_read);
        } else {
            assert!(found.result.is_err(), "{head} goes on with letters");
        }
    }
}

#[test]
fn lines_without_end_are_refused_in_every_form() {
    for form in forms() {
        for head in [r#"{"id":""#, "", r#"{"properties":{"x":""#] {
            let (reader, given) = Endless::new(head, "a");
            let opened = JsonlImport::from_reader("lines", reader, options())
                .map(|import| import.of_form(form.clone()));
            check_refused(&imported(opened), "a line is longer than 16 times row_bytes_max");
            let given = given.load(Ordering::Relaxed);
            assert!(given <= 16 * ROW_BYTES_MAX + BUFFERS, "{form:?} {head}: {given} bytes are read");
        }
        let opened = JsonlImport::from_reader("lines.gz", Cursor::new(bomb(r#"{"id":""#)), options());
        let found = imported(opened.map(|import| import.of_form(form.clone())));
        check_refused(&found, "a line is longer than 16 times row_bytes_max");
        assert!(found.progress.bytes_read < 1 << 20, "{} bytes", found.progress.bytes_read);
    }
}

/// A file that is removed when it is dropped.
struct File(PathBuf);

impl File {
    fn new(name: &str, bytes: &[u8]) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::write(&path, bytes).unwrap();
        Self(path)
    }

    fn import(&self, options: ImportOptions) -> Imported {
        imported(OcelImport::open(&self.0, "s", "customer", options))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn ocel_without_end_is_refused_within_its_bounds() {
    for (number, head) in [r#"{""#, r#"{"objects":[{"id":""#, r#"{"objects":[{""#].into_iter().enumerate() {
        let file = File::new(&format!("endless_{number}.ocel.gz"), &bomb(head));
        check_refused(&file.import(options()), "an element or a name is longer than 16 times row_bytes_max");
    }
    // Events are passed over while objects are read, and refused where they are read themselves.
    for (number, head) in
        [r#"{"objects":[],"events":[{"id":""#, r#"{"objects":[],"events":[{"id":"e1","attributes":[{""#]
            .into_iter()
            .enumerate()
    {
        let tail = if number == 0 { r#""}]}"# } else { r#"":1}]}]}"# };
        let log = [head.as_bytes(), &vec![b'a'; 4 << 20], tail.as_bytes()].concat();
        let file = File::new(&format!("long_{number}.ocel.gz"), &gzip(&log));
        check_refused(&file.import(options()), "an element or a name is longer than 16 times row_bytes_max");
    }
    // Ten million objects of ten gigabytes.
    let object = r#",{"id":"o","type":"t"}"#;
    let member = gzip(object.repeat(50_000).as_bytes());
    let mut bytes = gzip(br#"{"objects":[{"id":"o","type":"t"}"#);
    (0..200).for_each(|_| bytes.extend_from_slice(&member));
    let file = File::new("objects.ocel.gz", &bytes);
    let found = file.import(options().with_objects_bytes_max(1 << 20));
    check_refused(&found, "all objects together take more than objects_bytes_max; raise it");
}

/// What a header or a trailer claims is not believed: nothing is reserved by it.
#[test]
fn headers_that_claim_what_is_not_there_are_refused() {
    let line = br#"{"id":"00000000-0000-0000-0000-000000000001","customer":"c1","occurred_at":"2024-01-31T10:00:00Z","kind":"registered","schema_version":1}"#;
    let sound = gzip(line);
    // The trailer says four gigabytes less a byte.
    let mut claims = sound.clone();
    let end = claims.len();
    claims[end - 4..].copy_from_slice(&[0xff; 4]);
    // The checksum is another's.
    let mut differs = sound.clone();
    differs[end - 8] ^= 1;
    for bytes in [claims, differs] {
        let opened = JsonlImport::from_reader("lines.gz", Cursor::new(bytes.clone()), options());
        let error = imported(opened).result.unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
        let found = imported(XesImport::from_reader("log.xes.gz", "s", Cursor::new(bytes), options()));
        assert!(found.result.is_err());
    }
    // A name of the compressed file that never ends.
    for name in ["lines", "log.xes"] {
        let head = String::from_utf8(vec![0x1f, 0x0b, 8, 8, 0, 0, 0, 0, 0, 3]).unwrap();
        let (mut reader, given) = Endless::new(&head, "a");
        reader.head.get_mut()[1] = 0x8b;
        let found = match name {
            "lines" => imported(JsonlImport::from_reader(name, reader, options())),
            _ => imported(XesImport::from_reader(name, "s", reader, options())),
        };
        assert!(found.result.is_err());
        let given = given.load(Ordering::Relaxed);
        assert!(given <= BUFFERS, "{name}: {given} bytes are read");
    }
}

#[test]
fn json_that_is_deeper_than_a_stack_is_a_bad_row_and_the_next_one_is_taken() {
    let deep = |open: &str, close: &str| open.repeat(100_000) + &close.repeat(100_000);
    let values = [deep("[", "]"), deep(r#"{"a":"#, "}").replace(":}", ":1}"), "[".repeat(100_000)];
    let own = |id: u8, more: &str| {
        format!(
            r#"{{"id":"00000000-0000-0000-0000-00000000000{id}","customer":"c1","occurred_at":"2024-01-31T10:00:00Z","kind":"registered","schema_version":1{more}}}"#
        )
    };
    let cloud = |id: u8, more: &str| {
        format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"s","subject":"c1","type":"x","time":"2024-01-31T10:00:00Z"{more}}}"#
        )
    };
    let track = |id: u8, more: &str| {
        format!(
            r#"{{"type":"track","event":"Product Viewed","userId":"c1","messageId":"m{id}","timestamp":"2024-01-31T10:00:00Z"{more}}}"#
        )
    };
    let ga4 = |id: u8, more: &str| {
        format!(
            r#"{{"event_name":"view_item","event_timestamp":"170669520000000{id}","user_pseudo_id":"c1"{more}}}"#
        )
    };
    type Makes<'a> = &'a dyn Fn(u8, &str) -> String;
    let made: [(Makes<'_>, &[&str]); 4] = [
        (&own, &["attributes", "other"]),
        (&cloud, &["data", "other"]),
        (&track, &["properties", "other"]),
        (&ga4, &["event_params", "items", "other"]),
    ];
    for (form, (line, members)) in forms().into_iter().zip(made) {
        for member in members {
            for value in &values {
                let lines = [line(1, &format!(r#","{member}":{value}"#)), line(2, "")].join("\n");
                let rejects = Shared::default();
                let options = ImportOptions::default()
                    .with_on_bad_row(OnBadRow::Reject(Rejects::jsonl(rejects.clone())));
                let opened = JsonlImport::from_reader("lines", Cursor::new(lines), options);
                let found = imported(opened.map(|import| import.of_form(form.clone())));
                found.result.as_ref().unwrap_or_else(|error| panic!("{form:?} {member}: {error}"));
                // What a form passes over may be as deep as it likes; what it reads may not.
                let events = found.events().len();
                assert!((1..=2).contains(&events), "{form:?} {member}: {events} events, {}", rejects.text());
                assert_eq!(events == 1, !rejects.text().is_empty(), "{form:?} {member}: {}", rejects.text());
            }
        }
    }
    let file = |event: &str| {
        let log = format!(
            r#"{{"objects":[{{"id":"customer:c1","type":"customer"}}],"events":[{{"id":"e1","type":"t","time":"2024-01-31T10:00:00Z","x":{event}}}]}}"#
        );
        File::new("deep.ocel", log.as_bytes())
    };
    for value in &values {
        check_refused(&file(value).import(ImportOptions::default()), "lists and objects inside each other");
    }
}

#[test]
fn references_to_what_is_not_there_are_bad_rows() {
    let event = |id: &str, objects: &[&str]| {
        let related: Vec<_> =
            objects.iter().map(|object| format!(r#"{{"objectId":"{object}","qualifier":"q"}}"#)).collect();
        let related = related.join(",");
        format!(
            r#"{{"id":"{id}","type":"t","time":"2024-01-31T10:00:00Z","attributes":[],"relationships":[{related}]}}"#
        )
    };
    let events = [
        event("e1", &["customer:c1", "order:none"]),
        event("e2", &["customer:nobody"]),
        event("e3", &["customer:c1"]),
    ];
    let objects = r#"{"id":"customer:c1","type":"customer"}"#;
    let log = format!(r#"{{"objects":[{objects}],"events":[{}]}}"#, events.join(","));
    let rejects = Shared::default();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::jsonl(rejects.clone())));
    let found = File::new("references.ocel", log.as_bytes()).import(options);
    found.result.as_ref().unwrap();
    assert_eq!(found.events().len(), 1);
    for object in ["order:none", "customer:nobody"] {
        assert!(
            rejects.text().contains(&format!("the log holds no object \\\"{object}\\\""))
                || rejects.text().contains(&format!("the log holds no object \"{object}\"")),
            "{}",
            rejects.text()
        );
    }
}
