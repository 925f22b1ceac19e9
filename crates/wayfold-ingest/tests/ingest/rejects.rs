//! Rejected rows: what is written about them, and what is counted.

use wayfold_ingest::{ErrorKind, ImportOptions, OnBadRow, Problem, Rejects};

use super::common::{Shared, import};

const MAPPING: &str = r#"
version = 1
source = "crm"
customer = "Customer"
time = { column = "At", format = "%Y-%m-%d", zone = "UTC" }

[[skip]]
reason = "test account"
when = { column = "Customer", starts_with = "test" }

[[event]]
rule = "registration"
kind = "registered"
when = { column = "Kind", equals = "registered" }
"#;
const FILE: &str = "Customer,At,Kind\nc1,2024-01-01,registered\n,2024-01-01,registered\n\"c\n2\",soon,registered\n\
                    test1,whenever,registered\nc3,2024-01-03,other\nc4,2024-01-04,registered\nc5,2024-13-04,registered\n";

#[test]
fn rejects_say_where_and_why_and_counts_add_up() {
    let rejects = Shared::default();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::csv(rejects.clone())));
    let imported = import(MAPPING, FILE, options);
    let progress = imported.progress;
    assert_eq!((progress.rows, progress.events, progress.skipped_rows, progress.rejected_rows), (7, 2, 2, 3));
    let problems: Vec<_> = progress.rejected_by_problem.into_iter().collect();
    assert_eq!(problems, [(Problem::MissingValue, 1), (Problem::Time, 2)]);
    let reasons: Vec<_> = progress.skipped_by_reason.into_iter().collect();
    assert_eq!(reasons, [("no rule applies".to_owned(), 1), ("test account".to_owned(), 1)]);
    let expected = r#"file,row,line,column,value,problem,reason
file.csv,2,3,Customer,,missing_value,"the customer is empty; fill it in, or leave such rows out with a condition"
file.csv,3,4,At,soon,time,"""soon"" is no time of the form ""%Y-%m-%d""; mend the cell or the format"
file.csv,7,9,At,2024-13-04,time,"""2024-13-04"" is no time of the form ""%Y-%m-%d""; mend the cell or the format"
"#;
    assert_eq!(rejects.text(), expected);
}

#[test]
fn rejects_can_be_json_lines() {
    let rejects = Shared::default();
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::jsonl(rejects.clone())));
    import(MAPPING, FILE, options);
    let first = rejects.text().lines().next().unwrap().to_owned();
    assert_eq!(
        first,
        r#"{"file":"file.csv","row":2,"line":3,"column":"Customer","value":"","problem":"missing_value","reason":"the customer is empty; fill it in, or leave such rows out with a condition"}"#
    );
}

#[test]
fn import_whose_rejects_cannot_be_written_does_not_start() {
    let missing = Rejects::create("no/such/folder/rejects.csv").unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::Io);
    assert_eq!(
        missing.to_string(),
        "no/such/folder/rejects.csv: the file of rejected rows cannot be written"
    );

    // Neither the input nor an empty file is taken over.
    for content in ["Customer,At,Kind\n", ""] {
        let path = std::env::temp_dir().join(format!("wayfold-rejects-{}.csv", std::process::id()));
        std::fs::write(&path, content).unwrap();
        let (taken, left) = (Rejects::create(&path), std::fs::read_to_string(&path));
        std::fs::remove_file(&path).unwrap();
        let taken = taken.unwrap_err();
        let reason = "the file for rejected rows exists already; name a new one, or remove it";
        assert_eq!(taken.to_string(), format!("{}: {reason}", path.display()));
        assert_eq!((taken.kind(), taken.is_retryable()), (ErrorKind::Io, false));
        assert_eq!(left.unwrap(), content);
        assert!(Rejects::create(&path).is_ok());
        std::fs::remove_file(&path).unwrap();
    }

    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _bytes: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let options = ImportOptions::default().with_on_bad_row(OnBadRow::Reject(Rejects::csv(Full)));
    assert_eq!(import(MAPPING, FILE, options).result.unwrap_err().kind(), ErrorKind::Io);
}

#[test]
fn the_callback_learns_of_every_batch() {
    let (sender, receiver) = std::sync::mpsc::channel();
    let options = ImportOptions::default().with_batch_events(1).with_on_progress(move |progress| {
        sender.send((progress.rows, progress.events)).unwrap();
    });
    let rows = "Customer,At,Kind\nc1,2024-01-01,registered\nc2,2024-01-01,registered\n";
    import(MAPPING, rows, options);
    assert_eq!(receiver.iter().collect::<Vec<_>>(), [(1, 1), (2, 2), (2, 2)]);
}
