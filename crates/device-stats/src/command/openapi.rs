//! `device-stats openapi`: the document that describes the HTTP interface.

/// Prints the document.
///
/// # Errors
/// Those of writing it.
pub(super) fn print() -> anyhow::Result<()> {
    let document = device_stats_http::openapi();
    super::print(&format!("{}\n", document.trim_end()))
}
