//! `device-stats health`: whether a server can serve requests, for containers whose image has no other client.

use device_stats_client::{Client, Patience};

/// Ends well where the server can serve requests.
///
/// # Errors
/// Where it cannot, or is not there.
pub(super) async fn check(url: &str) -> anyhow::Result<()> {
    Ok(Client::new(url, Patience::Short)?.check_health().await?)
}
