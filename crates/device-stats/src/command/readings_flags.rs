//! Whose readings a command is about: those of a device, or of all devices of a user.

use anyhow::bail;

use device_stats_client::{Client, Subject};

/// The device, or else the user, who is named or is known by an id.
///
/// # Errors
/// Where there is no such user. Whether there is such a device, the server says when it is asked for its readings.
pub(super) async fn find(
    client: &Client,
    device: Option<&String>,
    user: Option<&String>,
) -> anyhow::Result<Subject> {
    match (user, device) {
        (Some(user), _) => match client.find_user(user).await? {
            Some(found) => Ok(Subject::User(found.id)),
            None => bail!("there is no user {user:?}"),
        },
        (None, Some(device)) => Ok(Subject::Device(device.clone())),
        (None, None) => bail!("neither a device nor a user is given"),
    }
}
