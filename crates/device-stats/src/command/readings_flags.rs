//! Flags that choose the readings of `export` and `analyze`.

use anyhow::{Context, bail};
use device_stats_client::{Client, Period, Scope};

/// The flags, except for the device: it is an argument of `analyze` and a flag of `export`.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReadingsFlags {
    /// Select all devices of this user instead of one device
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Start with this time, for example 2026-11-23T10:00:00Z [default: first reading]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// End with this time, inclusive [default: last reading]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
}

impl ReadingsFlags {
    /// Returns the period.
    pub(super) fn period(&self) -> Period {
        Period { start_time: self.from.clone(), end_time: self.until.clone() }
    }

    /// Returns the scope: the user if there is one, otherwise the device. The server checks that the device
    /// exists.
    ///
    /// # Errors
    /// If the user does not exist, or if neither a device nor a user is given.
    pub(super) async fn find_scope(&self, client: &Client, device: Option<&str>) -> anyhow::Result<Scope> {
        let Some(user) = &self.user else {
            let device = device.context("name a device or a --user")?;
            return Ok(Scope::Device(device.to_owned()));
        };
        match client.find_user(user).await? {
            Some(found) => Ok(Scope::User(found.id)),
            None => bail!("there is no user {user:?}"),
        }
    }
}
