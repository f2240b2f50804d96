//! The first day of the week.

/// The day of the week with which buckets of weeks begin.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeekStart(u8);

/// Error for a text that is not a day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a day of the week such as monday, saturday or sunday")]
pub struct UnknownWeekday;

/// The days of the week, from Monday.
const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl WeekStart {
    /// Finds a day by its English name; case does not matter.
    ///
    /// # Errors
    /// [`UnknownWeekday`].
    pub fn from_name(name: &str) -> Result<Self, UnknownWeekday> {
        let names = (0..).zip(WEEKDAYS);
        let mut found = names.filter(|(_, day)| day.eq_ignore_ascii_case(name)).map(|(index, _)| Self(index));
        found.next().ok_or(UnknownWeekday)
    }

    /// Returns the number of days after Monday; 0 to 6.
    pub(crate) fn days_after_monday(self) -> i64 {
        self.0.into()
    }
}
