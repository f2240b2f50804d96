//! The figures of the process.

use std::time::Duration;

/// What the operating system states about the process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessFigures {
    /// Resident memory, in bytes.
    pub resident_bytes: u64,
    /// Processor time since the start.
    pub cpu: Duration,
    /// Number of threads.
    pub threads: u64,
    /// Number of open files and connections.
    pub open_files: u64,
}

impl ProcessFigures {
    /// Asks the operating system; `None` if it does not tell.
    #[cfg(target_os = "linux")]
    pub(super) fn read() -> Option<Self> {
        let process = procfs::process::Process::myself().ok()?;
        let stat = process.stat().ok()?;
        let ticks = procfs::ticks_per_second();
        let resident_bytes = stat.rss.checked_mul(procfs::page_size())?;
        let cpu = Duration::from_millis((stat.utime + stat.stime).checked_mul(1_000)? / ticks);
        let (threads, open_files) = (u64::try_from(stat.num_threads).ok()?, process.fd_count().ok()? as u64);
        Some(Self { resident_bytes, cpu, threads, open_files })
    }

    /// Asks the operating system; `None` if it does not tell.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read() -> Option<Self> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_process_has_memory_threads_and_files() {
        let before = ProcessFigures::read().unwrap();
        assert!(before.resident_bytes > 1_000_000 && before.threads >= 1, "{before:?}");
        let file = std::fs::File::open("/proc/self/status").unwrap();
        let after = ProcessFigures::read().unwrap();
        assert!(after.open_files >= 4 && after.cpu >= before.cpu, "{after:?}");
        drop(file);
    }
}
