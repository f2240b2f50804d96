//! `device-stats seal`: seals hot readings and merges small segments, directly in the database. With `--all`,
//! it also deletes the readings that deleted devices have left.

use std::pin::pin;
use std::sync::Arc;

use anyhow::Context;
use device_stats_domain::{Device, error_chain};
use device_stats_service::limits::{PURGE_RETRY_PAUSE, SEAL_RETRY_PAUSE};
use device_stats_service::purging::purge_all;
use device_stats_service::sealing::{MergeGoal, ReadingsToSeal, SealError, SealReport, Sealer};
use device_stats_store::{Retry, Store};
use futures_util::StreamExt;
use serde_json::json;

use super::alternatives::one_of;
use super::results;
use super::stdout;
use super::store_devices::{StoreDevices, for_each_device, parallelism};
use crate::settings::{OutputForm, Settings};

/// Maximum number of attempts for a device, or for the purge, while the database is busy or unavailable.
const ATTEMPTS_MAX: u32 = 5;

/// Arguments of `seal`.
#[derive(Debug, clap::Args)]
#[command(group = one_of("all_or_device", ["all", "device"]))]
pub(super) struct Arguments {
    /// Seal the readings of all devices
    #[arg(long, conflicts_with = "device")]
    all: bool,
    /// Seal the readings of this device
    #[arg(long, value_name = "DEVICE_ID")]
    device: Option<String>,
}

/// Seals and merges until nothing is left to do, and prints the result. Servers may run at the same time.
///
/// # Errors
/// If the database cannot be used, or the device does not exist.
pub(super) async fn seal(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let StoreDevices { store, devices } = StoreDevices::open(settings, arguments.device.as_deref()).await?;
    let sealer = &Sealer::new(Arc::clone(&store), parallelism());
    let work = async |device: Device| (seal_with_retries(sealer, &device).await, device);
    let mut results = pin!(for_each_device(devices, work));
    let (mut count, mut total) = (0_u64, SealReport::default());
    while let Some((done, device)) = results.next().await {
        let done = done?;
        count += 1;
        total = total.plus(done);
        if done != SealReport::default() && settings.output == OutputForm::Text {
            stdout::print(&format!("device {:?}: {}\n", device.device_id.as_str(), describe(done)))?;
        }
    }
    if arguments.all {
        purge_with_retries(store.as_ref()).await?;
    }
    let result = json!({
        "devices": count,
        "sealed_readings": total.sealed_readings,
        "sealed_segments": total.sealed_segments,
        "merged_segments": total.merged_segments,
        "merged_into": total.merged_into,
    });
    results::print(settings.output, &result, || Ok(format!("{count} devices: {}\n", describe(total))))
}

/// Deletes the readings of deleted devices. Tries again if the database is busy or unavailable.
async fn purge_with_retries(store: &dyn Store) -> anyhow::Result<()> {
    let mut attempts = 1;
    while let Err(error) = purge_all(store).await {
        if error.retry() == Retry::Pointless || attempts == ATTEMPTS_MAX {
            return Err(error).context("cannot delete the readings of deleted devices");
        }
        tracing::warn!(
            causes = error_chain(&error),
            "deleting the readings of deleted devices failed, trying again"
        );
        tokio::time::sleep(PURGE_RETRY_PAUSE).await;
        attempts += 1;
    }
    Ok(())
}

/// Seals and merges the readings of a device. Tries again if the database is busy or unavailable.
async fn seal_with_retries(sealer: &Sealer, device: &Device) -> anyhow::Result<SealReport> {
    let mut done = SealReport::default();
    let mut attempts = 1;
    loop {
        match sealer.seal_and_merge(device.key, ReadingsToSeal::All, MergeGoal::Compact, &mut done).await {
            Ok(()) => return Ok(done),
            Err(SealError::Store(error)) if error.retry() != Retry::Pointless && attempts < ATTEMPTS_MAX => {
                tracing::warn!(
                    device = device.key.0,
                    causes = error_chain(&error),
                    "sealing failed, trying again"
                );
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

fn describe(done: SealReport) -> String {
    let SealReport { sealed_readings, sealed_segments, merged_segments, merged_into, .. } = done;
    format!(
        "sealed {sealed_readings} readings in {sealed_segments} segments, merged {merged_segments} segments into {merged_into}"
    )
}
