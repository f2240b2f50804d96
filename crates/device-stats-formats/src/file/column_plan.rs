//! Finds the columns of a reading in the columns of a file. Letter case and surrounding blanks do not matter.

use std::borrow::Cow;

use device_stats_domain::Axes;

use super::column_map::{Target, date_and_time};
use super::file_options::FileOptions;
use crate::misnamed::is_similar;

/// The positions of the values of a reading in the columns of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ColumnPlan {
    /// Column of the device; `None` if all rows have the same.
    pub(super) device: Option<usize>,
    pub(super) time: TimeSource,
    pub(super) axes: Axes<usize>,
}

/// The columns of the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimeSource {
    Absent,
    Column(usize),
    /// A date, and a time of day.
    DateAndTime(usize, usize),
}

/// The index that a program has written as a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IndexColumn {
    None,
    /// Its values are times. They are the times of the readings if there is no other column of times.
    Times(usize),
    /// Its values count the rows.
    Count(usize),
}

/// Maximum number of columns that a message names.
const LISTED_COLUMNS_MAX: usize = 20;
/// Maximum number of characters of a name in a message.
const MESSAGE_NAME_MAX: usize = 60;
/// Rule for a missing column.
const REQUIRED: &str = "Column required";
/// Rule for an unknown column.
const UNKNOWN: &str = "Extra columns are not permitted; add --ignore-unknown to ignore them";

/// Names of an index without a name: of `pandas` in Parquet and Arrow, and in CSV.
const INDEX_NAMES: [&str; 3] = ["__index_level_0__", "", "Unnamed: 0"];

/// Returns the position of a column that is an index without a name.
pub(super) fn index_position(columns: &[&str]) -> Option<usize> {
    columns.iter().position(|column| INDEX_NAMES.contains(column))
}

impl ColumnPlan {
    /// Returns the positions of the columns that are read.
    pub(super) fn used(&self) -> Vec<usize> {
        let Axes { x, y, z } = self.axes;
        let times = match self.time {
            TimeSource::Absent => vec![],
            TimeSource::Column(time) => vec![time],
            TimeSource::DateAndTime(date, time) => vec![date, time],
        };
        self.device.into_iter().chain(times).chain([x, y, z]).collect()
    }

    /// Finds the columns of a reading.
    ///
    /// # Errors
    /// Descriptions of all missing, repeated and unknown columns.
    pub(super) fn resolve(
        columns: &[&str],
        index: IndexColumn,
        options: &FileOptions,
    ) -> Result<Self, Vec<String>> {
        let mut finder = Finder { columns, options, problems: Vec::new(), is_choice_missing: false };
        let device = match (&options.device, finder.find(Target::DeviceId)) {
            (Some(_), Some(device)) => {
                let column = columns.get(device).unwrap_or(&"device_id");
                let problem = "the file names its devices in this column; remove --device";
                finder.problems.push(format!("header.{column}: {problem}"));
                None
            }
            (Some(_), None) => None,
            (None, found) => finder.require(Target::DeviceId, found),
        };
        let time = finder.find_time(index);
        let mut number = |target| {
            let found = finder.find(target);
            finder.require(target, found)
        };
        let axes = Axes { x: number(Target::X), y: number(Target::Y), z: number(Target::Z) };
        let plan = axes.all().map(|axes| Self { device, time, axes });
        let mut used = plan.as_ref().map(Self::used).unwrap_or_default();
        used.extend(device.into_iter().chain([axes.x, axes.y, axes.z].into_iter().flatten()));
        finder.refuse_unknown(&used, time, index);
        if time == TimeSource::Absent {
            finder.refuse_other_time(&used);
        }
        match plan {
            Some(plan) if finder.problems.is_empty() => Ok(plan),
            _ => {
                let is_required = finder.problems.iter().any(|problem| problem.ends_with(REQUIRED));
                if is_required || finder.is_choice_missing {
                    // The other columns are probably the missing ones.
                    finder.problems.retain(|problem| !problem.ends_with(UNKNOWN));
                }
                if is_required {
                    finder.problems.push(format!("the file has the columns {}", list(columns)));
                }
                Err(finder.problems)
            }
        }
    }
}

struct Finder<'a> {
    columns: &'a [&'a str],
    options: &'a FileOptions,
    problems: Vec<String>,
    /// Whether the file does not have a column that the user has named.
    is_choice_missing: bool,
}

