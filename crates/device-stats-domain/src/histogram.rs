//! How often values of an axis fall into ranges of equal width.

use crate::limits::HISTOGRAM_BINS_MAX;
use crate::number::Finite;

/// Which histogram is wanted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bins {
    count: u32,
    low: Option<Finite>,
    high: Option<Finite>,
}

/// Why there is no such histogram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBins {
    /// The number of bins is not one of 1 to [`HISTOGRAM_BINS_MAX`].
    #[error("a histogram has 1 to {HISTOGRAM_BINS_MAX} bins")]
    Count,
    /// The upper bound does not lie above the lower one.
    #[error("the upper bound does not lie above the lower one")]
    Bounds,
}

impl Bins {
    /// So many bins of equal width between two bounds; a missing bound is that of the values themselves.
    ///
    /// # Errors
    /// [`InvalidBins`].
    pub fn new(count: u32, low: Option<Finite>, high: Option<Finite>) -> Result<Self, InvalidBins> {
        if !(1..=HISTOGRAM_BINS_MAX).contains(&count) {
            Err(InvalidBins::Count)
        } else if low.zip(high).is_some_and(|(low, high)| low >= high) {
            Err(InvalidBins::Bounds)
        } else {
            Ok(Self { count, low, high })
        }
    }

    /// How many; 1 to [`HISTOGRAM_BINS_MAX`].
    pub fn count(self) -> u32 {
        self.count
    }

    /// The lower bound, where it is not the smallest value.
    pub fn low(self) -> Option<f64> {
        self.low.map(Finite::get)
    }

    /// The upper bound, where it is not the greatest value.
    pub fn high(self) -> Option<f64> {
        self.high.map(Finite::get)
    }
}

/// How many values of one axis fall into each bin.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    /// The bounds of the bins, one more than there are bins, ascending. A bin holds its lower bound and not its upper
    /// one; the last bin holds both.
    pub edges: Vec<f64>,
    /// How many values are in each bin.
    pub counts: Vec<u64>,
    /// How many values are less than the first edge.
    pub below: u64,
    /// How many values are greater than the last edge.
    pub above: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_have_room_between_them() {
        let bound = |number| Some(Finite::new(number).unwrap());
        assert_eq!(Bins::new(0, None, None), Err(InvalidBins::Count));
        assert_eq!(Bins::new(1001, None, None), Err(InvalidBins::Count));
        assert_eq!(Bins::new(1, bound(1.0), bound(1.0)), Err(InvalidBins::Bounds));
        assert_eq!(Bins::new(1, bound(2.0), bound(1.0)), Err(InvalidBins::Bounds));
        assert!(Bins::new(1000, bound(f64::MIN), bound(f64::MAX)).is_ok());
        assert!(Bins::new(1, bound(1.0), None).is_ok());
        assert!(Bins::new(1, None, bound(1.0)).is_ok());
    }
}
