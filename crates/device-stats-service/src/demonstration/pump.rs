//! The vibration of a pump, in mm/s: radial, radial at a right angle, and axial. A bearing wears out in the
//! course of 20 hours. Then the pump stops for 12 minutes, and gets a new one.

use device_stats_domain::Axes;

use super::signals::{HOUR, MINUTE, SECOND, bell, event, phase, round, wave};

/// Time from one replacement of the bearing to the next.
const BEARING_LIFE: i64 = 20 * HOUR;
/// Time for which the pump stops to get a new bearing.
const REPLACEMENT: i64 = 12 * MINUTE;
/// Time of a turn of the shaft: 1,209 turns per minute. Sampled every 0.1 s, it looks like a wave of 6.7 s.
const TURN: i64 = 49_628;
/// Time between two balls at a damage of the outer ring of the bearing.
const BALL: i64 = 10_789;
/// Time between two shocks, such as a bubble in the pipe, and the time of a shock.
const SHOCKS: [i64; 2] = [3 * HOUR, 2 * SECOND];

/// Returns the vibration at a time; `None` while the pump has stopped.
pub(super) fn vibration(time_us: i64) -> Option<Axes<f64>> {
    let life = time_us.rem_euclid(BEARING_LIFE);
    if life < REPLACEMENT {
        return None;
    }
    let wear = phase(time_us, BEARING_LIFE).powi(3);
    let [every, length] = SHOCKS;
    let shock = event(time_us, every, length, 1).map_or(0.0, |progress| 16.0 * (1.0 - progress));
    let along = |channel: u64, shift: f64, strength: f64| {
        let turning = 2.2 * wave(time_us, TURN, shift)
            + 0.6 * wave(time_us, TURN / 2, shift + 0.1)
            + 0.25 * wave(time_us, TURN / 3, shift + 0.3);
        let damage = wear * (2.6 * wave(time_us, BALL, shift) + 0.9 * bell(time_us, channel));
        let vibration = turning + damage + 0.12 * bell(time_us, channel + 1) + shock;
        round(strength * vibration, 3)
    };
    Some(Axes { x: along(10, 0.0, 1.0), y: along(20, 0.25, 0.9), z: along(30, 0.4, 0.45) })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the root mean square of an hour of the life of a bearing.
    fn strength(hour: i64) -> f64 {
        let times = (0..3_600).map(|second| 50 * BEARING_LIFE + hour * HOUR + second * SECOND);
        let squares: Vec<f64> =
            times.filter_map(vibration).map(|v| v.x * v.x + v.y * v.y + v.z * v.z).collect();
        (squares.iter().sum::<f64>() / f64::from(u32::try_from(squares.len()).unwrap())).sqrt()
    }

    #[test]
    fn the_fault_of_the_bearing_grows_until_it_is_replaced() {
        let hours = [1, 13, 16, 19].map(strength);
        assert!(hours.is_sorted(), "{hours:?}");
        assert!(hours[3] > 1.3 * hours[0], "{hours:?}");
        assert!(strength(21) < 1.05 * hours[0], "{hours:?}");
    }

    #[test]
    fn the_pump_stops_for_each_replacement_only() {
        let stopped =
            (0..20 * 3_600).filter(|second| vibration(7 * BEARING_LIFE + second * SECOND).is_none());
        assert_eq!(stopped.count(), 12 * 60);
    }
}
