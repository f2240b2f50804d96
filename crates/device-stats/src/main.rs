//! The binary `device-stats`. What it does is in the library; here is only what concerns the whole process.

use std::process::ExitCode;

/// pco and many small allocations run faster on it than on the system's allocator.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    device_stats::run()
}
