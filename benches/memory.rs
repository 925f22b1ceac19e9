//! The memory of this process, as the system counts it.

/// The most that it has had so far, in KiB.
///
/// # Panics
/// If the system does not tell.
pub fn peak_rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux tells of a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number.and_then(|number| number.parse().ok()).expect("the peak is counted in KiB")
}
