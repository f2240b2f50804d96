//! Synthetic readings that resemble readings of sensors.

use device_stats_domain::Axes;
use device_stats_segment::Row;

/// A kind of readings.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// Distinct values of full precision, which cannot be compressed.
    Noise,
    /// A smooth signal with noise, in the steps of a 16-bit sensor.
    Sensor,
    /// A slow drift in steps of 1/100.
    Drift,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::Noise, Self::Sensor, Self::Drift];
}

/// Returns the same readings each time: one per second, with a jitter of four milliseconds.
pub(crate) fn readings(kind: Kind, count: u32) -> Vec<Row> {
    let mut state = 42_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
            + f64::from(u32::try_from(state >> 44).unwrap()) / f64::from(u32::MAX) / f64::from(1 << 20)
    };
    let mut drift = [0.0; 3];
    (0..count)
        .map(|index| {
            let mut number = |axis: usize| match kind {
                Kind::Noise => random() * 100.0,
                Kind::Sensor => {
                    drift[axis] += (random() - 0.5) * 0.03;
                    let phase = f64::from(index) / 500.0 + f64::from(u8::try_from(axis).unwrap());
                    let signal = phase.sin() * 8.0 + drift[axis] + (random() - random()) * 0.1;
                    (signal * 2048.0).round().clamp(-32_768.0, 32_767.0) / 2048.0
                }
                Kind::Drift => {
                    drift[axis] += (random() - 0.5) * 0.3;
                    (drift[axis] * 100.0).round() / 100.0
                }
            };
            let values = Axes { x: number(0), y: number(1), z: number(2) };
            #[expect(clippy::cast_possible_truncation, reason = "a few thousand")]
            let jitter = (random() * 4_000.0) as i64;
            Row { time_us: i64::from(index) * 1_000_000 + jitter, id: i64::from(index), values }
        })
        .collect()
}
