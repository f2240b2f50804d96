//! `device-stats repair`: drops damaged entries of the journal of a SQLite database, and saves them in a
//! file.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use anyhow::Context;
use device_stats_domain::{Device, DeviceKey};
use device_stats_segment::Row;
use device_stats_sqlite::repair::{DamagedEntry, Dropped, drop_damaged, find_damaged};
use serde_json::{Value, json};

use super::confirmation::YesFlag;
use super::results;
use super::store_devices::StoreDevices;
use super::usage::UsageError;
use crate::settings::{Database, Settings};

/// Arguments of `repair`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Drop the damaged entries; their readings are lost
    #[arg(long, required = true)]
    drop_damaged: bool,
    /// Write the dropped entries to this new file, one line of JSON each
    #[arg(long, value_name = "FILE", default_value = "damaged.ndjson")]
    save_to: PathBuf,
    #[command(flatten)]
    yes: YesFlag,
}

/// Finds the damaged entries, asks for confirmation, writes the entries to a file, and drops them. Prints the
/// result.
///
/// # Errors
/// If the user does not confirm, the file exists or cannot be written, or the database cannot be used.
pub(super) async fn repair(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let Database::Sqlite(path) = &settings.database else {
        return Err(UsageError("repair works only on a SQLite database".to_owned()).into());
    };
    // Checks the schema, and names the devices.
    let StoreDevices { store, devices } = StoreDevices::open(settings, None).await?;
    drop(store);
    let names: HashMap<DeviceKey, Device> = devices.into_iter().map(|device| (device.key, device)).collect();
    let damaged = on_thread(path, find_damaged).await.context("the journal cannot be read")?;
    if damaged.is_empty() {
        return print(settings, arguments, Dropped::default());
    }
    arguments.yes.confirm(&describe(&damaged, &names))?;
    save(&arguments.save_to, &damaged, &names)
        .with_context(|| format!("cannot write {}; nothing was dropped", arguments.save_to.display()))?;
    let dropped = on_thread(path, move |path| drop_damaged(path, &damaged)).await;
    print(settings, arguments, dropped.context("the damaged entries cannot be dropped")?)
}

/// Runs blocking work on a thread of its own.
async fn on_thread<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Path) -> Result<T, device_stats_store::StoreError> + Send + 'static,
) -> anyhow::Result<T> {
    let path = path.to_owned();
    Ok(tokio::task::spawn_blocking(move || work(&path)).await??)
}

/// Returns the deletion that the user has to confirm.
fn describe(damaged: &[DamagedEntry], names: &HashMap<DeviceKey, Device>) -> String {
    let known: Option<Vec<&[DeviceKey]>> = damaged.iter().map(|entry| entry.devices.as_deref()).collect();
    let of = match known {
        None => "of unknown devices".to_owned(),
        Some(devices) => {
            let mut devices: Vec<String> =
                devices.concat().into_iter().map(|key| name(key, names).to_string()).collect();
            devices.sort();
            devices.dedup();
            format!("of the devices {}", devices.join(", "))
        }
    };
    format!("drop {} {of}", entries(damaged.len() as u64))
}

fn entries(count: u64) -> String {
    if count == 1 { "1 damaged entry".to_owned() } else { format!("{count} damaged entries") }
}

/// Returns the device id, or the key of a device that does not exist.
fn name(key: DeviceKey, names: &HashMap<DeviceKey, Device>) -> Value {
    names.get(&key).map_or(json!(key.0), |device| json!(device.device_id.as_str()))
}

/// Writes the entries to a new file, and syncs it.
fn save(path: &Path, damaged: &[DamagedEntry], names: &HashMap<DeviceKey, Device>) -> anyhow::Result<()> {
    let mut file = File::create_new(path)?;
    for entry in damaged {
        writeln!(file, "{}", saved_entry(entry, names))?;
    }
    file.sync_all()?;
    Ok(())
}

/// Returns bytes as hexadecimal digits.
fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn saved_entry(entry: &DamagedEntry, names: &HashMap<DeviceKey, Device>) -> Value {
    let devices: Option<Vec<Value>> =
        entry.devices.as_ref().map(|devices| devices.iter().map(|key| name(*key, names)).collect());
    let readings: Vec<Value> = entry
        .readings()
        .into_iter()
        .map(|(device, Row { time_us, id, values })| {
            json!({ "device": name(device, names), "time_us": time_us, "id": id,
                    "x": values.x, "y": values.y, "z": values.z })
        })
        .collect();
    json!({ "entry": entry.position, "kind": entry.kind, "devices": devices, "bytes": hexadecimal(&entry.bytes),
            "doubtful_readings": readings })
}

fn print(settings: &Settings, arguments: &Arguments, dropped: Dropped) -> anyhow::Result<()> {
    let Dropped { entries: count, doubled_readings } = dropped;
    let saved_to = (count > 0).then(|| arguments.save_to.display().to_string());
    let result = json!({ "dropped": count, "doubled_readings": doubled_readings, "saved_to": saved_to });
    results::print(settings.output, &result, || {
        Ok(match saved_to {
            None => "no entry is damaged\n".to_owned(),
            Some(file) => format!("dropped {}, saved in {file}\n", entries(count)),
        })
    })
}
