//! The times of a file: texts of any form, numbers, and clock times of a time zone.

use super::time_format::{TimeFormat, invalid};
use crate::faults::Problem;
use crate::reading_times::ReadingTimes;
use crate::values;
use device_stats_domain::{EpochNumber, InvalidClock, RepeatedClock, TextTime, TimeUnit, Timestamp, Zone};

/// How the times of files are read.
#[derive(Clone, Debug, Default)]
pub struct TimeOptions {
    /// Unit of numbers; `None` means inferred.
    pub unit: Option<TimeUnit>,
    /// Form of texts and numbers; `None` means that of RFC 3339, and units since 1970.
    pub format: Option<TimeFormat>,
    /// Time zone of times without an offset; `None` means UTC.
    pub zone: Option<Zone>,
    /// The choice of the moment of a clock time that occurs twice.
    pub repeated: RepeatedClock,
}

/// Reads the times of one file.
pub(super) struct FileTimes {
    numbers: ReadingTimes,
    /// Whether the file is a table of rejected rows. Its readable times are in RFC 3339, whatever form is
    /// stated. Times without an offset are refused if no zone is stated, because its source may have had
    /// another zone.
    pub(super) is_rejects: bool,
    options: TimeOptions,
}

impl FileTimes {
    pub(super) fn new(options: &TimeOptions) -> Self {
        Self { numbers: ReadingTimes::new(options.unit), is_rejects: false, options: options.clone() }
    }

    /// Returns whether times are read by the rules of a request.
    pub(super) fn are_plain(&self) -> bool {
        self.options.format.is_none() && self.options.zone.is_none()
    }

    /// Returns the reader of numeric times.
    pub(super) fn numbers(&mut self) -> &mut ReadingTimes {
        &mut self.numbers
    }

    /// Reads a text; `None` if it is empty.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn read_text(&mut self, text: &str) -> Result<Option<Timestamp>, Problem> {
        let text = text.trim();
        if text.is_empty() {
            return Ok(None);
        }
        if self.is_rejects
            && let Ok(TextTime::Instant(time)) = TextTime::parse(text)
        {
            return values::to_timestamp(time).map(Some);
        }
        let time = match &self.options.format {
            Some(format) => match format.parse_time(text)? {
                TextTime::Instant(time) => values::to_timestamp(time),
                TextTime::Clock(clock_us) => self.read_clock(clock_us),
            },
            None => self.read_standard(text),
        };
        time.map(Some)
    }

    /// Reads the text of a number.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn read_number(&mut self, text: &str) -> Result<Timestamp, Problem> {
        match self.options.format {
            Some(_) => self.read_text(text)?.ok_or_else(values::not_a_moment),
            None => self.numbers.read_number(text).map_err(name_option),
        }
    }

    /// Reads a clock time, in microseconds since 1970 on that clock.
    ///
    /// # Errors
    /// The rule that it breaks.
    pub(super) fn read_clock(&self, clock_us: i64) -> Result<Timestamp, Problem> {
        let Some(zone) = &self.options.zone else {
            if self.is_rejects {
                return Err(invalid(
                    "with an offset in a table of rejected rows; add Z for UTC, or add --time-zone",
                ));
            }
            return values::timestamp_micros(clock_us);
        };
        match zone.moment_of_clock(clock_us, self.options.repeated) {
            Ok(micros) => values::timestamp_micros(micros),
            Err(InvalidClock::OutOfRange) => values::timestamp_micros(i64::MAX),
            Err(InvalidClock::Skipped) => Err(invalid(format!(
                "clocks in {} skip this time, because they are set forward",
                zone.name()
            ))),
            Err(InvalidClock::Repeated) => Err(invalid(format!(
                "clocks in {} show this time twice, because they are set back; add --repeated-times earlier or \
                 --repeated-times later",
                zone.name()
            ))),
        }
    }

    fn read_standard(&mut self, text: &str) -> Result<Timestamp, Problem> {
        if EpochNumber::parse(text).is_some() {
            return self.numbers.read_text(text).map_err(name_option);
        }
        // DuckDB and PostgreSQL write offsets of whole hours without minutes.
        let parsed = TextTime::parse(text).or_else(|error| {
            with_whole_offset(text).and_then(|text| TextTime::parse(&text).ok()).ok_or(error)
        });
        match parsed {
            Ok(TextTime::Instant(time)) => values::to_timestamp(time),
            Ok(TextTime::Clock(clock_us)) => self.read_clock(clock_us),
            Err(error) => {
                let Problem { kind, msg, ctx } = values::time_problem(error);
                let msg =
                    format!("{msg}; state its form with --time-format, for example '%d.%m.%Y %H:%M:%S'");
                Err(Problem { kind, msg: msg.into(), ctx })
            }
        }
    }
}

/// Names the option of the command instead of the parameter of a request.
fn name_option(problem: Problem) -> Problem {
    let msg = if problem.kind == "time_units_mixed" {
        let facts = problem.msg.split("; set precision").next().unwrap_or_default();
        let facts = facts.replace("of the batch", "of the file");
        format!(
            "{facts}; divide the file by the unit of its times, and import each part with its --precision"
        )
    } else {
        problem.msg.replace("set precision to", "set --precision to")
    };
    Problem { msg: msg.into(), ..problem }
}

