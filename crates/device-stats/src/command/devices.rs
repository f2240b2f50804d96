//! `device-stats devices`: lists, shows, registers, changes and deletes devices.

use device_stats_client::{Client, Device, DeviceChange, DeviceFilter, NewDevice, RetryPolicy};

use super::alternatives::one_of;
use super::confirmation::YesFlag;
use super::find_user::find_user;
use super::number_flags::{expected_interval, whole};
use super::results::{self, table, visible};
use crate::settings::Settings;

/// The operations on devices.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the devices by ascending id
    List {
        /// List only the devices of this user
        #[arg(long, value_name = "NAME_OR_ID")]
        user: Option<String>,
        /// List only devices whose id begins with this text
        #[arg(long, value_name = "TEXT")]
        prefix: Option<String>,
        /// List only devices whose id or display name contains this text
        #[arg(long, value_name = "TEXT")]
        search: Option<String>,
        /// List up to this number of devices [default: all]
        #[arg(long, value_name = "COUNT", default_value_t = u64::MAX, hide_default_value = true,
              value_parser = whole::<u64>("devices", 0..=u64::MAX))]
        limit: u64,
    },
    /// Show a device
    Show(Choice),
    /// Register a device
    Create {
        #[command(flatten)]
        device: Choice,
        /// Set the display name
        #[arg(long)]
        name: Option<String>,
        /// Register the device for this user [default: without a user]
        #[arg(long, value_name = "NAME_OR_ID")]
        user: Option<String>,
        /// Set the longest time without readings that is normal, in seconds [default: learned]
        #[arg(long, value_name = "SECONDS", value_parser = expected_interval)]
        expected_interval: Option<f64>,
    },
    /// Change the display name of a device
    #[command(group = one_of("name_or_none", ["name", "no_name"]))]
    Rename {
        #[command(flatten)]
        device: Choice,
        /// The new display name
        #[arg(conflicts_with = "no_name")]
        name: Option<String>,
        /// Remove the display name
        #[arg(long)]
        no_name: bool,
    },
    /// Change or remove the owner of a device; its readings stay
    #[command(group = one_of("user_or_none", ["user", "no_user"]))]
    Move {
        #[command(flatten)]
        device: Choice,
        /// Give the device to this user
        #[arg(long, value_name = "NAME_OR_ID", conflicts_with = "no_user")]
        user: Option<String>,
        /// Remove the owner
        #[arg(long)]
        no_user: bool,
    },
    /// Set the longest time without readings that is normal for a device
    #[command(group = one_of("seconds_or_learned", ["seconds", "learned"]))]
    Expect {
        #[command(flatten)]
        device: Choice,
        /// The time in seconds
        #[arg(conflicts_with = "learned", value_parser = expected_interval)]
        seconds: Option<f64>,
        /// Learn the time from the readings
        #[arg(long)]
        learned: bool,
    },
    /// Delete a device with its readings
    Delete {
        #[command(flatten)]
        device: Choice,
        #[command(flatten)]
        yes: YesFlag,
    },
}

/// The argument that names a device.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Choice {
    /// Id of the device, as its client chose it
    #[arg(value_name = "DEVICE_ID")]
    device: String,
}

/// Carries out an operation, and prints the devices.
///
/// # Errors
/// If the server is unreachable, refuses the request, or has no such device or user.
pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, RetryPolicy::Overload)?;
    let device = match command {
        Command::List { user, prefix, search: text, limit } => {
            let user_id = find_owner(&client, user.as_deref()).await?;
            let devices = client.list_devices(&DeviceFilter { user_id, prefix, text }, limit).await?;
            return results::print(settings.output, &devices, || Ok(to_table(&devices)));
        }
        Command::Show(Choice { device }) => client.find_device(&device).await?,
        Command::Create { device: Choice { device: device_id }, name, user, expected_interval } => {
            let user_id = find_owner(&client, user.as_deref()).await?;
            let new = NewDevice { device_id, name, user_id, expected_interval_s: expected_interval };
            Device { expected_interval_s: expected_interval, ..client.create_device(&new).await? }
        }
        Command::Rename { device: Choice { device }, name, no_name: _ } => {
            client.update_device(&device, &DeviceChange::Name(name)).await?
        }
        Command::Move { device: Choice { device }, user, no_user: _ } => {
            let owner = find_owner(&client, user.as_deref()).await?;
            client.update_device(&device, &DeviceChange::Owner(owner)).await?
        }
        Command::Expect { device: Choice { device }, seconds, learned: _ } => {
            client.update_device(&device, &DeviceChange::ExpectedInterval(seconds)).await?;
            client.find_device(&device).await?
        }
        Command::Delete { device: Choice { device }, yes } => {
            let found = client.find_device(&device).await?;
            yes.confirm(&format!("delete device {device:?} and its readings"))?;
            client.delete_device(&device).await?;
            let text = format!("deleted device {device:?} and its readings\n");
            return results::print(settings.output, &found, || Ok(text));
        }
    };
    results::print(settings.output, &device, || Ok(to_table(std::slice::from_ref(&device))))
}

async fn find_owner(client: &Client, user: Option<&str>) -> anyhow::Result<Option<i64>> {
    match user {
        Some(user) => Ok(Some(find_user(client, user).await?.id)),
        None => Ok(None),
    }
}

/// Returns the devices as a table. It has the expected intervals if one is known.
pub(super) fn to_table(devices: &[Device]) -> String {
    const INTERVAL: &str = "expected_interval_s";
    let has_interval = devices.iter().any(|device| device.expected_interval_s.is_some());
    let columns = ["id", "device_id", "name", "user_id"];
    let columns: Vec<&str> = columns.into_iter().chain(has_interval.then_some(INTERVAL)).collect();
    let mut table = table(&columns, &["id", "user_id", INTERVAL]);
    for Device { id, device_id, name, user_id, expected_interval_s } in devices {
        let mut row = vec![
            id.to_string(),
            device_id.clone(),
            name.as_deref().map(visible).unwrap_or_default(),
            user_id.map(|id| id.to_string()).unwrap_or_default(),
        ];
        if has_interval {
            row.push(expected_interval_s.map(|seconds| seconds.to_string()).unwrap_or_default());
        }
        table.add_row(row);
    }
    format!("{table}\n")
}
