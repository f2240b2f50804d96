//! `device-stats tail`: prints readings as they arrive.

use std::ops::ControlFlow;

use device_stats_client::{Client, ClientError};
use device_stats_service::limits::LIVE_RATE_MAX;
use serde::Deserialize;
use serde_json::Number;

use super::alternatives::one_of;
use super::number_flags::{rate, whole};
use super::readings_flags::find_scope;
use super::retry_flags::RetryFlags;
use super::stdout;
use crate::settings::{OutputForm, Settings};

/// Arguments of `tail`.
#[derive(Debug, clap::Args)]
#[command(group = one_of("device_or_user", ["device", "user"]))]
pub(super) struct Arguments {
    /// Watch this device
    #[arg(conflicts_with = "user")]
    device: Option<String>,
    /// Watch all devices of this user instead of one device
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Print up to this number of readings per second of each device [default: 10]
    #[arg(long, value_name = "RATE", value_parser = rate(LIVE_RATE_MAX))]
    rate: Option<f64>,
    /// Stop after this number of readings [default: never]
    #[arg(long, value_name = "COUNT", value_parser = whole::<u64>("readings", 0..=u64::MAX))]
    count: Option<u64>,
    #[command(flatten)]
    retry: RetryFlags,
}

/// A reading of a live stream.
#[derive(Debug, Deserialize)]
struct LiveReading {
    device_id: String,
    timestamp: String,
    x: Number,
    y: Number,
    z: Number,
}

/// Prints a line for each reading. After a lost connection, connects again and prints the missed readings.
///
/// # Errors
/// If the server is unreachable, or the device or user does not exist or is deleted.
pub(super) async fn tail(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::for_exports(&settings.server, arguments.retry.policy())?;
    let scope = find_scope(&client, arguments.device.as_deref(), arguments.user.as_deref()).await?;
    let mut readings = client.watch(&scope, arguments.rate).await?;
    let mut stdout = std::io::stdout();
    let mut count = 0;
    while arguments.count.is_none_or(|count_max| count < count_max) {
        let reading = readings.next().await?;
        let line = match settings.output {
            OutputForm::Json => format!("{reading}\n"),
            OutputForm::Text => to_text(&reading)?,
        };
        if let ControlFlow::Break(()) = stdout::write(&mut stdout, line.as_bytes())? {
            return Ok(());
        }
        count += 1;
    }
    Ok(())
}

fn to_text(reading: &str) -> Result<String, ClientError> {
    let LiveReading { device_id, timestamp, x, y, z } =
        serde_json::from_str(reading).map_err(ClientError::unexpected)?;
    Ok(format!("{timestamp}  {device_id}  {x} {y} {z}\n"))
}
