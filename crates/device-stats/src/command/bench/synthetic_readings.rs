//! Synthetic readings: devices that rotate at different speeds and measure every millisecond.

use std::fmt::Write;
use std::time::Duration;

use anyhow::Context;

/// Time between two readings of a device, in microseconds.
const INTERVAL_US: u64 = 1_000;
/// Steps per unit of a 16-bit sensor with the range from -16 to 16.
const STEPS: f64 = 2_048.0;

/// Returns the id of a device.
pub(super) fn device_id(number: u32) -> String {
    format!("bench-{number}")
}

/// Iterator over request bodies in NDJSON. Each moment has one reading of every device.
pub(super) struct Batches {
    /// Time of the first moment, in microseconds since 1970 UTC.
    first_us: u64,
    readings: u64,
    devices: u64,
    batch: u64,
    next: u64,
}

impl Batches {
    /// Returns batches of up to `batch` readings. The last moment is one interval before `last`, a time since
    /// 1970 UTC.
    ///
    /// # Errors
    /// If the readings would start before 1970.
    pub(super) fn until(last: Duration, readings: u64, devices: u32, batch: u32) -> anyhow::Result<Self> {
        let (devices, batch) = (u64::from(devices), u64::from(batch));
        let moments = readings.div_ceil(devices);
        let span_us = moments.checked_mul(INTERVAL_US);
        let first_us = span_us.and_then(|span_us| u64::try_from(last.as_micros()).ok()?.checked_sub(span_us));
        let first_us = first_us.context("the readings would start before 1970; post fewer of them")?;
        Ok(Self { first_us, readings, devices, batch, next: 0 })
    }
}

impl Iterator for Batches {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        let end = self.readings.min(self.next + self.batch);
        if self.next >= end {
            return None;
        }
        let mut body = String::new();
        for reading in self.next..end {
            let (moment, device) = (reading / self.devices, reading % self.devices);
            // A number in a `timestamp` counts milliseconds if it is above 2e10.
            let time_us = self.first_us + moment * INTERVAL_US;
            let [x, y, z] = values(moment, device);
            // Writing to a `String` cannot fail.
            let _ = writeln!(
                body,
                r#"{{"device_id":"bench-{device}","timestamp":{}.{:03},"x":{x},"y":{y},"z":{z}}}"#,
                time_us / 1_000,
                time_us % 1_000,
            );
        }
        self.next = end;
        Some(body.into_bytes())
    }
}

#[expect(clippy::cast_precision_loss, reason = "an angle; any will do")]
fn values(moment: u64, device: u64) -> [f64; 3] {
    let angle = moment as f64 * (0.01 + device as f64 * 1e-4);
    // Noise of the sensor, from Knuth's multiplicative hash.
    let noise = (moment ^ device).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
    let noise = noise as f64 / STEPS;
    [angle.sin(), angle.cos(), 9.81].map(|value| (value * STEPS).round() / STEPS + noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reading_occurs_once() {
        let now = Duration::from_hours(500_000);
        let bodies: Vec<_> = Batches::until(now, 25, 4, 10).unwrap().collect();
        let lines: Vec<usize> =
            bodies.iter().map(|body| body.split(|byte| *byte == b'\n').count() - 1).collect();
        assert_eq!(lines, [10, 10, 5]);
        let text = String::from_utf8(bodies.concat()).unwrap();
        let mut keys: Vec<_> = text.lines().map(|line| line.split(r#","x""#).next().unwrap()).collect();
        assert_eq!(keys[0], r#"{"device_id":"bench-0","timestamp":1799999999993.000"#);
        assert_eq!(keys[24], r#"{"device_id":"bench-0","timestamp":1799999999999.000"#);
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 25);
    }

    #[test]
    fn readings_before_1970_are_refused() {
        assert!(Batches::until(Duration::from_secs(1), 1_000, 1, 10).is_ok());
        assert!(Batches::until(Duration::from_secs(1), 1_001, 1, 10).is_err());
        assert!(Batches::until(Duration::from_secs(1), u64::MAX, 1, 10).is_err());
    }
}
