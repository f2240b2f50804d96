//! Optional statistics of an axis, in the request and in the result.

use crate::axis::RequestedAxes;
use crate::percentile::Percentile;
use crate::summary::Summary;

/// Optional statistics that a request asks for in addition to the summary; none by default.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a yes or no of the request")]
pub struct RequestedStatistics {
    /// The axes of the result.
    pub axes: RequestedAxes,
    /// Up to [`PERCENTILES_MAX`](crate::limits::PERCENTILES_MAX) percentiles, in the order of the result.
    /// Repeats are allowed.
    pub percentiles: Vec<Percentile>,
    /// Whether to return the mean.
    pub mean: bool,
    /// Whether to return the sample standard deviation.
    pub stddev: bool,
    /// Whether to return the root mean square.
    pub rms: bool,
    /// Whether to return the difference between maximum and minimum.
    pub range: bool,
    /// Whether to return the interquartile range.
    pub iqr: bool,
    /// The statistics of the summary that are not computed.
    pub omitted: OmittedStatistics,
}

/// Statistics of the summary that a request does not need. They cost nothing. None by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OmittedStatistics {
    /// Whether to omit the sum.
    pub sum: bool,
    /// Whether to omit the median.
    pub median: bool,
}

impl RequestedStatistics {
    /// Returns whether a requested statistic needs the exact sum.
    pub fn needs_sum(&self) -> bool {
        !self.omitted.sum || self.mean || self.needs_squares()
    }

    /// Returns whether a requested statistic needs the sum of the squares.
    pub fn needs_squares(&self) -> bool {
        self.stddev || self.rms
    }
}

/// Statistics of one axis over at least one reading. `docs/statistics.md` defines each of them to the bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The five statistics of every analysis.
    pub summary: Summary,
    /// The requested percentiles, in the order of the request.
    pub percentiles: Vec<f64>,
    /// The exact mean, rounded once to the nearest double; `None` if not requested.
    pub mean: Option<f64>,
    /// The sample standard deviation; `None` if it was not requested, if there is only one reading, or if it
    /// exceeds the largest double.
    pub stddev: Option<f64>,
    /// The root mean square; `None` if not requested.
    pub rms: Option<f64>,
    /// The difference between maximum and minimum; `None` if it was not requested, or if it exceeds the
    /// largest double.
    pub range: Option<f64>,
    /// The interquartile range: the 75th percentile minus the 25th; `None` if it was not requested, or if it
    /// exceeds the largest double.
    pub iqr: Option<f64>,
}

impl From<Summary> for Statistics {
    /// Makes statistics that have only a summary.
    fn from(summary: Summary) -> Self {
        Self { summary, percentiles: Vec::new(), mean: None, stddev: None, rms: None, range: None, iqr: None }
    }
}
