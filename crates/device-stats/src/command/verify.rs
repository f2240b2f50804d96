//! `device-stats verify`: checks every segment, directly in the database.

mod device_check;

use std::fmt::Write;
use std::pin::pin;

use anyhow::{Context, bail};
use device_stats_domain::{Device, error_chain};
use device_stats_store::StoreError;
use futures_util::StreamExt;
use serde_json::json;

use self::device_check::{Checked, check};
use super::results;
use super::stdout;
use super::store_devices::{StoreDevices, for_each_device};
use crate::settings::{OutputForm, Settings};

/// Arguments of `verify`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Verify only this device [default: all devices]
    #[arg(long, value_name = "DEVICE_ID")]
    device: Option<String>,
}

/// Checks the structure of the database, if all devices are verified. Opens every segment, recomputes its
/// statistics and its derived segment, and compares the segment with the catalogue and with the other
/// readings of the device. Prints each fault and a summary. Servers may run at the same time.
///
/// # Errors
/// If there are faults, the database cannot be used, or the device does not exist.
pub(super) async fn verify(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let StoreDevices { store, devices } = StoreDevices::open(settings, arguments.device.as_deref()).await?;
    let store = store.as_ref();
    let damages = match arguments.device {
        None => store.check_structure().await.context("the structure of the database cannot be checked")?,
        Some(_) => Vec::new(),
    };
    if settings.output == OutputForm::Text {
        for damage in &damages {
            stdout::print(&format!("database: {damage}\n"))?;
        }
    }
    let work = async |device: Device| (check(store, device.key).await, device);
    let mut results = pin!(for_each_device(devices, work));
    let (mut count, mut total) = (0_u64, Checked::default());
    let mut faults: Vec<_> =
        damages.iter().map(|damage| json!({ "device_id": null, "segment": null, "fault": damage })).collect();
    while let Some((checked, device)) = results.next().await {
        let checked = corruption_as_fault(checked, &device)?;
        if settings.output == OutputForm::Text {
            stdout::print(&describe_faults(&device, &checked)?)?;
        }
        faults.extend(checked.faults.iter().map(|(segment, fault)| {
            let segment = segment.map(|id| id.0);
            json!({ "device_id": device.device_id.as_str(), "segment": segment, "fault": fault })
        }));
        count += 1;
        total = total.plus(checked);
    }
    let Checked { segments, sealed_readings, hot_readings, .. } = total;
    let found = faults.len();
    let result = json!({
        "devices": count,
        "segments": segments,
        "sealed_readings": sealed_readings,
        "hot_readings": hot_readings,
        "faults": faults,
    });
    results::print(settings.output, &result, || {
        Ok(format!(
            "{count} devices, {segments} segments with {sealed_readings} readings, {hot_readings} hot readings: \
             {found} faults\n"
        ))
    })?;
    if found > 0 {
        bail!("{found} faults were found");
    }
    Ok(())
}

/// Turns unreadable data into a fault of the device. An unavailable database is an error.
fn corruption_as_fault(checked: Result<Checked, StoreError>, device: &Device) -> anyhow::Result<Checked> {
    match checked {
        Err(
            error @ (StoreError::Broken(_)
            | StoreError::Corrupt { .. }
            | StoreError::HotReadingsDamaged { .. }),
        ) => Ok(Checked { faults: vec![(None, error_chain(&error))], ..Checked::default() }),
        other => other.with_context(|| format!("cannot read device {:?}", device.device_id.as_str())),
    }
}

/// Returns one line per fault.
fn describe_faults(device: &Device, checked: &Checked) -> anyhow::Result<String> {
    let mut text = String::new();
    for (segment, fault) in &checked.faults {
        write!(text, "device {:?}", device.device_id.as_str())?;
        if let Some(id) = segment {
            write!(text, ", segment {}", id.0)?;
        }
        writeln!(text, ": {fault}")?;
    }
    Ok(text)
}
