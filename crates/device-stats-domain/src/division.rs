//! How a period is divided into buckets.

use crate::grid::Grid;
use crate::interval::Interval;
use crate::week_start::WeekStart;
use crate::window::Window;
use crate::zone::Zone;

/// The division of a period into buckets that a request asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// The length of the buckets.
    pub length: BucketLength,
    /// The zone whose clock and calendar the buckets follow.
    pub zone: Zone,
    /// The day with which weeks begin.
    pub week_start: WeekStart,
}

/// The length of the buckets of a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketLength {
    /// This interval.
    Interval(Interval),
    /// The shortest [convenient](Interval::convenient) interval that gives at most this number of buckets; at
    /// least 2.
    AtMost(u32),
}

impl Division {
    /// Returns the boundaries of the buckets of a window whose ends are set.
    pub fn grid(&self, window: Window) -> Grid {
        let grid = |interval| Grid::new(interval, self.zone.clone(), self.week_start);
        let fits =
            |grid: &Grid, most: u32| grid.buckets(window).is_ok_and(|buckets| buckets.len() <= most as usize);
        match self.length {
            BucketLength::Interval(interval) => grid(interval),
            BucketLength::AtMost(most) => {
                let mut longest = None;
                for candidate in Interval::convenient().map(grid) {
                    if fits(&candidate, most) {
                        return candidate;
                    }
                    longest = Some(candidate);
                }
                // The longest interval divides all times of readings into two buckets.
                longest.unwrap_or_else(|| grid(Interval::MICROSECOND))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::limits::SERIES_BUCKETS_MAX;
    use crate::time::Timestamp;

    fn at_most(most: u32) -> Division {
        let zone = Zone::from_name("Europe/Berlin").unwrap();
        Division { length: BucketLength::AtMost(most), zone, week_start: WeekStart::default() }
    }

    #[test]
    fn the_chosen_interval_is_convenient() {
        const DAY: i64 = 86_400_000_000;
        for (length_us, most, expected) in [
            (1, 2, "PT0.000001S"),
            (DAY, 800, "PT2M"),
            (7 * DAY, 800, "PT15M"),
            (30 * DAY, 800, "PT1H"),
            (365 * DAY, 800, "PT12H"),
            (365 * DAY, 13, "P1M"),
            (3_650 * DAY, 2_000, "P7D"),
        ] {
            let window =
                Window { from_us: 1_795_392_000_000_000, until_us: 1_795_392_000_000_000 + length_us };
            let interval = at_most(most).grid(window).interval();
            assert_eq!(interval, Interval::parse(expected).unwrap(), "{length_us} {most}");
        }
        let longest = at_most(2).grid(Window::ALL).interval();
        assert_eq!(longest, Interval::parse("P10000Y").unwrap());
    }

    proptest! {
        #[test]
        fn the_number_of_buckets_is_never_exceeded(
            from_us in Timestamp::MIN.micros()..Timestamp::MAX.micros(),
            length in 0..62_u32,
            most in 2..=2_000_u32,
        ) {
            let window = Window { from_us, until_us: from_us.saturating_add(1 << length) };
            let buckets = at_most(most).grid(window).buckets(window).unwrap();
            prop_assert!(buckets.len() as u64 <= u64::from(most).min(SERIES_BUCKETS_MAX));
        }
    }
}
