//! What an analysis says of one axis.

/// The five statistics of one axis over at least one reading, each exact. `docs/statistics.md` says what that means to
/// the bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// How many readings; 1 and up.
    pub count: u64,
    /// The true sum, rounded once to the nearest double; `None` where that is beyond a double.
    pub sum: Option<f64>,
    /// The middle value; of an even count the middle of the two middle values, rounded once.
    pub median: f64,
}
