//! The readings that the Python part has written: one file per column with 64-bit numbers in native byte
//! order, and a manifest that assigns them to devices.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use device_stats_domain::Axes;
use device_stats_segment::Row;
use serde::Deserialize;

/// The readings of all devices.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    /// File of each axis, with doubles.
    pub(crate) x: PathBuf,
    pub(crate) y: PathBuf,
    pub(crate) z: PathBuf,
    /// The devices. They may share readings.
    pub(crate) devices: Vec<DeviceReadings>,
}

/// The readings of one device.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceReadings {
    /// `device_id` of the device.
    pub(crate) device_id: String,
    /// Whether the device belongs to the user.
    pub(crate) owned: bool,
    /// File of its times, in microseconds since 1970 UTC.
    pub(crate) times: PathBuf,
    /// Position of its first reading in the files.
    pub(crate) first: u64,
    /// Number of its readings.
    pub(crate) readings: u64,
}

impl Manifest {
    /// Reads a manifest with absolute paths.
    ///
    /// # Errors
    /// If the file cannot be read or is not a manifest.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is not a manifest", path.display()))
    }

    /// Reads `count` readings of a device, starting with number `from`. Their ids start with `first_id`.
    ///
    /// # Errors
    /// If a file cannot be read.
    pub(crate) fn rows(
        &self,
        device: &DeviceReadings,
        from: u64,
        count: usize,
        first_id: i64,
    ) -> anyhow::Result<Vec<Row>> {
        let words = |path| read_words(path, device.first + from, count);
        let (times, x, y, z) = (words(&device.times)?, words(&self.x)?, words(&self.y)?, words(&self.z)?);
        let values = x.into_iter().zip(y).zip(z).map(|((x, y), z)| Axes { x, y, z }.map(f64::from_ne_bytes));
        let rows = times.into_iter().map(i64::from_ne_bytes).zip(first_id..).zip(values);
        Ok(rows.map(|((time_us, id), values)| Row { time_us, id, values }).collect())
    }
}

fn read_words(path: &Path, from: u64, count: usize) -> anyhow::Result<Vec<[u8; 8]>> {
    let mut words = vec![[0; 8]; count];
    File::open(path)
        .and_then(|file| file.read_exact_at(words.as_flattened_mut(), from * 8))
        .with_context(|| format!("cannot read {count} numbers from number {from} in {}", path.display()))?;
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_combine_the_files_of_the_columns() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str, words: [[u8; 8]; 4]| {
            let path = folder.path().join(name);
            fs::write(&path, words.as_flattened()).unwrap();
            path
        };
        let manifest = Manifest {
            x: file("x", [0.5, 1.5, 2.5, 3.5].map(f64::to_ne_bytes)),
            y: file("y", [-0.5, -1.5, -2.5, -3.5].map(f64::to_ne_bytes)),
            z: file("z", [10.0, 11.0, 12.0, 13.0].map(f64::to_ne_bytes)),
            devices: vec![DeviceReadings {
                device_id: "a".to_owned(),
                owned: false,
                times: file("times", [100_i64, 101, 102, 103].map(i64::to_ne_bytes)),
                first: 1,
                readings: 3,
            }],
        };
        let device = &manifest.devices[0];

        let rows = manifest.rows(device, 1, 2, 70).unwrap();

        let row = |time_us, id, x, y, z| Row { time_us, id, values: Axes { x, y, z } };
        assert_eq!(rows, [row(102, 70, 2.5, -2.5, 12.0), row(103, 71, 3.5, -3.5, 13.0)]);
        assert!(manifest.rows(device, 2, 2, 70).is_err());
    }
}
