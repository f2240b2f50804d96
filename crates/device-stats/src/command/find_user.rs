//! The user that a command line names.

use device_stats_client::{Client, User, UserChoice};

use super::not_found::NotFound;

/// Returns the user with a name or id, as [`UserChoice`] reads it.
///
/// # Errors
/// [`NotFound::User`], and errors of the client.
pub(super) async fn find_user(client: &Client, name_or_id: &str) -> anyhow::Result<User> {
    let Ok(choice) = name_or_id.parse::<UserChoice>();
    let found = client.find_user(&choice).await?;
    Ok(found.ok_or(NotFound::User(choice))?)
}
