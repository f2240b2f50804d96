//! A reading as a segment stores it.

use device_stats_domain::Axes;

/// A reading of the device that the segment belongs to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Time, in microseconds since 1970 UTC; ascends strictly in a segment.
    pub time_us: i64,
    /// Id of the reading in the interface of the service.
    pub id: i64,
    /// The values, each finite.
    pub values: Axes<f64>,
}
