//! `device-stats verify`: whether all that is sealed is as it was written, directly in the database.

mod device_check;

use std::fmt::Write;
use std::thread::available_parallelism;

use anyhow::{Context, bail};
use device_stats_domain::Device;
use device_stats_domain::limits::SEAL_DEVICES_MAX;
use device_stats_store::StoreError;
use futures_util::StreamExt;
use futures_util::stream::iter;

use self::device_check::{Checked, check};
use super::store_devices::{self, Chosen};
use crate::settings::Settings;
use device_stats_domain::error_chain;

/// What to verify.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Only this device [default: all devices]
    #[arg(long, value_name = "DEVICE_ID")]
    device: Option<String>,
}

/// Opens every segment, computes anew all that it says of itself, and compares it with the catalogue and with the
/// readings beside it. Prints each fault, and a summary. Servers may run meanwhile.
///
/// # Errors
/// Where there are faults, the database cannot be used, or there is no such device.
pub(super) async fn verify(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let Chosen { store, devices } = store_devices::devices(settings, arguments.device.as_deref()).await?;
    let store = store.as_ref();
    let parallel = available_parallelism().map_or(1, usize::from).min(SEAL_DEVICES_MAX);
    let mut at_work = iter(devices.into_iter().map(|device| async move {
        let checked = check(store, device.key).await;
        (device, checked)
    }))
    .buffer_unordered(parallel);
    let (mut count, mut total) = (0_u64, Checked::default());
    while let Some((device, checked)) = at_work.next().await {
        let checked = or_fault(checked, &device)?;
        super::print(&lines(&device, &checked)?)?;
        count += 1;
        total = total.plus(checked);
    }
    let Checked { segments, sealed_readings, hot_readings, faults } = total;
    let found = faults.len();
    super::print(&format!(
        "{count} devices, {segments} segments with {sealed_readings} readings, {hot_readings} hot readings: \
         {found} faults\n"
    ))?;
    if found > 0 {
        bail!("{found} faults were found");
    }
    Ok(())
}

/// What was found of a device. That its part of the database cannot be read is a fault of its own; a database that
/// cannot be reached says nothing.
fn or_fault(checked: Result<Checked, StoreError>, device: &Device) -> anyhow::Result<Checked> {
    match checked {
        Err(error @ (StoreError::Broken(_) | StoreError::Corrupt { .. })) => {
            Ok(Checked { faults: vec![(None, error_chain(&error))], ..Checked::default() })
        }
        other => other.with_context(|| format!("cannot read device {:?}", device.device_id.as_str())),
    }
}

/// A line for each fault.
fn lines(device: &Device, checked: &Checked) -> anyhow::Result<String> {
    let mut text = String::new();
    for (segment, what) in &checked.faults {
        write!(text, "device {:?}", device.device_id.as_str())?;
        if let Some(id) = segment {
            write!(text, ", segment {}", id.0)?;
        }
        writeln!(text, ": {what}")?;
    }
    Ok(text)
}