impl Finder<'_> {
    /// Returns the column of a value, by its chosen or usual name.
    fn find(&mut self, target: Target) -> Option<usize> {
        match self.options.columns.column(target) {
            Some(chosen) => {
                let found = self.find_name(chosen);
                if found.is_none() {
                    self.note_missing(target, chosen);
                }
                found
            }
            None => self.find_name(target.name()),
        }
    }

    fn find_time(&mut self, index: IndexColumn) -> TimeSource {
        let Some(chosen) = self.options.columns.column(Target::Timestamp) else {
            return match (self.find_name(Target::Timestamp.name()), index) {
                (Some(column), _) | (None, IndexColumn::Times(column)) => TimeSource::Column(column),
                (None, IndexColumn::None | IndexColumn::Count(_)) => TimeSource::Absent,
            };
        };
        if let Some(column) = self.find_name(chosen) {
            return TimeSource::Column(column);
        }
        for (date, time) in date_and_time(chosen) {
            if let (Some(date), Some(time)) = (self.find_name(date), self.find_name(time)) {
                return TimeSource::DateAndTime(date, time);
            }
        }
        self.note_missing(Target::Timestamp, chosen);
        TimeSource::Absent
    }

    /// Returns the position of a name: the column with exactly this name, otherwise the only one that differs
    /// in letter case and surrounding blanks.
    fn find_name(&mut self, name: &str) -> Option<usize> {
        let exact = |column: &str| column == name;
        let plain = to_plain(name);
        let alike = |column: &str| to_plain(column) == plain;
        let first = |matches: &dyn Fn(&str) -> bool| {
            let mut found = self.columns.iter().enumerate().filter(|(_, column)| matches(column));
            found.next().map(|(position, _)| (position, found.next().is_some()))
        };
        let (position, is_repeated) = first(&exact).or_else(|| first(&alike))?;
        if is_repeated {
            self.problems.push(format!("header.{name}: Column is repeated"));
        }
        Some(position)
    }

    fn require(&mut self, target: Target, found: Option<usize>) -> Option<usize> {
        // The problem of a missing chosen column has already been added.
        if found.is_none() && self.options.columns.column(target).is_none() {
            self.problems.push(format!("header.{}: {REQUIRED}", target.name()));
        }
        found
    }

    fn note_missing(&mut self, target: Target, chosen: &str) {
        self.is_choice_missing = true;
        let columns = list(self.columns);
        let target = target.name();
        self.problems.push(format!("{target}: the file has no column {chosen:?}; its columns are {columns}"));
    }

    /// Without this check, readings would be stored with the current time although the file has their times.
    fn refuse_other_time(&mut self, used: &[usize]) {
        if !self.options.ignores_unknown || self.options.ignores_times {
            return;
        }
        let others = self.columns.iter().enumerate().filter(|(position, _)| !used.contains(position));
        let times = others.filter(|(_, column)| is_similar(column, Target::Timestamp.name()));
        self.problems.extend(times.map(|(_, column)| format!("header.{column}: {}", other_time(column))));
    }

    fn refuse_unknown(&mut self, used: &[usize], time: TimeSource, index: IndexColumn) {
        if self.options.ignores_unknown {
            return;
        }
        let is_time = |position: usize| match time {
            TimeSource::Absent => false,
            TimeSource::Column(time) => time == position,
            TimeSource::DateAndTime(date, time) => date == position || time == position,
        };
        let is_index =
            |position| matches!(index, IndexColumn::Times(at) | IndexColumn::Count(at) if at == position);
        for (position, column) in self.columns.iter().enumerate() {
            if !used.contains(&position) && !is_time(position) && !is_index(position) {
                let is_repeated = self.columns.iter().take(position).any(|earlier| earlier == column);
                let rule = if is_repeated { "Column is repeated" } else { UNKNOWN };
                self.problems.push(format!("header.{}: {rule}", shorten(column)));
            }
        }
        self.problems.dedup();
    }
}

/// Describes an ignored column that is probably the time.
pub(super) fn other_time(column: &str) -> String {
    format!(
        "the column may be the time; add --map 'timestamp={column}', or add --missing-times now to store the rows with \
         the current time"
    )
}

/// Cuts a name for a message. In a file with another encoding, the whole file may be one name.
pub(super) fn shorten(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(MESSAGE_NAME_MAX) {
        Some((end, _)) => format!("{}…", name.split_at(end).0).into(),
        None => name.into(),
    }
}

/// Returns the names of columns, for a message.
pub(super) fn list(columns: &[&str]) -> String {
    let quoted = columns.iter().take(LISTED_COLUMNS_MAX).map(|column| format!("{:?}", shorten(column)));
    let more = (columns.len() > LISTED_COLUMNS_MAX).then(|| "...".to_owned());
    quoted.chain(more).collect::<Vec<_>>().join(", ")
}

/// Returns a name in lower case, without surrounding blanks.
pub(super) fn to_plain(name: &str) -> String {
    name.trim().to_lowercase()
}
