//! `device-stats health`: whether a server can serve requests, for containers whose image has no other client.

use crate::client::Client;

/// Ends well where the server can serve requests.
///
/// # Errors
/// Where it cannot, or is not there.
pub(super) async fn check(url: &str) -> anyhow::Result<()> {
    Ok(Client::new(url)?.check_health().await?)
}
