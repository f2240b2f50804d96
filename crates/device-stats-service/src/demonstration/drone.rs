//! The path of a drone, in metres from its base: east, north and height. It flies loops for 26 minutes,
//! lands, gets a new battery for 4 minutes, and starts again.

use device_stats_domain::Axes;

use super::signals::{MINUTE, SECOND, bell, drift, event, round, smooth, wave};

/// Time from one start to the next.
const CYCLE: i64 = 30 * MINUTE;
/// Time in the air.
const FLIGHT: i64 = 26 * MINUTE;
/// Time of a start, and of a landing.
const CLIMB: i64 = MINUTE;
/// Time of a figure of eight.
const LOOP: i64 = 150 * SECOND;
/// Time in which the figure turns around the base.
const TURN: i64 = 16 * MINUTE;
/// Time between two jumps of the measured position, and the time of a jump.
const JUMPS: [i64; 2] = [50 * MINUTE, SECOND];

/// Returns the position at a time; `None` while the drone has no battery.
pub(super) fn position(time_us: i64) -> Option<Axes<f64>> {
    let flown = time_us.rem_euclid(CYCLE);
    if flown >= FLIGHT {
        return None;
    }
    // Rises to 1 after the start, and falls to 0 before the landing.
    let away = smooth(seconds(flown.min(FLIGHT - flown)) / seconds(CLIMB));
    let (along, across) = (140.0 * wave(time_us, LOOP, 0.0), 80.0 * wave(time_us, LOOP / 2, 0.0));
    let (sine, cosine) = (wave(time_us, TURN, 0.0), wave(time_us, TURN, 0.25));
    let wind = |channel| 3.0 * drift(time_us, 9 * SECOND, channel);
    let [every, length] = JUMPS;
    let jump = if event(time_us, every, length, 1).is_some() { 35.0 } else { 0.0 };
    let east = away * (along * cosine - across * sine + wind(10)) + jump;
    let north = away * (along * sine + across * cosine + wind(11));
    let height = away * (60.0 + 12.0 * wave(time_us, LOOP / 3, 0.0) + wind(12));
    let measured = |metres: f64, channel| round(metres + 0.15 * bell(time_us, channel), 2);
    Some(Axes { x: measured(east, 20), y: measured(north, 21), z: measured(height, 22) })
}

/// Returns a time within a cycle in seconds.
fn seconds(micros: i64) -> f64 {
    f64::from(i32::try_from(micros / 1_000).unwrap_or_default()) / 1_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the positions of a flight, one per second.
    fn flight() -> Vec<Axes<f64>> {
        (0..30 * 60).filter_map(|second| position(40_000 * CYCLE + second * SECOND)).collect()
    }

    #[test]
    fn a_flight_begins_and_ends_at_the_base() {
        let flight = flight();
        assert_eq!(flight.len(), 26 * 60);
        for end in [flight[0], flight[flight.len() - 1]] {
            assert!([end.x, end.y, end.z].iter().all(|metres| metres.abs() < 2.0), "{end:?}");
        }
        let highest = flight.iter().map(|position| position.z).fold(0.0, f64::max);
        let farthest = flight.iter().map(|position| position.x.hypot(position.y)).fold(0.0, f64::max);
        assert!((60.0..80.0).contains(&highest), "{highest}");
        assert!((120.0..210.0).contains(&farthest), "{farthest}");
    }

    #[test]
    fn the_drone_flies_as_fast_as_a_drone_except_in_jumps() {
        let speeds: Vec<f64> = flight()
            .windows(2)
            .map(|pair| (pair[1].x - pair[0].x).hypot(pair[1].y - pair[0].y))
            .filter(|speed| *speed > 20.0)
            .collect();
        // Each jump has a step there and one back.
        assert!(speeds.len() <= 4, "{speeds:?}");
    }
}
