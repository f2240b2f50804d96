//! What may be asked of an axis beyond its summary, and what is answered.

use crate::percentile::Percentile;
use crate::summary::Summary;

/// Which statistics are wanted beyond the summary; by default none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    /// At most [`PERCENTILES_MAX`](crate::limits::PERCENTILES_MAX), in the order in which they are answered; the same one may be asked for twice.
    pub percentiles: Vec<Percentile>,
    /// The mean.
    pub mean: bool,
    /// The sample standard deviation.
    pub stddev: bool,
}

/// The statistics of one axis over at least one reading. `docs/statistics.md` says what each means to the bit.
#[derive(Clone, Debug, PartialEq)]
pub struct Statistics {
    /// The five that are always there.
    pub summary: Summary,
    /// The percentiles wanted, in the order asked for.
    pub percentiles: Vec<f64>,
    /// The true mean, rounded once to the nearest double; `None` where it is not wanted.
    pub mean: Option<f64>,
    /// The sample standard deviation; `None` where it is not wanted, of one reading, and beyond the largest double.
    pub stddev: Option<f64>,
}

impl From<Summary> for Statistics {
    /// The summary alone.
    fn from(summary: Summary) -> Self {
        Self { summary, percentiles: Vec::new(), mean: None, stddev: None }
    }
}
