//! Histograms: counts of the values of an axis in bins of equal width.

use crate::limits::HISTOGRAM_BINS_MAX;
use crate::number::Finite;

/// Number and bounds of the bins of a histogram.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    count: u32,
    low: Option<Finite>,
    high: Option<Finite>,
}

/// The rule that the bins of a histogram break.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBins {
    /// The number of bins is outside 1 to [`HISTOGRAM_BINS_MAX`].
    #[error("a histogram has 1 to {HISTOGRAM_BINS_MAX} bins")]
    Count,
    /// The upper bound is not greater than the lower bound.
    #[error("the upper bound is not greater than the lower bound")]
    Bounds,
    /// The lower bound is the greatest double, or the upper bound is the least one. So no number is beyond
    /// the bound.
    #[error("there is no number beyond the bound")]
    NoRoom,
}

impl Bins {
    /// Makes `count` bins of equal width between two bounds. Without a lower or upper bound, the smallest or
    /// greatest value is the bound.
    ///
    /// # Errors
    /// [`InvalidBins`] names the broken rule.
    pub fn new(count: u32, low: Option<Finite>, high: Option<Finite>) -> Result<Self, InvalidBins> {
        if !(1..=HISTOGRAM_BINS_MAX).contains(&count) {
            Err(InvalidBins::Count)
        } else if low.zip(high).is_some_and(|(low, high)| low >= high) {
            Err(InvalidBins::Bounds)
        } else if low.is_some_and(|low| low == Finite::MAX) || high.is_some_and(|high| high == Finite::MIN) {
            Err(InvalidBins::NoRoom)
        } else {
            Ok(Self { count, low, high })
        }
    }

    /// Returns the number of bins; 1 to [`HISTOGRAM_BINS_MAX`].
    pub fn count(self) -> u32 {
        self.count
    }

    /// Returns the lower bound, or `None` for the smallest value.
    pub fn low(self) -> Option<f64> {
        self.low.map(Finite::get)
    }

    /// Returns the upper bound, or `None` for the greatest value.
    pub fn high(self) -> Option<f64> {
        self.high.map(Finite::get)
    }
}

/// Number of values of one axis in each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// Ascending bounds of the bins, one more than there are bins. A bin includes its lower bound and
    /// excludes its upper one. The last bin includes both.
    pub edges: Vec<f64>,
    /// Number of values in each bin.
    pub counts: Vec<u64>,
    /// Number of values less than the first edge.
    pub below: u64,
    /// Number of values greater than the last edge.
    pub above: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_or_reversed_bounds_are_refused() {
        let bound = |number| Some(Finite::new(number).unwrap());
        assert_eq!(Bins::new(0, None, None), Err(InvalidBins::Count));
        assert_eq!(Bins::new(1001, None, None), Err(InvalidBins::Count));
        assert_eq!(Bins::new(1, bound(1.0), bound(1.0)), Err(InvalidBins::Bounds));
        assert_eq!(Bins::new(1, bound(2.0), bound(1.0)), Err(InvalidBins::Bounds));
        assert_eq!(Bins::new(1, bound(f64::MAX), None), Err(InvalidBins::NoRoom));
        assert_eq!(Bins::new(1, None, bound(f64::MIN)), Err(InvalidBins::NoRoom));
        assert!(Bins::new(1000, bound(f64::MIN), bound(f64::MAX)).is_ok());
        assert!(Bins::new(1, bound(1.0), None).is_ok());
        assert!(Bins::new(1, None, bound(1.0)).is_ok());
    }
}
