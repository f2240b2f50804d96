//! `device-stats health`: checks a server, for container images without another HTTP client.

use device_stats_client::{Client, RetryPolicy, Server};
use serde_json::json;

use super::results;
use crate::settings::{HealthCheck, Settings};

/// Checks that the server can serve requests. Without `--url`, it is the server at the address of `--listen`,
/// so that the check of an image needs no further setting. Prints nothing, except as JSON.
///
/// # Errors
/// If the server cannot serve requests, or is unreachable.
pub(super) async fn check(settings: &Settings) -> anyhow::Result<()> {
    let client = match &settings.health_check {
        HealthCheck::OwnServer(url) => Client::for_own_health(url),
        // The check needs no token.
        HealthCheck::Server(url) => {
            Client::new(&Server { url: url.clone(), token: None }, RetryPolicy::Overload)
        }
    };
    client?.check_health().await?;
    results::print(settings.output, &json!({ "status": "ready" }), || Ok(String::new()))
}
