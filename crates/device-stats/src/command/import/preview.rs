//! The readings that an import would store, for `--dry-run`.

use std::collections::HashMap;
use std::fmt::Write;

use comfy_table::{Table, presets};
use device_stats_domain::{Axes, DeviceId, Measurement, Timestamp};

use serde_json::{Value, json};

use super::batch::Batch;
use crate::command::plural::plural;

/// Number of devices that are shown.
const SHOWN_DEVICES: usize = 20;
/// Number of readings of a device that are shown.
const SHOWN_READINGS: usize = 3;

/// The readings of an import.
#[derive(Default)]
pub(super) struct Preview {
    readings: u64,
    /// Devices in the order of their first reading.
    devices: Vec<DevicePreview>,
    positions: HashMap<DeviceId, usize>,
}

struct DevicePreview {
    device: DeviceId,
    readings: u64,
    untimed: u64,
    span: Option<(Timestamp, Timestamp)>,
    first: Vec<Measurement>,
}

impl Preview {
    /// Adds the readings of a batch.
    pub(super) fn add(&mut self, batch: &Batch) {
        for row in &batch.rows {
            self.readings += 1;
            let position = *self.positions.entry(row.device.clone()).or_insert_with(|| {
                let device = row.device.clone();
                self.devices.push(DevicePreview {
                    device,
                    readings: 0,
                    untimed: 0,
                    span: None,
                    first: Vec::new(),
                });
                self.devices.len() - 1
            });
            if let Some(device) = self.devices.get_mut(position) {
                device.add(row.measurement);
            }
        }
    }

    /// Returns the number of readings.
    pub(super) fn readings(&self) -> u64 {
        self.readings
    }

    /// Returns the devices with their numbers of readings and their first and last times.
    pub(super) fn json(&self) -> Value {
        let devices = self.devices.iter().map(|device| {
            let (first, last) = device.span.map(|(first, last)| (first.to_string(), last.to_string())).unzip();
            json!({
                "device_id": device.device.to_string(), "readings": device.readings, "untimed": device.untimed,
                "first_time": first, "last_time": last,
            })
        });
        devices.collect()
    }

    /// Returns the description of the readings.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        let shown = self.devices.iter().take(SHOWN_DEVICES);
        let mut readings = table(&["device_id", "timestamp", "x", "y", "z"]);
        let mut devices = table(&["device_id", "readings", "first time", "last time", "without a time"]);
        for device in shown {
            for Measurement { time, values: Axes { x, y, z } } in &device.first {
                let time = time.map_or_else(|| "(time of the server)".to_owned(), |time| time.to_string());
                let axes = [x, y, z].map(|axis| axis.get().to_string());
                readings.add_row([&[device.device.to_string(), time], &axes[..]].concat());
            }
            let (first, last) =
                device.span.map(|(first, last)| (first.to_string(), last.to_string())).unwrap_or_default();
            devices.add_row([
                device.device.to_string(),
                device.readings.to_string(),
                first,
                last,
                device.untimed.to_string(),
            ]);
        }
        // Writing to a text never fails.
        let _ = writeln!(text, "First readings of each device:\n{readings}\n\n{devices}");
        if self.devices.len() > SHOWN_DEVICES {
            let _ = writeln!(text, "... and {} more devices", self.devices.len() - SHOWN_DEVICES);
        }
        let (readings, devices) = (plural(self.readings, "reading"), plural(self.devices.len(), "device"));
        let _ = write!(text, "\n{readings} of {devices} would be stored");
        text
    }
}

impl DevicePreview {
    fn add(&mut self, measurement: Measurement) {
        self.readings += 1;
        match measurement.time {
            Some(time) => {
                let (first, last) = self.span.unwrap_or((time, time));
                self.span = Some((first.min(time), last.max(time)));
            }
            None => self.untimed += 1,
        }
        if self.first.len() < SHOWN_READINGS {
            self.first.push(measurement);
        }
    }
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN).set_header(header.to_vec());
    table
}
