//! The C functions that SQLite calls.

#![allow(unsafe_code, reason = "SQLite calls its file system through C functions")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rusqlite::ffi;

use super::{Op, Watcher, around, watcher_of};

static LAYER: OnceLock<Layer> = OnceLock::new();

/// Puts the layer in front of SQLite's own, once.
pub(super) fn register() {
    LAYER.get_or_init(make);
}

/// What SQLite is given: a copy of its own layer with other ways to open and delete.
struct Layer {
    real: *mut ffi::sqlite3_vfs,
}

// SAFETY: SQLite never changes its own layer once it is registered, and calls it from every thread itself.
unsafe impl Send for Layer {}
// SAFETY: as above.
unsafe impl Sync for Layer {}

fn make() -> Layer {
    // SAFETY: finding the default layer has no precondition. The copy and its name are leaked, because SQLite
    // keeps the pointer for as long as the process lasts. Every function that is copied takes its state from
    // its arguments and from `pAppData`, which is copied too.
    unsafe {
        let real = ffi::sqlite3_vfs_find(std::ptr::null());
        assert!(!real.is_null(), "SQLite has a layer for files");
        let mut layer = *real;
        layer.szOsFile += size_of::<File>() as c_int;
        layer.pNext = std::ptr::null_mut();
        layer.zName = c"watched".as_ptr();
        layer.xOpen = Some(open);
        layer.xDelete = Some(delete);
        let code = ffi::sqlite3_vfs_register(Box::leak(Box::new(layer)), 1);
        assert_eq!(code, ffi::SQLITE_OK, "a layer is registered");
        Layer { real }
    }
}

fn real_layer() -> *mut ffi::sqlite3_vfs {
    LAYER.get().expect("SQLite calls the layer once it is registered").real
}

/// An open file: this, and behind it in the same memory the one of SQLite's own layer.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    seen: *mut Seen,
}

struct Seen {
    path: PathBuf,
    watcher: Option<Watcher>,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without the third version, no file is mapped into memory, and every read and write is seen.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock_file),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// The path behind a name of SQLite; `None` for a temporary file.
///
/// # Safety
/// The name is null or ends with a zero byte and lives as long as the path.
unsafe fn path_of<'a>(name: *const c_char) -> Option<&'a Path> {
    // SAFETY: the caller's promise.
    let name = (!name.is_null()).then(|| unsafe { CStr::from_ptr(name) })?;
    Some(Path::new(OsStr::from_bytes(name.to_bytes())))
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite gives a name that ends, and `szOsFile` bytes of memory for the file, which hold ours and the
    // real one behind it; ours is a multiple of the alignment that SQLite gives.
    unsafe {
        let path = path_of(name).unwrap_or(Path::new(""));
        let watcher = watcher_of(path);
        let real = file.cast::<File>().add(1).cast::<ffi::sqlite3_file>();
        (*file).pMethods = std::ptr::null();
        (*real).pMethods = std::ptr::null();
        let is_new = watcher.is_some() && !path.exists();
        let journals = ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL;
        let op = Op::Open { is_new, syncs_folder: is_new && flags & journals != 0 };
        let layer = real_layer();
        let open = (*layer).xOpen.expect("every layer opens files");
        let code = around(watcher.as_ref(), path, &op, |_| open(layer, name, real, flags, out_flags));
        if code != ffi::SQLITE_OK {
            if let Some(methods) = (*real).pMethods.as_ref() {
                methods.xClose.expect("every file closes")(real);
            }
            return code;
        }
        let seen = Box::into_raw(Box::new(Seen { path: path.to_owned(), watcher }));
        std::ptr::addr_of_mut!((*file.cast::<File>()).seen).write(seen);
        (*file).pMethods = &METHODS;
        code
    }
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, syncs_folder: c_int) -> c_int {
    // SAFETY: SQLite gives a name that ends, and the real layer is registered for ever.
    unsafe {
        let path = path_of(name).unwrap_or(Path::new(""));
        let op = Op::Delete { syncs_folder: syncs_folder != 0 };
        let layer = real_layer();
        let delete = (*layer).xDelete.expect("every layer deletes files");
        around(watcher_of(path).as_ref(), path, &op, |_| delete(layer, name, syncs_folder))
    }
}

/// A file of SQLite's own layer, and what stands beside it.
struct Parts<'a> {
    real: *mut ffi::sqlite3_file,
    methods: &'a ffi::sqlite3_io_methods,
    seen: &'a Seen,
}

