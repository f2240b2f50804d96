//! Time zones of the IANA database, which is part of the binary: every node has the same one, whatever its system has.

use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// A time zone.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

/// The IANA database knows no time zone of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no time zone of the IANA database")]
pub struct UnknownZone;

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// The time zone of that name, such as `Europe/Berlin`, in upper or lower case.
    ///
    /// # Errors
    /// [`UnknownZone`].
    pub fn find(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownZone)?;
        // A name that stands for "no zone known" is none to count days in.
        if zone.is_unknown() { Err(UnknownZone) } else { Ok(Self(zone)) }
    }

    /// The name, as the IANA database writes it.
    pub fn name(&self) -> &str {
        self.0.iana_name().unwrap_or("UTC")
    }

    /// The first moment of a day, in microseconds since 1970 UTC; days are counted from 1 January 1970. Where clocks
    /// strike midnight twice, that is the first time; where they skip it, the moment after the gap.
    pub(crate) fn first_moment(&self, day: i64) -> i64 {
        let read = |clock: DateTime| match self.0.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(clock).ok()
            }
            AmbiguousOffset::Gap { after, .. } => {
                // With the offset after the gap, a time within it is one before the gap.
                let before = after.to_timestamp(clock).ok()?;
                self.0.following(before).next().map(|transition| transition.timestamp())
            }
        };
        let midnight = Instant::from_second(day.saturating_mul(SECONDS_PER_DAY)).ok();
        let moment = midnight.and_then(|midnight| read(Offset::UTC.to_datetime(midnight)));
        moment.map_or_else(
            || {
                day.saturating_mul(MICROS_PER_DAY)
                    .saturating_sub(self.offset_us(day.saturating_mul(MICROS_PER_DAY)))
            },
            Instant::as_microsecond,
        )
    }

    /// The day of a moment, on the calendar of the zone.
    pub(crate) fn day(&self, at_us: i64) -> i64 {
        at_us.saturating_add(self.offset_us(at_us)).div_euclid(MICROS_PER_DAY)
    }

    /// What clocks show at a moment ahead of UTC, in microseconds. Beyond what the library can write, which ends
    /// on 30 December 9999, the offset is that at the end.
    fn offset_us(&self, at_us: i64) -> i64 {
        let (first, last) = (Instant::MIN.as_microsecond(), Instant::MAX.as_microsecond());
        let at = Instant::from_microsecond(at_us.clamp(first, last)).unwrap_or(Instant::MAX);
        i64::from(self.0.to_offset(at).seconds()) * MICROS_PER_SECOND
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_iana_database() {
        for (name, written) in [
            ("UTC", "UTC"),
            ("utc", "UTC"),
            ("europe/berlin", "Europe/Berlin"),
            ("Asia/Calcutta", "Asia/Calcutta"),
            ("Etc/GMT-5", "Etc/GMT-5"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ] {
            assert_eq!(Zone::find(name).unwrap().name(), written);
        }
        for name in
            ["", " ", "Berlin", "Europe/", "Europe/Berlin ", "+01:00", "Etc/Unknown", "../UTC", "UTC\0"]
        {
            assert_eq!(Zone::find(name), Err(UnknownZone), "{name:?}");
        }
        assert_eq!(Zone::default().name(), "UTC");
    }
}
