//! Flags that choose the readings of a command: a device or a user, and a period.

use anyhow::Context;
use device_stats_client::{Client, Period, Scope};

use super::find_user::find_user;
use super::period_flags::PeriodFlags;

/// The flags, except for the device: it is a flag of `export`, and an argument of the other commands.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReadingsFlags {
    /// Select all devices of this user instead of one device
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    #[command(flatten)]
    period: PeriodFlags,
}

impl ReadingsFlags {
    /// Returns the period.
    pub(super) fn period(&self) -> Period {
        self.period.period()
    }

    /// Returns the scope, as [`find_scope`].
    ///
    /// # Errors
    /// As [`find_scope`].
    pub(super) async fn find_scope(&self, client: &Client, device: Option<&str>) -> anyhow::Result<Scope> {
        find_scope(client, device, self.user.as_deref()).await
    }
}

/// Returns the scope: the user if there is one, otherwise the device. The server checks that the device
/// exists.
///
/// # Errors
/// If the user does not exist, or if neither a device nor a user is given.
pub(super) async fn find_scope(
    client: &Client,
    device: Option<&str>,
    user: Option<&str>,
) -> anyhow::Result<Scope> {
    match user {
        Some(user) => Ok(Scope::User(find_user(client, user).await?.id)),
        None => Ok(Scope::Device(device.context("give a device or --user")?.to_owned())),
    }
}
