//! `device-stats seal`: seals what is hot and merges what is small, directly in the database.

use std::fmt::Write;
use std::thread::available_parallelism;

use anyhow::Context;
use device_stats_domain::Device;
use futures_util::StreamExt;
use futures_util::stream::iter;

use super::chosen::{self, Chosen};
use crate::sealing::{Done, Goal, SealError, Sealer};
use crate::settings::Settings;

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
    let Chosen { store, devices } = chosen::devices(settings, arguments.device.as_deref()).await?;
    let sealer = Sealer::new(store);
    let sealer = &sealer;
    let parallel = available_parallelism().map_or(1, usize::from);
    let mut at_work = iter(devices.into_iter().map(|device| async move {
        let done = sealer.work(device.key, 1, Goal::Compact).await;
        (device, done)
    }))
    .buffer_unordered(parallel);
    let (mut count, mut total) = (0_u64, Done::default());
    while let Some((device, done)) = at_work.next().await {
        let done = or_why(done, &device)?;
        count += 1;
        total = total.plus(done);
        if done != Done::default() {
            super::print(&format!("{}: {}\n", device.device_id.as_str(), words(done)?))?;
        }
    }
    super::print(&format!("{count} devices: {}\n", words(total)?))
}

fn or_why(done: Result<Done, SealError>, device: &Device) -> anyhow::Result<Done> {
    done.with_context(|| format!("cannot seal the readings of device {:?}", device.device_id.as_str()))
}

fn words(done: Done) -> anyhow::Result<String> {
    let Done { sealed_readings, sealed_segments, merged_segments, merged_into, .. } = done;
    let mut text = String::new();
    write!(text, "sealed {sealed_readings} readings in {sealed_segments} segments, ")?;
    write!(text, "merged {merged_segments} segments into {merged_into}")?;
    Ok(text)
}
