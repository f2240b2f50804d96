//! The summary of one axis: the statistics of every analysis.

/// Five exact statistics of one axis over at least one reading. `docs/statistics.md` defines each of them to
/// the bit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The smallest value.
    pub min: f64,
    /// The greatest value.
    pub max: f64,
    /// Number of readings; 1 and up.
    pub count: u64,
    /// The exact sum, rounded once to the nearest double; `None` beyond the largest double, or if it was
    /// omitted.
    pub sum: Option<f64>,
    /// The middle value; for an even count the midpoint of the two middle values, rounded once.
    /// `None` if it was omitted.
    pub median: Option<f64>,
}
