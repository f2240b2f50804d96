//! Guesses the meaning of the columns of a file. A guess is only printed, never applied.

use device_stats_domain::DeviceId;

use super::column_content::Content;
use super::column_map::{ColumnChoice, Target};
use super::column_plan::{ColumnPlan, IndexColumn, TimeSource, list, to_plain};
use super::file_options::{CommentMark, DecimalMark, Delimiter, FileOptions};
use crate::misnamed::{is_similar, may_be_device};

/// Options with which a file can probably be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guess {
    /// Delimiter of CSV, if it is not the comma.
    pub delimiter: Option<Delimiter>,
    /// First character of comments, if there are some.
    pub comment: Option<CommentMark>,
    /// Decimal mark, if it is not the point.
    pub decimal_mark: Option<DecimalMark>,
    /// Columns with other names.
    pub columns: Vec<ColumnChoice>,
    /// Whether the file has no column for the device.
    pub needs_device: bool,
    /// Whether the file has other columns.
    pub ignores_unknown: bool,
    /// What could be wrong with the guess.
    pub doubts: Vec<String>,
}

/// The names and the first values of columns.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a> {
    pub(super) names: &'a [&'a str],
    /// Kinds of the first values; may be shorter than the names.
    pub(super) contents: &'a [Content],
}

/// Names of a date, and of a time of day.
const DATES: [&str; 5] = ["date", "datum", "fecha", "dato", "jour"];
const TIMES_OF_DAY: [&str; 7] = ["time", "uhrzeit", "zeit", "hora", "heure", "tijd", "tid"];

/// Guesses the columns of a file; `None` if a number has no possible column or several.
pub(super) fn guess(columns: Columns<'_>, index: IndexColumn, options: &FileOptions) -> Option<Guess> {
    let names = columns.names;
    let mut guess = Guess::default();
    for target in Target::ALL {
        let is_known = names.iter().any(|column| to_plain(column) == target.name());
        let is_chosen = options.columns.column(target).is_some();
        if is_known || is_chosen || target == Target::DeviceId && options.device.is_some() {
            continue;
        }
        let column = match target {
            Target::DeviceId => columns.device(),
            Target::Timestamp => columns.time(),
            Target::X | Target::Y | Target::Z => columns.similar(target),
        };
        match column {
            Some(column) => guess.columns.push(ColumnChoice { target, column }),
            None if target == Target::DeviceId => guess.needs_device = true,
            None if target == Target::Timestamp => {}
            None => return None,
        }
    }
    let mut guessed = options.clone();
    guessed.columns = options.columns.with(&guess.columns);
    if guess.needs_device {
        guessed.device = DeviceId::new("device").ok();
    }
    guess.ignores_unknown = ColumnPlan::resolve(names, index, &guessed).is_err();
    guessed.ignores_unknown |= guess.ignores_unknown;
    let plan = ColumnPlan::resolve(names, index, &guessed).ok()?;
    if guess.ignores_unknown {
        guess.doubts = columns.doubts(&plan, guess.needs_device, options.ignores_times);
    }
    // If the guess adds nothing to the options, the error has another cause.
    let adds = !guess.columns.is_empty() || guess.needs_device || guess.ignores_unknown;
    adds.then_some(guess)
}

