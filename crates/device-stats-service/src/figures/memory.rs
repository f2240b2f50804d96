//! The memory of the process.

use std::fs;

/// Returns the resident memory of the process, in bytes; `None` if the operating system does not state it.
pub(super) fn resident_bytes() -> Option<u64> {
    parse(&fs::read_to_string("/proc/self/status").ok()?)
}

/// Finds the resident memory in the description of a process (proc(5)).
fn parse(status: &str) -> Option<u64> {
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = size.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kib.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resident_memory_is_found() {
        assert_eq!(parse("Name:\tx\nVmHWM:\t  999 kB\nVmRSS:\t   12 kB\nThreads:\t1\n"), Some(12_288));
        for status in ["", "VmRSS:", "VmRSS:\t 12", "VmRSS:\t-1 kB", "VmRSS:\t 99999999999999999999 kB"] {
            assert_eq!(parse(status), None, "{status}");
        }
        assert!(resident_bytes().is_none_or(|bytes| bytes > 1_000_000));
    }
}
