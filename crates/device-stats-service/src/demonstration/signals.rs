//! The parts of the signals: cycles, noise and events. Each is a function of the time, so that the same time
//! always gives the same reading, on every node.

use std::f64::consts::TAU;

/// A second, in microseconds.
pub(super) const SECOND: i64 = 1_000_000;
/// A minute, in microseconds.
pub(super) const MINUTE: i64 = 60 * SECOND;
/// An hour, in microseconds.
pub(super) const HOUR: i64 = 60 * MINUTE;

/// Returns the position in a cycle that began at the start of 1970: from 0 up to 1. The result is exact for
/// any time, because the remainder is an integer.
pub(super) fn phase(time_us: i64, period_us: i64) -> f64 {
    fraction(time_us.rem_euclid(period_us), period_us)
}

/// Returns the sine of a cycle, shifted by a part of the cycle.
pub(super) fn wave(time_us: i64, period_us: i64, shift: f64) -> f64 {
    ((phase(time_us, period_us) + shift) * TAU).sin()
}

/// Returns a number from -1 to 1 that looks random. Different channels are independent.
pub(super) fn noise(time_us: i64, channel: u64) -> f64 {
    let high = u32::try_from(hash(time_us, channel) >> 32).unwrap_or_default();
    f64::from(high) / f64::from(u32::MAX) * 2.0 - 1.0
}

/// Returns noise with the distribution of the errors of a sensor: about normal, with a standard deviation of
/// 1.
pub(super) fn bell(time_us: i64, channel: u64) -> f64 {
    (0..3).map(|part| noise(time_us, channel * 3 + part)).sum()
}

/// Returns a smooth random curve from -1 to 1. It turns about once in each period.
pub(super) fn drift(time_us: i64, period_us: i64, channel: u64) -> f64 {
    let step = time_us.div_euclid(period_us);
    let (from, to) = (noise(step, channel), noise(step + 1, channel));
    from + (to - from) * smooth(phase(time_us, period_us))
}

/// Returns the progress of an event, from 0 up to 1; `None` between events. In each interval of `every_us`
/// there is one event of `length_us`, at a random time.
pub(super) fn event(time_us: i64, every_us: i64, length_us: i64, channel: u64) -> Option<f64> {
    let interval = time_us.div_euclid(every_us);
    let latest = (every_us - length_us).max(1);
    let begin = interval * every_us + (hash(interval, channel) >> 1).cast_signed() % latest;
    let elapsed = time_us - begin;
    (0..length_us).contains(&elapsed).then(|| fraction(elapsed, length_us))
}

/// Returns a value that rises smoothly from 0 to 1 while `x` rises from 0 to 1.
pub(super) fn smooth(x: f64) -> f64 {
    let x = x.clamp(0.0, 1.0);
    x * x * (3.0 - 2.0 * x)
}

/// Rounds a number to this number of decimal places, as a sensor does.
pub(super) fn round(number: f64, places: i32) -> f64 {
    let scale = 10_f64.powi(places);
    // `+ 0.0` makes a zero positive.
    (number * scale).round() / scale + 0.0
}

/// Returns a part of a whole as a number from 0 up to 1.
fn fraction(part: i64, whole: i64) -> f64 {
    let scaled = (i128::from(part) << 32) / i128::from(whole.max(1));
    f64::from(u32::try_from(scaled).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

/// Mixes the bits of two numbers (the finalizer of `SplitMix64`; Steele, Lea and Flood 2014).
fn hash(number: i64, channel: u64) -> u64 {
    let mut bits = number.cast_unsigned() ^ channel.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Times of all centuries that the service accepts.
    const TIMES: std::ops::Range<i64> = -62_135_596_800 * SECOND..253_402_300_800 * SECOND;

    proptest! {
        #[test]
        fn all_parts_stay_in_their_ranges(time in TIMES, period in 1..100 * HOUR, channel in 0..99_u64) {
            prop_assert!((0.0..1.0).contains(&phase(time, period)));
            prop_assert!((-1.0..=1.0).contains(&wave(time, period, 0.3)));
            prop_assert!((-1.0..=1.0).contains(&noise(time, channel)));
            prop_assert!((-3.0..=3.0).contains(&bell(time, channel)));
            prop_assert!((-1.0..=1.0).contains(&drift(time, period, channel)));
        }

        /// A jump would look like a fault of the device.
        #[test]
        fn a_drift_is_smooth(time in TIMES, channel in 0..99_u64) {
            let step = drift(time + SECOND, HOUR, channel) - drift(time, HOUR, channel);
            prop_assert!(step.abs() < 0.001, "{step}");
        }

        #[test]
        fn each_interval_has_one_whole_event(interval in -9_000..9_000_i64, channel in 0..99_u64) {
            let times = (0..600).map(|second| interval * 10 * MINUTE + second * SECOND);
            let seen: Vec<bool> =
                times.map(|time| event(time, 10 * MINUTE, MINUTE, channel).is_some()).collect();
            let count = seen.iter().filter(|is_seen| **is_seen).count();
            prop_assert_eq!(count, 60);
            let begins = std::iter::once(&false).chain(&seen).zip(&seen).filter(|(before, now)| !**before && **now);
            prop_assert_eq!(begins.count(), 1);
        }
    }

    #[test]
    fn noise_has_no_bias_and_bell_a_deviation_of_one() {
        let count = 10_000;
        let (mut sum, mut squares) = (0.0, 0.0);
        for time in 0..count {
            sum += noise(time, 1);
            squares += bell(time, 2).powi(2);
        }
        let count = f64::from(i32::try_from(count).unwrap());
        assert!((sum / count).abs() < 0.02, "{sum}");
        assert!((squares / count - 1.0).abs() < 0.05, "{squares}");
    }

    #[test]
    fn rounding_gives_no_negative_zero() {
        assert_eq!(round(-0.001, 2).to_bits(), 0.0_f64.to_bits());
        assert_eq!(round(1.2345, 2).to_bits(), 1.23_f64.to_bits());
    }
}
