//! The record of the arrivals of a device: its last arrival, its long silences, its rate, and the offset of
//! its clock.

use super::clock::steady_lags;
use super::{NewArrivals, longest};
use crate::time::Timestamp;

/// Divisor of the time since a silence. The quotient is the time by which the silence has become shorter in
/// the record, so it is forgotten after four times its length.
const FORGOTTEN_DIVISOR: i64 = 4;
/// Share of a smoothed number that one new sample leaves.
const KEPT: f64 = 7.0 / 8.0;
/// Minimum time of a sample of the rate, in microseconds.
const RATE_SAMPLE_US: f64 = 5e6;

/// The merged arrivals of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ArrivalRecord {
    /// Time of the last arrival.
    pub last_at: Timestamp,
    /// Number of arrivals; 1 and up.
    pub arrivals: u32,
    /// The two longest recent silences between one arrival and the next, in microseconds, the longest first;
    /// 0 if there are fewer. A silence becomes shorter with time, and is forgotten after four times its
    /// length.
    ///
    /// The second one is the learned silence. So one long outage does not change what is normal, and a device
    /// that sends a hundred requests once an hour has a silence of an hour from its third hour on. If
    /// several nodes get the arrivals of a device, each sees longer silences than there are, up to the factor
    /// of their number.
    pub silences_us: [i64; 2],
    /// Readings per second while the device sends: an exponential average over time.
    pub readings_per_second: f64,
    /// Readings per arrival: an exponential average.
    pub readings_per_arrival: f64,
    /// The newest [offset](NewArrivals::offset_us); `None` before the first stored reading.
    pub offset_us: Option<i64>,
    /// Number of consecutive merges with nearly the same large lag. See
    /// [`DeviceStatus::clock_offset_us`](super::DeviceStatus::clock_offset_us).
    pub steady_lags: u8,
}

impl ArrivalRecord {
    /// Merges new arrivals into the record of a device; `None` if it has none.
    #[must_use]
    pub fn merge(record: Option<Self>, new: &NewArrivals) -> Self {
        record.map_or_else(|| Self::first(new), |record| record.merged(new))
    }

    fn first(new: &NewArrivals) -> Self {
        let NewArrivals { first, last, count, silences_us, readings, first_readings, offset_us } = *new;
        // The readings of the first arrival belong to the time before it.
        let later = number(readings.saturating_sub(first_readings));
        let elapsed_us = last.micros().saturating_sub(first.micros());
        Self {
            last_at: last,
            arrivals: count,
            silences_us,
            readings_per_second: if elapsed_us > 0 { later / seconds(elapsed_us) } else { 0.0 },
            readings_per_arrival: number(readings) / f64::from(count.max(1)),
            offset_us,
            steady_lags: 0,
        }
    }

    fn merged(self, new: &NewArrivals) -> Self {
        let per_arrival = number(new.readings) / f64::from(new.count.max(1));
        let left = KEPT.powf(f64::from(new.count));
        let merged = Self {
            arrivals: self.arrivals.saturating_add(new.count),
            readings_per_second: self.rate(new),
            readings_per_arrival: self.readings_per_arrival * left + per_arrival * (1.0 - left),
            ..self
        };
        let elapsed_us = self.elapsed_us(new);
        if elapsed_us == 0 {
            // Another node has merged later arrivals, or the same arrivals are merged again.
            return merged;
        }
        let forgotten_us = elapsed_us / FORGOTTEN_DIVISOR;
        let recent = self.silences_us.map(|silence_us| silence_us.saturating_sub(forgotten_us).max(0));
        let before_us = new.first.micros().saturating_sub(self.last_at.micros());
        let new_silences = [before_us, new.silences_us[0], new.silences_us[1]];
        Self {
            last_at: new.last,
            silences_us: new_silences.into_iter().fold(recent, longest),
            offset_us: new.offset_us.or(self.offset_us),
            steady_lags: match (self.offset_us, new.offset_us) {
                (Some(before), Some(offset)) => steady_lags(self.steady_lags, before, offset),
                (None, Some(_)) => 0,
                (_, None) => self.steady_lags,
            },
            ..merged
        }
    }

    /// Returns the time from the last arrival to the last new one, in microseconds; 0 if that is not later.
    fn elapsed_us(&self, new: &NewArrivals) -> i64 {
        new.last.micros().saturating_sub(self.last_at.micros()).max(0)
    }

    /// Returns the rate after new arrivals. The average is over time, so it does not depend on the way in
    /// which the arrivals are divided into merges and nodes.
    fn rate(&self, new: &NewArrivals) -> f64 {
        let elapsed_us = self.elapsed_us(new);
        if elapsed_us > 0 && self.arrivals == 1 {
            return number(new.readings) / seconds(elapsed_us);
        }
        let before_us = new.first.micros().saturating_sub(self.last_at.micros());
        let sample_us = micros(before_us.max(new.silences_us[0]).min(elapsed_us)).max(RATE_SAMPLE_US);
        let left = KEPT.powf(micros(elapsed_us) / sample_us);
        let weight_per_second =
            if elapsed_us > 0 { (1.0 - left) / seconds(elapsed_us) } else { -KEPT.ln() / (sample_us / 1e6) };
        self.readings_per_second * left + number(new.readings) * weight_per_second
    }
}

fn seconds(micros: i64) -> f64 {
    self::micros(micros) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "averages need few digits")]
fn micros(micros: i64) -> f64 {
    micros as f64
}

#[expect(clippy::cast_precision_loss, reason = "averages need few digits")]
fn number(count: u64) -> f64 {
    count as f64
}
