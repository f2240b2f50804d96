//! `device-stats health`: checks a server, for container images without another HTTP client.

use device_stats_client::{Client, RetryPolicy};

/// Checks that the server can serve requests.
///
/// # Errors
/// If the server cannot serve requests, or is unreachable.
pub(super) async fn check(url: &str) -> anyhow::Result<()> {
    Ok(Client::new(url, RetryPolicy::Overload)?.check_health().await?)
}