impl Columns<'_> {
    /// Returns the only column for which a statement holds.
    fn only(self, is_meant: impl Fn(&str, Content) -> bool) -> Option<String> {
        let mut found = self.all().filter(|(name, content)| is_meant(name, *content));
        found.next().filter(|_| found.next().is_none()).map(|(name, _)| name.to_owned())
    }

    fn all(&self) -> impl Iterator<Item = (&str, Content)> {
        let contents = self.contents.iter().copied().chain(std::iter::repeat(Content::Unknown));
        self.names.iter().copied().zip(contents)
    }

    /// Returns the only column with a similar name.
    fn similar(self, target: Target) -> Option<String> {
        self.only(|name, _| is_similar(name, target.name()))
    }

    /// Returns the column of the device, by its name. A number called `id` may count the rows.
    fn device(self) -> Option<String> {
        self.similar(Target::DeviceId).or_else(|| {
            let counts = |name: &str, content| to_plain(name) == "id" && content == Content::Number;
            self.only(|name, content| may_be_device(name) && !counts(name, content))
        })
    }

    /// Returns the column or the two columns of the time, by the names, otherwise by the first values.
    fn time(self) -> Option<String> {
        let is_time = |name: &str| is_similar(name, Target::Timestamp.name());
        let pair = |date: Option<String>, time: Option<String>| Some(format!("{}+{}", date?, time?));
        let has = |wanted: Content| self.only(|_, content| content == wanted);
        pair(
            self.only(|name, _| DATES.contains(&&*to_plain(name))),
            self.only(|name, content| TIMES_OF_DAY.contains(&&*to_plain(name)) && content != Content::Moment),
        )
        .or_else(|| self.similar(Target::Timestamp))
        .or_else(|| self.only(|name, content| is_time(name) && content == Content::Moment))
        .or_else(|| has(Content::Moment))
        .or_else(|| pair(has(Content::Date), has(Content::TimeOfDay)))
        .or_else(|| has(Content::Date))
    }

    /// Describes what a reading would lose with the ignored columns.
    fn doubts(self, plan: &ColumnPlan, needs_device: bool, ignores_times: bool) -> Vec<String> {
        let used = plan.used();
        let ignored = || self.all().enumerate().filter(|(position, _)| !used.contains(position));
        let mut doubts = Vec::new();
        if plan.time == TimeSource::Absent && !ignores_times {
            doubts.push(
                "no column is known to be the time, so ALL ROWS WOULD GET THE CURRENT TIME; if one is, add --map \
                 timestamp=COLUMN (or timestamp=DATE+TIME)"
                    .to_owned(),
            );
        }
        let devices: Vec<&str> = ignored()
            .filter(|(_, (name, content))| *content == Content::Text || may_be_device(name))
            .map(|(_, (name, _))| name)
            .collect();
        if needs_device && !devices.is_empty() {
            doubts.push(format!(
                "--device stores all rows as one device; if one of the columns {} names the device, use --map \
                 device_id=COLUMN instead",
                list(&devices)
            ));
        }
        doubts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(names: &[&str], row: &[&str]) -> Option<String> {
        let contents: Vec<Content> = row.iter().map(|text| Content::of(text)).collect();
        let columns = Columns { names, contents: &contents };
        let guess = guess(columns, IndexColumn::None, &FileOptions::default())?;
        let columns: Vec<String> = guess.columns.iter().map(ToString::to_string).collect();
        let mut words = columns.join(" ");
        words.push_str(if guess.needs_device { " device" } else { "" });
        words.push_str(if guess.ignores_unknown { " unknown" } else { "" });
        words.extend(
            guess.doubts.iter().map(
                |doubt| {
                    if doubt.contains("CURRENT TIME") { " time?" } else { " device?" }
                },
            ),
        );
        Some(words)
    }

    #[test]
    fn common_names_are_guessed_and_ambiguous_ones_are_not() {
        for (columns, expected) in [
            (
                &["Time", "AccX [g]", "AccY [g]", "AccZ [g]"] as &[&str],
                Some("timestamp=Time x=AccX [g] y=AccY [g] z=AccZ [g] device"),
            ),
            (&["sensor", "ts", "x", "y", "z", "battery"], Some("device_id=sensor timestamp=ts unknown")),
            (&["device_id", "Date", "Time", "x", "y", "z"], Some("timestamp=Date+Time")),
            (
                &["device", "x (m/s^2)", "y (m/s^2)", "z (m/s^2)"],
                Some("device_id=device x=x (m/s^2) y=y (m/s^2) z=z (m/s^2)"),
            ),
            (&["a", "acc_x", "gyro_x", "acc_y", "acc_z"], None),
            (&["device_id", "temperature", "humidity"], None),
        ] {
            assert_eq!(guessed(columns, &[]).as_deref(), expected, "{columns:?}");
        }
    }

    /// A column that is ignored with the time or the device in it loses them in all rows.
    #[test]
    fn a_time_or_a_device_is_not_ignored() {
        for (time, row, expected) in [
            ("Datum;Uhrzeit", "23.11.2026;10:00", "timestamp=Datum+Uhrzeit"),
            ("Zeit", "10", "timestamp=Zeit"),
            ("Datum/Uhrzeit", "", "timestamp=Datum/Uhrzeit"),
            ("recorded", "2026-11-23T10:00:00Z", "timestamp=recorded"),
            ("Horodatage", "", "timestamp=Horodatage"),
            ("Aufnahme", "23.11.2026 10:00:00", "timestamp=Aufnahme"),
            ("Tag;Beginn", "23.11.2026;10:00:00", "timestamp=Tag+Beginn"),
            ("temperature", "21.5", " unknown time?"),
        ] {
            let names: Vec<&str> = ["device_id", "x", "y", "z"].into_iter().chain(time.split(';')).collect();
            let row: Vec<&str> = ["a", "1", "2", "3"].into_iter().chain(row.split(';')).collect();
            assert_eq!(guessed(&names, &row).as_deref(), Some(expected), "{time}");
        }
        for (device, row, expected) in [
            ("Gerät", "a", "device_id=Gerät"),
            ("serial", "17", "device_id=serial"),
            ("MAC", "00:11:22:33:44:55", "device_id=MAC"),
            ("id", "a", "device_id=id"),
            ("id", "1", " device unknown device?"),
            ("id;name", "a;b", " device unknown device?"),
            ("place", "hall", " device unknown device?"),
            ("temperature", "21.5", " device unknown"),
        ] {
            let names: Vec<&str> =
                ["timestamp", "x", "y", "z"].into_iter().chain(device.split(';')).collect();
            let row: Vec<&str> = ["2026", "1", "2", "3"].into_iter().chain(row.split(';')).collect();
            assert_eq!(guessed(&names, &row).as_deref(), Some(expected), "{device}");
        }
    }
}
