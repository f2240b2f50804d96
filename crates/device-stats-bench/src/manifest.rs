//! The readings, as the Python part has written them: one file a column, 64-bit numbers of this machine's byte order
//! and nothing else, and a manifest that says which device has which of them.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use device_stats_domain::Axes;
use device_stats_segment::Row;
use serde::Deserialize;

/// Which readings there are.
#[derive(Debug, Deserialize)]
pub(crate) struct Manifest {
    /// The file of each axis, doubles.
    pub(crate) x: PathBuf,
    pub(crate) y: PathBuf,
    pub(crate) z: PathBuf,
    /// The devices, which may share readings.
    pub(crate) devices: Vec<DeviceReadings>,
}

/// The readings of one device.
#[derive(Debug, Deserialize)]
pub(crate) struct DeviceReadings {
    /// By which the device is registered.
    pub(crate) device_id: String,
    /// Whether it belongs to the user.
    pub(crate) owned: bool,
    /// The file of its times, microseconds since 1970 UTC.
    pub(crate) times: PathBuf,
    /// Position of its first reading in the files.
    pub(crate) first: u64,
    /// How many follow from there on.
    pub(crate) readings: u64,
}

impl Manifest {
    /// Reads a manifest, whose paths are absolute.
    ///
    /// # Errors
    /// Where there is no file, or not such a one.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_slice(&text).with_context(|| format!("{} is no manifest", path.display()))
    }

    /// `count` readings of a device from its `from`-th on, with ids from `first_id` on.
    ///
    /// # Errors
    /// Those of reading the files.
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
        .with_context(|| format!("cannot read {count} numbers from {from} on in {}", path.display()))?;
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_those_of_the_files() {
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
