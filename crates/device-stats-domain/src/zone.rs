//! Time zones of the IANA database. The database is part of the binary, so every node uses the same rules.

use jiff::Timestamp as Instant;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone, TimeZoneDatabase, TimeZoneTransition};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;
const MICROS_PER_DAY: i64 = SECONDS_PER_DAY * MICROS_PER_SECOND;

/// A time zone of the IANA database.
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(TimeZone);

/// A span of time between two clock changes of a zone, in microseconds since 1970 UTC. The first span
/// begins with `i64::MIN`, and the last one ends with `i64::MAX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "the suffix is the unit")]
pub(crate) struct OffsetSpan {
    pub(crate) from_us: i64,
    pub(crate) until_us: i64,
    /// Offset from UTC in the span, in microseconds.
    pub(crate) offset_us: i64,
}

/// Error for a name that the IANA database does not contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a time zone of the IANA database")]
pub struct UnknownZone;

/// The choice of the moment of a clock time that occurs twice, because clocks are set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RepeatedClock {
    /// No moment: the time is refused.
    #[default]
    Refuse,
    /// The first moment.
    Earlier,
    /// The second moment.
    Later,
}

/// The reason why a clock time cannot be converted to a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidClock {
    /// Clocks skip the time.
    #[error("clocks skip this time")]
    Skipped,
    /// Clocks show the time twice.
    #[error("clocks show this time twice")]
    Repeated,
    /// The time is outside the years -9999 to 9999.
    #[error("the time is out of range")]
    OutOfRange,
}

impl Default for Zone {
    fn default() -> Self {
        Self::UTC
    }
}

impl Zone {
    /// UTC.
    pub const UTC: Self = Self(TimeZone::UTC);

    /// Finds a time zone by its name, such as `Europe/Berlin`; case does not matter.
    ///
    /// # Errors
    /// [`UnknownZone`] if the database has no such name.
    pub fn from_name(name: &str) -> Result<Self, UnknownZone> {
        let zone = TimeZoneDatabase::bundled().get(name).map_err(|_| UnknownZone)?;
        // `Etc/Unknown` stands for an unknown zone, so its days are unknown, too.
        if zone.is_unknown() { Err(UnknownZone) } else { Ok(Self(zone)) }
    }

    /// Returns the name in the spelling of the IANA database.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a zone is UTC or comes from the database by its name"
    )]
    pub fn name(&self) -> &str {
        self.0.iana_name().expect("a zone of the database has a name")
    }

    /// Returns the time that clocks of the zone show at a moment, in microseconds since 1970 UTC, as RFC 3339
    /// with the offset: `2026-11-23T11:00:00+01:00`. `None` if the moment is outside the years -9999 to 9999.
    pub fn clock_text(&self, moment_us: i64) -> Option<String> {
        let instant = Instant::from_microsecond(moment_us).ok()?;
        Some(instant.display_with_offset(self.0.to_offset(instant)).to_string())
    }

    /// Returns the moment at which clocks of the zone show a time, in microseconds since 1970 UTC. `clock_us`
    /// counts the microseconds since 1970 on the clock.
    ///
    /// # Errors
    /// [`InvalidClock`].
    pub fn moment_of_clock(&self, clock_us: i64, repeated: RepeatedClock) -> Result<i64, InvalidClock> {
        let instant = Instant::from_microsecond(clock_us).map_err(|_| InvalidClock::OutOfRange)?;
        let clock = Offset::UTC.to_datetime(instant);
        let offset = match self.0.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset,
            AmbiguousOffset::Gap { .. } => return Err(InvalidClock::Skipped),
            AmbiguousOffset::Fold { before, after } => match repeated {
                RepeatedClock::Refuse => return Err(InvalidClock::Repeated),
                RepeatedClock::Earlier => before,
                RepeatedClock::Later => after,
            },
        };
        Ok(clock_us.saturating_sub(i64::from(offset.seconds()) * MICROS_PER_SECOND))
    }

    /// Returns the start of a day, in microseconds since 1970 UTC; days are counted from 1 January 1970. If
    /// midnight occurs twice, the day starts at the first one. If clocks skip midnight, the day starts after
    /// the gap.
    pub(crate) fn start_of_day(&self, day: i64) -> i64 {
        let read = |clock: DateTime| match self.0.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                offset.to_timestamp(clock).ok()
            }
            AmbiguousOffset::Gap { after, .. } => {
                // With the offset after the gap, a clock time inside the gap becomes a moment before the gap.
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

    /// Returns the day of a time on the calendar of the zone, counted from 1 January 1970.
    pub(crate) fn day(&self, at_us: i64) -> i64 {
        at_us.saturating_add(self.offset_us(at_us)).div_euclid(MICROS_PER_DAY)
    }

    /// Returns the span between two clock changes that contains a time.
    pub(crate) fn offset_span(&self, at_us: i64) -> OffsetSpan {
        let after = |at_us: i64| nearest_instant(at_us.saturating_add(1));
        let to_micros = |change: TimeZoneTransition<'_>| change.timestamp().as_microsecond();
        // `preceding` excludes a change exactly at the given time.
        let from_us = self.0.preceding(after(at_us)).next().map_or(i64::MIN, to_micros);
        let until_us = self.0.following(nearest_instant(at_us)).next().map_or(i64::MAX, to_micros);
        OffsetSpan { from_us, until_us, offset_us: self.offset_us(at_us) }
    }

    /// Returns the offset from UTC at a time, in microseconds. The range of `jiff` ends on 30 December 9999.
    /// For a time outside that range, this function returns the offset at the nearest end.
    pub(crate) fn offset_us(&self, at_us: i64) -> i64 {
        i64::from(self.0.to_offset(nearest_instant(at_us)).seconds()) * MICROS_PER_SECOND
    }
}