/// Adds the minutes of an offset without minutes: `2026-11-23 10:00:00+01`.
fn with_whole_offset(text: &str) -> Option<String> {
    let (clock, hours) = text.rsplit_once(['+', '-'])?;
    let is_hours = hours.len() == 2 && hours.bytes().all(|byte| byte.is_ascii_digit());
    (is_hours && clock.contains(':')).then(|| format!("{text}:00"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: Option<&str>, zone: Option<&str>, text: &str) -> String {
        let format = format.map(|format| format.parse().unwrap());
        let zone = zone.map(|zone| Zone::from_name(zone).unwrap());
        let mut times = FileTimes::new(&TimeOptions { format, zone, ..TimeOptions::default() });
        match times.read_text(text) {
            Ok(time) => time.map_or_else(String::new, |time| time.to_string()),
            Err(problem) => problem.msg.into_owned(),
        }
    }

    #[test]
    fn times_without_an_offset_are_clock_times_of_the_zone() {
        for (text, expected) in [
            ("2026-07-01 12:00:00.1234567", "2026-07-01T10:00:00.123456Z"),
            ("2026-07-01", "2026-06-30T22:00:00.000000Z"),
            ("2026-07-01T12:00:00Z", "2026-07-01T12:00:00.000000Z"),
            ("2026-07-01T12:00:00-02:00", "2026-07-01T14:00:00.000000Z"),
            ("1795428000", "2026-11-23T10:00:00.000000Z"),
            (" 2026-07-01T12:00 ", "2026-07-01T10:00:00.000000Z"),
            ("2026-07-01 12:00:00.5+05", "2026-07-01T07:00:00.500000Z"),
            ("2026-07-01 12:00:00-05", "2026-07-01T17:00:00.000000Z"),
            ("", ""),
        ] {
            assert_eq!(read(None, Some("Europe/Berlin"), text), expected, "{text}");
        }
        assert!(read(None, Some("Europe/Berlin"), "2026-03-29T02:30").contains("skip this time"));
        assert!(read(None, Some("Europe/Berlin"), "2026-10-25T02:30").contains("show this time twice"));
        assert_eq!(read(None, None, "2026-10-25T02:30"), "2026-10-25T02:30:00.000000Z");
    }

    #[test]
    fn a_pattern_states_the_form() {
        for (pattern, text, expected) in [
            ("%d.%m.%Y %H:%M:%S%.f", "23.11.2026 10:00:00.1234567", "2026-11-23T10:00:00.123456Z"),
            ("%m/%d/%y %I:%M %p", "11/23/26 10:00 PM", "2026-11-23T22:00:00.000000Z"),
            ("%Y%m%d%H%M%S", "20261123100000", "2026-11-23T10:00:00.000000Z"),
            ("%d.%m.%Y", "23.11.2026", "2026-11-23T00:00:00.000000Z"),
            ("%Y-%m-%d %H:%M:%S %z", "2026-11-23 10:00:00 +0200", "2026-11-23T08:00:00.000000Z"),
            ("%s", "1795428000", "2026-11-23T10:00:00.000000Z"),
            ("%d.%m.%Y, %H:%M:%S%.f", "23.11.2026, 10:00:00,25", "2026-11-23T10:00:00.250000Z"),
            ("%d.%m.%y", "05.03.26", "2026-03-05T00:00:00.000000Z"),
            (
                "%d.%m.%Y %H:%M %z",
                "05.03.26 10:00 +0100",
                "Input should be a valid datetime, its year has fewer than four digits; use %y for years of two digits",
            ),
            (
                "%F",
                "26-03-05",
                "Input should be a valid datetime, its year has fewer than four digits; use %y for years of two digits",
            ),
            (
                "%d.%m.%Y",
                "31.02.2026",
                "Input should be a valid datetime, it does not have the form %d.%m.%Y",
            ),
            ("%d.%m.%Y", "soon", "Input should be a valid datetime, it does not have the form %d.%m.%Y"),
        ] {
            assert_eq!(read(Some(pattern), None, text), expected, "{pattern} {text}");
        }
        assert_eq!(
            read(Some("%d.%m.%Y %H:%M"), Some("Europe/Berlin"), "01.07.2026 12:00"),
            "2026-07-01T10:00:00.000000Z"
        );
        for wrong in ["", "iso", "%", "%é"] {
            assert!(wrong.parse::<TimeFormat>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_uncertain_unit_names_the_option() {
        assert!(read(None, None, "2026").contains("; set --precision to s, ms, us or ns, or write"));
        let mut times = FileTimes::new(&TimeOptions::default());
        times.read_text("1795428000").unwrap();
        for read in [times.read_text("1795428000000").map(drop), times.read_number("1795428000000").map(drop)]
        {
            assert_eq!(
                read.unwrap_err().msg,
                "1795428000000 was read as milliseconds, but an earlier time of the file as seconds; divide the file \
                 by the unit of its times, and import each part with its --precision"
            );
        }
    }

    #[test]
    fn excel_counts_days() {
        for (text, expected) in [
            ("46349.4166666667", "2026-11-23T10:00:00.000000Z"),
            ("46349,4166666667", "2026-11-23T10:00:00.000000Z"),
            ("46349", "2026-11-23T00:00:00.000000Z"),
            ("25569", "1970-01-01T00:00:00.000000Z"),
            ("61", "1900-03-01T00:00:00.000000Z"),
        ] {
            assert_eq!(read(Some("excel"), None, text), expected, "{text}");
        }
        for text in ["60", "2958466", "nan", "2026-11-23"] {
            assert!(read(Some("excel"), None, text).contains("no day number of Excel"), "{text}");
        }
        assert_eq!(read(Some("excel"), Some("Europe/Berlin"), "46349.5"), "2026-11-23T11:00:00.000000Z");
    }
}
