//! `device-stats readings`: lists, shows and deletes readings.

use device_stats_client::{
    Client, LatestReading, LatestScope, Period, Reading, ReadingsToDelete, RetryPolicy,
};
use serde::Serialize;
use serde_json::{Number, json};

use super::alternatives::one_of;
use super::confirmation::YesFlag;
use super::find_user::find_user;
use super::not_found::NotFound;
use super::number_flags::whole;
use super::period_flags::PeriodFlags;
use super::plural::plural;
use super::results::{self, table};
use super::usage::UsageError;
use crate::settings::Settings;

/// The operations on readings.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// List the readings of a device, newest first
    List {
        #[command(flatten)]
        device: Choice,
        #[command(flatten)]
        period: PeriodFlags,
        /// List up to this number of readings
        #[arg(long, value_name = "COUNT", default_value_t = 100,
              value_parser = whole::<u64>("readings", 0..=u64::MAX))]
        limit: u64,
    },
    /// Show the latest reading of one or more devices
    #[command(group = one_of("devices_or_user", ["devices", "user"]))]
    Latest {
        /// Ids of the devices
        #[arg(value_name = "DEVICE_ID", conflicts_with = "user")]
        devices: Vec<String>,
        /// Show the latest reading of each device of this user
        #[arg(long, value_name = "NAME_OR_ID")]
        user: Option<String>,
    },
    /// Show the reading with this time
    Show {
        #[command(flatten)]
        device: Choice,
        /// Time of the reading, for example 2026-11-23T10:00:00.25Z
        time: String,
    },
    /// Delete the readings of a device in a period
    Delete {
        #[command(flatten)]
        device: Choice,
        #[command(flatten)]
        period: PeriodFlags,
        /// Delete all readings of the device
        #[arg(long, conflicts_with_all = ["start_time", "end_time", "until"])]
        all: bool,
        #[command(flatten)]
        yes: YesFlag,
    },
}

/// The argument that names a device.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Choice {
    /// Id of the device
    #[arg(value_name = "DEVICE_ID")]
    device: String,
}

/// The latest reading of a device.
#[derive(Debug, Serialize)]
struct NewestReading {
    device_id: String,
    timestamp: String,
    x: Number,
    y: Number,
    z: Number,
}

/// Carries out an operation, and prints the readings.
///
/// # Errors
/// If the server is unreachable, refuses the request, or has no such readings.
pub(super) async fn run(command: Command, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, RetryPolicy::Overload)?;
    let readings = match command {
        Command::List { device: Choice { device }, period, limit } => {
            let readings = client.list_readings(&device, &period.period(), limit).await?;
            if readings.is_empty() && limit > 0 {
                return Err(NotFound::Readings.into());
            }
            return results::print(settings.output, &readings, || Ok(to_table(&readings)));
        }
        Command::Latest { devices, user } => {
            let latest = list_latest(&client, devices, user.as_deref()).await?;
            return results::print(settings.output, &latest, || Ok(latest_table(&latest)));
        }
        Command::Show { device: Choice { device }, time } => {
            let moment = Period { start_time: Some(time.clone()), end_time: Some(time.clone()), until: None };
            let reading = client.list_readings(&device, &moment, 1).await?.pop();
            reading.ok_or(NotFound::Reading { device_id: device, time })?
        }
        Command::Delete { device: Choice { device }, period, all, yes } => {
            return delete(&client, &device, readings_to_delete(&period, all)?, yes, settings).await;
        }
    };
    results::print(settings.output, &readings, || Ok(to_table(std::slice::from_ref(&readings))))
}

/// Returns the latest reading of each device that has readings.
async fn list_latest(
    client: &Client,
    devices: Vec<String>,
    user: Option<&str>,
) -> anyhow::Result<Vec<NewestReading>> {
    let scope = match user {
        None => LatestScope::Devices(devices),
        Some(user) => LatestScope::User(find_user(client, user).await?.id),
    };
    let found = client.list_latest(&scope).await?.into_iter();
    let newest = found.filter_map(|LatestReading { device_id, reading, .. }| {
        let Reading { timestamp, x, y, z, .. } = reading?;
        Some(NewestReading { device_id, timestamp, x, y, z })
    });
    let newest: Vec<NewestReading> = newest.collect();
    if newest.is_empty() { Err(NotFound::Readings.into()) } else { Ok(newest) }
}

/// Returns the readings to delete. A period needs a start or an end, because otherwise it contains all
/// readings.
fn readings_to_delete(period: &PeriodFlags, all: bool) -> Result<ReadingsToDelete, UsageError> {
    if all {
        return Ok(ReadingsToDelete::All);
    }
    if period.is_unbounded() {
        let problem = "give --start-time, --end-time or --until, or delete all readings with --all";
        return Err(UsageError(problem.to_owned()));
    }
    Ok(ReadingsToDelete::In(period.period()))
}

async fn delete(
    client: &Client,
    device: &str,
    readings: ReadingsToDelete,
    yes: YesFlag,
    settings: &Settings,
) -> anyhow::Result<()> {
    let which = match &readings {
        ReadingsToDelete::All => "all readings".to_owned(),
        ReadingsToDelete::In(period) => format!("the readings {}", describe(period)),
    };
    yes.confirm(&format!("delete {which} of device {device:?}"))?;
    let deleted = client.delete_readings(device, &readings).await?;
    results::print(settings.output, &json!({ "deleted": deleted }), || {
        Ok(format!("deleted {} of device {device:?}\n", plural(deleted, "reading")))
    })
}

fn describe(period: &Period) -> String {
    let ends = [("from", &period.start_time), ("to", &period.end_time), ("before", &period.until)];
    let given = ends.iter().filter_map(|(word, time)| Some(format!("{word} {}", time.as_ref()?)));
    given.collect::<Vec<_>>().join(" ")
}

fn to_table(readings: &[Reading]) -> String {
    let mut table = table(&["timestamp", "x", "y", "z", "id"], &["x", "y", "z", "id"]);
    for Reading { timestamp, x, y, z, id, .. } in readings {
        table.add_row([timestamp, &x.to_string(), &y.to_string(), &z.to_string(), &id.to_string()]);
    }
    format!("{table}\n")
}

fn latest_table(readings: &[NewestReading]) -> String {
    let mut table = table(&["device_id", "timestamp", "x", "y", "z"], &["x", "y", "z"]);
    for NewestReading { device_id, timestamp, x, y, z } in readings {
        table.add_row([device_id, timestamp, &x.to_string(), &y.to_string(), &z.to_string()]);
    }
    format!("{table}\n")
}
