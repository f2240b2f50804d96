//! The environment variable `CRASH_POINTS`. With `all`, as `make torture` sets it, tests try all cases
//! instead of a sample, and none is skipped.

/// Returns whether all cases are tried.
#[expect(clippy::disallowed_methods, reason = "the caller chooses the number of cases")]
pub(crate) fn is_torture() -> bool {
    std::env::var("CRASH_POINTS").is_ok_and(|points| points == "all")
}
