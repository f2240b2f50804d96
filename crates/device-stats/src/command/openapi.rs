//! `device-stats openapi`: prints the description of the HTTP interface.

use super::stdout;

/// Prints the document.
///
/// # Errors
/// If stdout cannot be written.
pub(super) fn print() -> anyhow::Result<()> {
    let document = device_stats_http::openapi();
    stdout::print(&format!("{}\n", document.trim_end()))
}