/// Returns a time as a moment of `jiff`; outside the range of `jiff`, the nearest end.
fn nearest_instant(at_us: i64) -> Instant {
    let nearest_end = if at_us < 0 { Instant::MIN } else { Instant::MAX };
    Instant::from_microsecond(at_us).unwrap_or(nearest_end)
}

#[cfg(test)]
mod python;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_names_of_the_iana_database_are_found() {
        for (name, written) in [
            ("UTC", "UTC"),
            ("utc", "UTC"),
            ("europe/berlin", "Europe/Berlin"),
            ("Asia/Calcutta", "Asia/Calcutta"),
            ("Etc/GMT-5", "Etc/GMT-5"),
            ("America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ] {
            assert_eq!(Zone::from_name(name).unwrap().name(), written);
        }
        for name in
            ["", " ", "Berlin", "Europe/", "Europe/Berlin ", "+01:00", "Etc/Unknown", "../UTC", "UTC\0"]
        {
            assert_eq!(Zone::from_name(name), Err(UnknownZone), "{name:?}");
        }
        assert_eq!(Zone::default().name(), "UTC");
    }

    fn clock_us(text: &str) -> i64 {
        let clock: DateTime = text.parse().unwrap();
        Offset::UTC.to_timestamp(clock).unwrap().as_microsecond()
    }

    #[test]
    fn a_clock_time_is_one_moment_or_refused() {
        let berlin = Zone::from_name("Europe/Berlin").unwrap();
        let read = |text, repeated| berlin.moment_of_clock(clock_us(text), repeated);
        for repeated in [RepeatedClock::Refuse, RepeatedClock::Earlier, RepeatedClock::Later] {
            assert_eq!(read("2026-07-01T12:00", repeated), Ok(clock_us("2026-07-01T10:00")));
            assert_eq!(
                read("2026-03-29T01:59:59.999999", repeated),
                Ok(clock_us("2026-03-29T00:59:59.999999"))
            );
            assert_eq!(read("2026-03-29T02:30", repeated), Err(InvalidClock::Skipped));
            assert_eq!(read("2026-03-29T03:00", repeated), Ok(clock_us("2026-03-29T01:00")));
            assert_eq!(read("2026-10-25T03:00", repeated), Ok(clock_us("2026-10-25T02:00")));
        }
        assert_eq!(read("2026-10-25T02:30", RepeatedClock::Refuse), Err(InvalidClock::Repeated));
        assert_eq!(read("2026-10-25T02:30", RepeatedClock::Earlier), Ok(clock_us("2026-10-25T00:30")));
        assert_eq!(read("2026-10-25T02:30", RepeatedClock::Later), Ok(clock_us("2026-10-25T01:30")));
        assert_eq!(berlin.moment_of_clock(i64::MAX, RepeatedClock::Later), Err(InvalidClock::OutOfRange));
    }

    #[test]
    fn the_text_of_a_clock_has_its_offset() {
        let text = |name, utc| Zone::from_name(name).unwrap().clock_text(clock_us(utc)).unwrap();
        assert_eq!(text("Europe/Berlin", "2026-07-01T22:00"), "2026-07-02T00:00:00+02:00");
        assert_eq!(text("Europe/Berlin", "2026-11-23T10:00:00.25"), "2026-11-23T11:00:00.25+01:00");
        assert_eq!(text("America/St_Johns", "2026-07-01T22:00"), "2026-07-01T19:30:00-02:30");
        assert_eq!(text("UTC", "2026-07-01T22:00"), "2026-07-01T22:00:00+00:00");
        assert_eq!(Zone::UTC.clock_text(i64::MAX), None);
    }

    proptest! {
        /// The reference is the conversion of `jiff` from a moment to its clock time.
        #[test]
        fn the_moment_of_a_clock_shows_that_clock(
            zone in prop::sample::select(vec!["Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "UTC"]),
            seconds in 631_152_000..4_133_980_800_i64,
        ) {
            let zone = Zone::from_name(zone).unwrap();
            let clock = zone.0.to_datetime(Instant::from_second(seconds).unwrap());
            let clock_us = Offset::UTC.to_timestamp(clock).unwrap().as_microsecond();
            let moments = [RepeatedClock::Earlier, RepeatedClock::Later].map(|repeated| zone.moment_of_clock(clock_us, repeated).unwrap());
            prop_assert!(moments.contains(&(seconds * MICROS_PER_SECOND)));
            let is_repeated = moments[0] != moments[1];
            prop_assert_eq!(zone.moment_of_clock(clock_us, RepeatedClock::Refuse).is_err(), is_repeated);
        }
    }
}