impl Parts<'_> {
    fn around(&self, op: &Op<'_>, run: impl Fn(Option<usize>) -> c_int) -> c_int {
        around(self.seen.watcher.as_ref(), &self.seen.path, op, run)
    }
}

/// # Safety
/// The file was opened by [`open`] and is not closed yet.
unsafe fn parts<'a>(file: *mut ffi::sqlite3_file) -> Parts<'a> {
    // SAFETY: an open file of this layer has both parts, and its methods are static.
    unsafe {
        let file = file.cast::<File>();
        let real = file.add(1).cast::<ffi::sqlite3_file>();
        Parts { real, methods: &*(*real).pMethods, seen: &*(*file).seen }
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file once; what `open` has boxed is taken back then.
    unsafe {
        let code = {
            let of = parts(file);
            of.methods.xClose.expect("every file closes")(of.real)
        };
        drop(Box::from_raw((*file.cast::<File>()).seen));
        (*file).pMethods = std::ptr::null();
        code
    }
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, to: *mut c_void, len: c_int, offset: i64) -> c_int {
    // SAFETY: SQLite calls this with an open file and `len` bytes of memory.
    unsafe {
        let of = parts(file);
        let read = of.methods.xRead.expect("every file is read");
        of.around(&Op::Read, |_| read(of.real, to, len, offset))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    len: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite calls this with an open file and `len` bytes to write; a torn write takes fewer of them.
    unsafe {
        let of = parts(file);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), len as usize);
        let write = of.methods.xWrite.expect("every file is written");
        let op = Op::Write { offset: offset as u64, bytes };
        of.around(&op, |some| write(of.real, from, some.map_or(len, |some| len.min(some as c_int)), offset))
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: i64) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        let truncate = of.methods.xTruncate.expect("every file is cut");
        of.around(&Op::Truncate { len: len as u64 }, |_| truncate(of.real, len))
    }
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        let sync = of.methods.xSync.expect("every file is synced");
        of.around(&Op::Sync, |_| sync(of.real, flags))
    }
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, to: *mut i64) -> c_int {
    // SAFETY: SQLite calls this with an open file and a place for the answer.
    unsafe {
        let of = parts(file);
        let size = of.methods.xFileSize.expect("every file has a size");
        of.around(&Op::FileSize, |_| size(of.real, to))
    }
}

unsafe extern "C" fn lock_file(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        let lock = of.methods.xLock.expect("every file is locked");
        of.around(&Op::Lock, |_| lock(of.real, level))
    }
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        of.methods.xUnlock.expect("every file is unlocked")(of.real, level)
    }
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, to: *mut c_int) -> c_int {
    // SAFETY: SQLite calls this with an open file and a place for the answer.
    unsafe {
        let of = parts(file);
        of.methods.xCheckReservedLock.expect("every file is locked")(of.real, to)
    }
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, what: c_int, with: *mut c_void) -> c_int {
    // SAFETY: SQLite calls this with an open file and what the control asks for.
    unsafe {
        let of = parts(file);
        of.methods.xFileControl.expect("every file is controlled")(of.real, what, with)
    }
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        of.methods.xSectorSize.expect("every file has sectors")(of.real)
    }
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        of.methods.xDeviceCharacteristics.expect("every file has a device")(of.real)
    }
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    len: c_int,
    extend: c_int,
    to: *mut *mut c_void,
) -> c_int {
    // SAFETY: SQLite calls this with an open file and a place for the answer.
    unsafe {
        let of = parts(file);
        let map = of.methods.xShmMap.expect("files are shared");
        of.around(&Op::ShmMap, |_| map(of.real, page, len, extend, to))
    }
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, n: c_int, flags: c_int) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        let lock = of.methods.xShmLock.expect("files are shared");
        if flags & ffi::SQLITE_SHM_LOCK == 0 {
            return lock(of.real, offset, n, flags);
        }
        of.around(&Op::ShmLock, |_| lock(of.real, offset, n, flags))
    }
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        of.methods.xShmBarrier.expect("files are shared")(of.real);
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, is_deleted: c_int) -> c_int {
    // SAFETY: SQLite calls this with an open file.
    unsafe {
        let of = parts(file);
        of.methods.xShmUnmap.expect("files are shared")(of.real, is_deleted)
    }
}
