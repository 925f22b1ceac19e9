//! How much memory reading takes: an allocator that counts, thread by thread.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// What `docs/format.md` promises: so many times the bytes, and a constant.
const BYTES_PER_BYTE: usize = 2_048;
const BYTES_FREE: usize = 64 << 20;

thread_local! {
    /// The bytes that this thread has taken and not given back; another may give back what it took.
    static TAKEN: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

fn count(bytes: isize) {
    // A thread that ends may allocate after its counters are gone.
    let _ = TAKEN.try_with(|taken| {
        taken.set(taken.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(taken.get())));
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting touches neither memory nor layouts, and the
// counters are plain cells without a destructor, so that reading them allocates nothing.
#[expect(unsafe_code, reason = "only an allocator can count what is allocated")]
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        // SAFETY: the caller keeps the promises of `GlobalAlloc::alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the pointer came from `alloc` above with this layout, as the caller promises.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Reads bytes, so many of them, and checks that it takes no more memory than is promised.
#[track_caller]
pub(crate) fn bounded<T>(bytes: usize, read: impl FnOnce() -> T) -> T {
    let before = TAKEN.get();
    PEAK.set(before);
    let result = read();
    let peak = (PEAK.get() - before) as usize;
    let most = bytes * BYTES_PER_BYTE + BYTES_FREE;
    assert!(peak <= most, "{bytes} bytes took {peak} bytes to read, and {most} are the most");
    result
}

#[test]
fn what_is_taken_is_counted() {
    let taken = std::panic::catch_unwind(|| bounded(0, || vec![0_u8; BYTES_FREE + 1]));
    assert!(taken.is_err());
    bounded(0, || vec![0_u8; BYTES_FREE - 1_024]);
}
