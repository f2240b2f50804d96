//! The simulated devices, and the readings that they measure.

use device_stats_domain::{Axes, Finite, Measurement, Timestamp};

use super::signals::SECOND;
use super::{drone, pump, weather};

/// A simulated device.
#[derive(Clone, Copy, Debug)]
pub(super) struct SimulatedDevice {
    pub(super) device_id: &'static str,
    pub(super) name: &'static str,
    /// Interval between two live readings, in microseconds.
    pub(super) live_us: i64,
    /// Interval between two readings of the history, in microseconds: a multiple of the live one.
    pub(super) history_us: i64,
    signal: fn(i64) -> Option<Axes<f64>>,
}

/// All simulated devices.
pub(super) const DEVICES: [SimulatedDevice; 3] = [
    SimulatedDevice {
        device_id: "demo-pump",
        name: "Pump with a worn bearing: vibration in mm/s",
        live_us: SECOND / 10,
        history_us: 2 * SECOND,
        signal: pump::vibration,
    },
    SimulatedDevice {
        device_id: "demo-drone",
        name: "Drone: metres east, north and above its base",
        live_us: SECOND / 5,
        history_us: 2 * SECOND,
        signal: drone::position,
    },
    SimulatedDevice {
        device_id: "demo-weather",
        name: "Weather station: °C, % humidity, hPa",
        live_us: 10 * SECOND,
        history_us: 10 * SECOND,
        signal: weather::weather,
    },
];

/// Readings of a simulated device, and the time up to which they are complete.
#[derive(Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) readings: Vec<Measurement>,
    pub(super) until: Timestamp,
}

impl SimulatedDevice {
    /// Returns the readings after `after`, up to and including `until`, at multiples of an interval. Stops
    /// after `times_max` times; at some of them, the device may measure nothing.
    pub(super) fn measure(
        &self,
        interval_us: i64,
        after: Timestamp,
        until: Timestamp,
        times_max: usize,
    ) -> Measured {
        let first = (after.micros().div_euclid(interval_us) + 1) * interval_us;
        let times = (first..=until.micros()).step_by(usize::try_from(interval_us).unwrap_or(usize::MAX));
        let mut measured = Measured { readings: Vec::new(), until };
        for (count, time_us) in times.enumerate() {
            let Ok(time) = Timestamp::from_micros(time_us) else { break };
            if count == times_max {
                measured.until = Timestamp::from_micros(time_us - 1).unwrap_or(after);
                break;
            }
            if let Some(values) = (self.signal)(time_us).and_then(finite) {
                measured.readings.push(Measurement { time: Some(time), values });
            }
        }
        measured
    }
}

fn finite(values: Axes<f64>) -> Option<Axes<Finite>> {
    let Axes { x, y, z } = values.map(|value| Finite::new(value).ok());
    Some(Axes { x: x?, y: y?, z: z? })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::demonstration::signals::{HOUR, MINUTE};

    fn at(micros: i64) -> Timestamp {
        Timestamp::from_micros(micros).unwrap()
    }

    proptest! {
        /// The generator writes the history in batches and the live readings in small steps. A reading that
        /// depended on the steps would be stored as a conflict on another node.
        #[test]
        fn the_steps_do_not_matter(
            device in 0..3_usize,
            start in 0..4_000_000 * SECOND,
            cuts in prop::collection::vec(0..2 * MINUTE, 0..9),
            times_max in 1..50_usize,
        ) {
            let device = DEVICES[device];
            let (begin, end) = (at(start), at(start + 2 * MINUTE));
            for interval in [device.live_us, device.history_us] {
                let whole = device.measure(interval, begin, end, usize::MAX);
                let mut ends: Vec<Timestamp> = cuts.iter().map(|cut| at(start + cut)).chain([end]).collect();
                ends.sort_unstable();
                let (mut readings, mut after) = (Vec::new(), begin);
                for until in ends {
                    while after < until {
                        let part = device.measure(interval, after, until, times_max);
                        prop_assert!(after < part.until && part.readings.len() <= times_max);
                        readings.extend(part.readings);
                        after = part.until;
                    }
                }
                prop_assert_eq!(&readings, &whole.readings);
            }
        }
    }

    #[test]
    fn readings_of_the_history_are_live_readings_too() {
        for device in DEVICES {
            let measure = |interval| device.measure(interval, at(0), at(HOUR), usize::MAX).readings;
            let live: BTreeMap<_, _> =
                measure(device.live_us).into_iter().map(|reading| (reading.time, reading.values)).collect();
            let history = measure(device.history_us);
            assert!(history.len() > 300, "{}", device.device_id);
            for Measurement { time, values } in history {
                assert_eq!(live.get(&time), Some(&values), "{} {time:?}", device.device_id);
            }
        }
    }
}
