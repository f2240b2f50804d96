//! Columns that have other names in a file: `timestamp=Time`, `x=AccX [g]`, `timestamp=Date+Time`.

use std::fmt;
use std::str::FromStr;

/// A value of a reading that a column of a file contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The id of the device.
    DeviceId,
    /// The time.
    Timestamp,
    /// The number of the x axis.
    X,
    /// The number of the y axis.
    Y,
    /// The number of the z axis.
    Z,
}

impl Target {
    /// All targets, in the order of the columns of an export.
    pub const ALL: [Self; 5] = [Self::DeviceId, Self::Timestamp, Self::X, Self::Y, Self::Z];

    /// Returns the name of the column that contains the value.
    pub fn name(self) -> &'static str {
        match self {
            Self::DeviceId => "device_id",
            Self::Timestamp => "timestamp",
            Self::X => "x",
            Self::Y => "y",
            Self::Z => "z",
        }
    }
}

/// The statement that a column contains a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnChoice {
    /// The value.
    pub target: Target,
    /// Name of the column. For a timestamp, it may be two names joined with `+`: a date and a time of day.
    pub column: String,
}

impl FromStr for ColumnChoice {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "write NAME=COLUMN, where NAME is device_id, timestamp, x, y or z; for a time in two columns, \
                     write timestamp=DATE+TIME";
        let (name, column) = text.split_once('=').ok_or(wrong)?;
        let target = Target::ALL.into_iter().find(|target| target.name() == name).ok_or(wrong)?;
        if column.is_empty() {
            return Err(wrong);
        }
        Ok(Self { target, column: column.to_owned() })
    }
}

impl fmt::Display for ColumnChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.target.name(), self.column)
    }
}

/// The columns that the user has named for values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ColumnMap(Vec<ColumnChoice>);

impl ColumnMap {
    /// Creates a map of these choices.
    ///
    /// # Errors
    /// A value with two columns.
    pub fn new(choices: Vec<ColumnChoice>) -> Result<Self, Target> {
        let mut targets: Vec<Target> = Vec::new();
        for choice in &choices {
            if targets.contains(&choice.target) {
                return Err(choice.target);
            }
            targets.push(choice.target);
        }
        Ok(Self(choices))
    }

    /// Returns the column chosen for a value.
    pub fn column(&self, target: Target) -> Option<&str> {
        self.0.iter().find(|choice| choice.target == target).map(|choice| choice.column.as_str())
    }

    /// Returns the map with further choices, for values without one.
    pub(super) fn with(&self, choices: &[ColumnChoice]) -> Self {
        Self([self.0.as_slice(), choices].concat())
    }

    /// Returns whether no column is chosen.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Returns each possible pair of names, a date and a time of day, in a name with one or more `+`.
pub(super) fn date_and_time(column: &str) -> impl Iterator<Item = (&str, &str)> {
    column.match_indices('+').map(|(plus, _)| {
        let (date, time) = column.split_at(plus);
        (date, time.strip_prefix('+').unwrap_or(time))
    })
}
