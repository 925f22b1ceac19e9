//! Copies of the file: each a log of its own, and none over what is there.

use wayfold_sqlite::{SqliteConfig, SqliteStore};
use wayfold_store::{ErrorKind, EventFilter};

use super::support::{Folder, append, ids, registered};

#[test]
fn a_backup_is_a_log_of_its_own_of_one_commit() {
    let folder = Folder::new();
    let store = folder.open();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let copy = folder.path().join("copy");
    store.backup(&copy).unwrap();
    let _ = append(&store, &[registered(2, "a")]).unwrap();
    assert_eq!(store.backup(&copy).unwrap_err().kind(), ErrorKind::Unsupported, "nothing is written over");
    let copied = SqliteStore::open(&copy, SqliteConfig::default()).unwrap();
    assert_eq!(ids(&copied, EventFilter::all()), [1]);
    assert_eq!(copied.check().unwrap().events, 1);
    let _ = append(&copied, &[registered(3, "a")]).unwrap();
    assert_eq!(ids(&store, EventFilter::all()), [1, 2]);
}

/// The copy grows beside its name, where once another log stood: it was overwritten, and a text was removed.
#[test]
fn a_backup_overwrites_nothing_where_it_grows() {
    let folder = Folder::new();
    let store = folder.open();
    assert!(append(&store, &[registered(1, "ada")]).is_ok());
    let (copy, part) = (folder.path().join("copy"), folder.path().join("copy.part"));
    std::fs::write(&part, "a note").unwrap();
    let error = store.backup(&copy).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("copy.part: there is something under that name"), "{error}");
    assert_eq!(std::fs::read_to_string(&part).unwrap(), "a note");
    std::fs::remove_file(&part).unwrap();
    store.backup(&copy).unwrap();
    assert!(copy.exists() && !part.exists());
}

/// A log was removed and its write-ahead log forgotten. A backup was made under the same name; whoever opened it read
/// the events of the log that had been removed.
#[test]
fn a_backup_beside_files_of_another_log_is_refused() {
    let folder = Folder::new();
    let old = folder.open();
    let _ = append(&old, &[registered(1, "old")]).unwrap();
    let left = std::fs::read(folder.path().join("log.wayfold-wal")).unwrap();
    let live = SqliteStore::open(folder.path().join("live"), SqliteConfig::default()).unwrap();
    let _ = append(&live, &[registered(100, "new")]).unwrap();
    let copy = folder.path().join("copy");
    for name in
        ["copy-wal", "copy-shm", "copy-journal", "copy.part-wal", "copy.part-shm", "copy.part-journal"]
    {
        let beside = folder.path().join(name);
        std::fs::write(&beside, &left).unwrap();
        let error = live.backup(&copy).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains(name) && error.to_string().contains("remove it"), "{error}");
        assert!(!copy.exists() && !folder.path().join("copy.part").exists());
        assert_eq!(std::fs::read(&beside).unwrap(), left, "{name} stays as it is");
        std::fs::remove_file(beside).unwrap();
    }
    live.backup(&copy).unwrap();
    let copied = SqliteStore::open(&copy, SqliteConfig::default()).unwrap();
    assert_eq!(ids(&copied, EventFilter::all()), [100]);
}

/// A name that leads to a disk that was not mounted was taken for a free one, and replaced.
#[cfg(unix)]
#[test]
fn a_backup_replaces_no_link_that_leads_nowhere() {
    let folder = Folder::new();
    let store = folder.open();
    let _ = append(&store, &[registered(1, "a")]).unwrap();
    let copy = folder.path().join("copy");
    std::os::unix::fs::symlink(folder.path().join("not-mounted"), &copy).unwrap();
    assert_eq!(store.backup(&copy).unwrap_err().kind(), ErrorKind::Unsupported);
    assert!(copy.is_symlink() && !folder.path().join("copy.part").exists());
}
