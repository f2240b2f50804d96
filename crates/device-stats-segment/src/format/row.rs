//! A reading as a segment holds it.

use device_stats_domain::Axes;

/// One moment of the device a segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// When it was taken, in microseconds since 1970 UTC; ascends strictly inside a segment.
    pub time_us: i64,
    /// The id the contract shows.
    pub id: i64,
    /// The numbers, each finite.
    pub values: Axes<f64>,
}
