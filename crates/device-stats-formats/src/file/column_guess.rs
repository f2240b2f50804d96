//! Guesses the meaning of the columns of a file. A guess is only printed, never applied.

use device_stats_domain::DeviceId;

use super::column_map::{ColumnChoice, Target};
use super::column_plan::{ColumnPlan, IndexColumn, to_plain};
use super::file_options::{DecimalMark, Delimiter, FileOptions};
use crate::misnamed;

/// Options with which a file can probably be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Guess {
    /// Delimiter of CSV, if it is not the comma.
    pub delimiter: Option<Delimiter>,
    /// Decimal mark, if it is not the point.
    pub decimal_mark: Option<DecimalMark>,
    /// Columns with other names.
    pub columns: Vec<ColumnChoice>,
    /// Whether the file has no column for the device.
    pub needs_device: bool,
    /// Whether the file has other columns.
    pub ignores_unknown: bool,
}

/// Guesses the columns of a file; `None` if a value has no possible column or several.
pub(super) fn guess(columns: &[&str], index: IndexColumn, options: &FileOptions) -> Option<Guess> {
    let mut guess = Guess::default();
    for target in Target::ALL {
        let is_known = columns.iter().any(|column| to_plain(column) == target.name());
        let is_chosen = options.columns.column(target).is_some();
        if is_known || is_chosen || target == Target::DeviceId && options.device.is_some() {
            continue;
        }
        match column_of(target, columns) {
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
    guess.ignores_unknown = ColumnPlan::resolve(columns, index, &guessed).is_err();
    guessed.ignores_unknown |= guess.ignores_unknown;
    let is_read = ColumnPlan::resolve(columns, index, &guessed).is_ok();
    // If the guess adds nothing to the options, the error has another cause.
    let adds = !guess.columns.is_empty() || guess.needs_device || guess.ignores_unknown;
    (is_read && adds).then_some(guess)
}

/// Returns the only column that probably contains a value.
fn column_of(target: Target, columns: &[&str]) -> Option<String> {
    let named = |name: &str| columns.iter().find(|column| to_plain(column) == name);
    if target == Target::Timestamp
        && let (Some(date), Some(time)) = (named("date"), named("time"))
    {
        return Some(format!("{date}+{time}"));
    }
    let mut found = columns.iter().filter(|column| misnamed::is_similar(column, target.name()));
    found.next().filter(|_| found.next().is_none()).map(|column| (*column).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guessed(columns: &[&str]) -> Option<String> {
        let guess = guess(columns, IndexColumn::None, &FileOptions::default())?;
        let columns: Vec<String> = guess.columns.iter().map(ToString::to_string).collect();
        let mut words = columns.join(" ");
        words.push_str(if guess.needs_device { " device" } else { "" });
        words.push_str(if guess.ignores_unknown { " unknown" } else { "" });
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
            assert_eq!(guessed(columns).as_deref(), expected, "{columns:?}");
        }
    }
}
