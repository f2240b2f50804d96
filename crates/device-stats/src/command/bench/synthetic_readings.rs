//! Readings that are made up: devices that turn at speeds of their own, measured every millisecond.

use std::fmt::Write;
use std::time::Duration;

/// Between two readings of a device, in microseconds.
const INTERVAL_US: u64 = 1_000;
/// Steps of a sensor of 16 bits that reaches from -16 to 16.
const STEPS: f64 = 2_048.0;

/// The name of a device.
pub(super) fn device_id(number: u32) -> String {
    format!("bench-{number}")
}

/// Bodies of requests, as NDJSON: in each moment one reading of every device, moment after moment.
pub(super) struct Batches {
    /// The time of the first moment, in microseconds since 1970 UTC.
    first_us: u64,
    readings: u64,
    devices: u64,
    batch: u64,
    next: u64,
}

impl Batches {
    /// So many readings of so many devices, at least one, the last of which is of that time since 1970 UTC.
    pub(super) fn until(last: Duration, readings: u64, devices: u32, batch: u32) -> Self {
        let (devices, batch) = (u64::from(devices), u64::from(batch));
        let moments = readings.div_ceil(devices);
        let last_us = u64::try_from(last.as_micros()).unwrap_or(u64::MAX);
        let first_us = last_us.saturating_sub(moments.saturating_mul(INTERVAL_US));
        Self { first_us, readings, devices, batch, next: 0 }
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
            // Beyond 2e10, a number is in milliseconds.
            let time_us = self.first_us + moment * INTERVAL_US;
            let [x, y, z] = numbers(moment, device);
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
fn numbers(moment: u64, device: u64) -> [f64; 3] {
    let angle = moment as f64 * (0.01 + device as f64 * 1e-4);
    // What no sensor is without; spread as Knuth's multiplicative hash does.
    let noise = (moment ^ device).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 60;
    let noise = noise as f64 / STEPS;
    [angle.sin(), angle.cos(), 9.81].map(|number| (number * STEPS).round() / STEPS + noise)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_readings_are_there_once() {
        let bodies: Vec<_> = Batches::until(Duration::from_hours(500_000), 25, 4, 10).collect();
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
}
