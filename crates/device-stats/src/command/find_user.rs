//! The user that a command line names.

use device_stats_client::{Client, User};

use super::not_found::NotFound;

/// Returns the user with a name or id.
///
/// # Errors
/// [`NotFound::User`], and errors of the client.
pub(super) async fn find_user(client: &Client, name_or_id: &str) -> anyhow::Result<User> {
    let found = client.find_user(name_or_id).await?;
    Ok(found.ok_or_else(|| NotFound::User(name_or_id.to_owned()))?)
}
