//! The binary `device-stats`: settings of the process. The library does the rest.

use std::process::ExitCode;

/// Faster than the system's allocator for pco and for many small allocations.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    device_stats::run()
}
