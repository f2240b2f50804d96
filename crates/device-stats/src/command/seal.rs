//! `device-stats seal`: seals what is hot and merges what is small, directly in the database.

use std::fmt::Write;
use std::thread::available_parallelism;

use anyhow::Context;
use device_stats_domain::Device;
use device_stats_domain::limits::{SEAL_DEVICES_MAX, SEAL_RETRY_PAUSE};
use device_stats_store::Retry;
use futures_util::StreamExt;
use futures_util::stream::iter;

use super::store_devices::{self, Chosen};
use crate::settings::Settings;
use device_stats_domain::error_chain;
use device_stats_service::sealing::{Done, Goal, SealError, Sealer, Which};

/// How often a device is tried where the database is busy or lost.
const ATTEMPTS_MAX: u32 = 5;

/// Whose readings to seal.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Seal the readings of all devices
    #[arg(long, required_unless_present = "device", conflicts_with = "device")]
    all: bool,
    /// Seal the readings of this device
    #[arg(long, value_name = "DEVICE_ID")]
    device: Option<String>,
}

/// Seals and merges until nothing is left to do, and prints what was done. Servers may run meanwhile.
///
/// # Errors
/// Where the database cannot be used, or there is no such device.
pub(super) async fn seal(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let Chosen { store, devices } = store_devices::devices(settings, arguments.device.as_deref()).await?;
    let parallel = available_parallelism().map_or(1, usize::from).min(SEAL_DEVICES_MAX);
    let sealer = &Sealer::new(store, parallel);
    let mut at_work = iter(devices.into_iter().map(|device| async move {
        let done = patiently(sealer, &device).await;
        (device, done)
    }))
    .buffer_unordered(parallel);
    let (mut count, mut total) = (0_u64, Done::default());
    while let Some((device, done)) = at_work.next().await {
        let done = done?;
        count += 1;
        total = total.plus(done);
        if done != Done::default() {
            super::print(&format!("device {:?}: {}\n", device.device_id.as_str(), words(done)?))?;
        }
    }
    super::print(&format!("{count} devices: {}\n", words(total)?))
}

/// Seals and merges the readings of a device; begins again where the database was busy or lost.
async fn patiently(sealer: &Sealer, device: &Device) -> anyhow::Result<Done> {
    let mut done = Done::default();
    let mut attempts = 1;
    loop {
        match sealer.work(device.key, Which::All, Goal::Compact, &mut done).await {
            Ok(()) => return Ok(done),
            Err(SealError::Store(error)) if error.retry() != Retry::Pointless && attempts < ATTEMPTS_MAX => {
                tracing::warn!(device = device.key.0, causes = error_chain(&error), "trying again");
                tokio::time::sleep(SEAL_RETRY_PAUSE).await;
                attempts += 1;
            }
            Err(error) => {
                let id = device.device_id.as_str();
                return Err(error).with_context(|| format!("cannot seal the readings of device {id:?}"));
            }
        }
    }
}

fn words(done: Done) -> anyhow::Result<String> {
    let Done { sealed_readings, sealed_segments, merged_segments, merged_into, .. } = done;
    let mut text = String::new();
    write!(text, "sealed {sealed_readings} readings in {sealed_segments} segments, ")?;
    write!(text, "merged {merged_segments} segments into {merged_into}")?;
    Ok(text)
}
