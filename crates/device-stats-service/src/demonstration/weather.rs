//! A weather station: the temperature in °C, the relative humidity in %, and the air pressure in hPa. It
//! warms up by day, and rain comes now and then. The connection to the station is lost for some minutes each
//! day.

use std::f64::consts::PI;

use device_stats_domain::Axes;

use super::signals::{HOUR, MINUTE, SECOND, bell, drift, event, round, wave};

const DAY: i64 = 24 * HOUR;
/// Part of a day by which the warmest time, 15:00 UTC, lies after the maximum of the sine, 06:00 UTC.
const AFTERNOON: f64 = -0.375;
/// Time between two losses of the connection, and the time of a loss.
const LOSSES: [i64; 2] = [DAY, 7 * MINUTE];
/// Time between two rains, and the time of a rain.
const RAINS: [i64; 2] = [30 * HOUR, 2 * HOUR];
/// Time between two restarts of the thermometer, and the time until it measures again.
const RESTARTS: [i64; 2] = [9 * HOUR, 10 * SECOND];
/// The temperature that a common thermometer reports before it has measured for the first time, in °C.
const UNMEASURED: f64 = 85.0;

/// Returns the weather at a time; `None` while the connection is lost.
pub(super) fn weather(time_us: i64) -> Option<Axes<f64>> {
    let happens = |[every, length]: [i64; 2], channel| event(time_us, every, length, channel);
    if happens(LOSSES, 1).is_some() {
        return None;
    }
    let warmth = wave(time_us, DAY, AFTERNOON);
    let rain = happens(RAINS, 2).map_or(0.0, |progress| (progress * PI).sin());
    let temperature = 11.0 + 6.5 * warmth + 4.0 * drift(time_us, 36 * HOUR, 10) - 3.5 * rain
        + 0.4 * drift(time_us, 10 * MINUTE, 11)
        + 0.04 * bell(time_us, 12);
    let temperature = if happens(RESTARTS, 3).is_some() { UNMEASURED } else { temperature };
    let humidity =
        64.0 - 17.0 * warmth + 7.0 * drift(time_us, 9 * HOUR, 20) + 24.0 * rain + 0.3 * bell(time_us, 21);
    let pressure = 1_013.0 + 11.0 * drift(time_us, 48 * HOUR, 30) + 0.7 * wave(time_us, DAY / 2, 0.0)
        - 1.8 * rain
        + 0.03 * bell(time_us, 31);
    Some(Axes { x: round(temperature, 2), y: round(humidity.clamp(8.0, 100.0), 1), z: round(pressure, 2) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the readings of some days, one every 10 seconds, each with its second of the day.
    fn days(count: i64) -> Vec<(i64, Axes<f64>)> {
        let seconds = (0..count * 86_400).step_by(10);
        let read = |second: i64| Some((second % 86_400, weather(20_000 * DAY + second * SECOND)?));
        seconds.filter_map(read).collect()
    }

    fn mean(readings: &[(i64, Axes<f64>)], hours: std::ops::Range<i64>) -> f64 {
        let hours = hours.start * 3_600..hours.end * 3_600;
        let found: Vec<f64> = readings
            .iter()
            .filter(|(second, values)| hours.contains(second) && values.x < UNMEASURED)
            .map(|(_, values)| values.x)
            .collect();
        found.iter().sum::<f64>() / f64::from(u32::try_from(found.len()).unwrap())
    }

    #[test]
    fn afternoons_are_warmer_than_nights_and_all_values_are_plausible() {
        let days = days(10);
        assert!(mean(&days, 13..17) > mean(&days, 1..5) + 8.0);
        for (second, Axes { x, y, z }) in days {
            let is_plausible = ((-10.0..35.0).contains(&x) || x >= UNMEASURED)
                && (8.0..=100.0).contains(&y)
                && (985.0..1_040.0).contains(&z);
            assert!(is_plausible, "{second}: {x} {y} {z}");
        }
    }

    #[test]
    fn each_day_has_one_gap_and_a_few_spikes() {
        let days = days(10);
        assert_eq!(days.len(), 10 * (8_640 - 7 * 6));
        let spikes = days.iter().filter(|(_, values)| values.x >= UNMEASURED).count();
        assert!((10..=30).contains(&spikes), "{spikes}");
    }
}
