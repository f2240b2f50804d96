//! The binary `device-stats`. It chooses the allocator, and the library does the rest.

use std::process::ExitCode;

/// The allocator of the process. With pco, and with many small allocations, it is faster than the allocator
/// of the system.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    device_stats::run()
}
