//! The summary of a column of plain values. Every statistic is exact and does not depend on the order of the
//! values.

use crate::exact_sum::ExactSum;

/// Minimum, maximum, count, sum and median of at least one value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The smallest value.
    pub min: f64,
    /// The largest value.
    pub max: f64,
    /// Number of values; at least 1.
    pub count: u64,
    /// The sum, rounded once to the nearest double; `None` beyond the largest double.
    pub sum: Option<f64>,
    /// The middle value, or the [`midpoint`] of the two middle values.
    pub median: f64,
}

/// Summarizes finite values in linear time and reorders them; `None` without values.
///
/// ```
/// use device_stats_exact::summarize;
///
/// let summary = summarize(&mut [1e16, 1.0, -1e16]).unwrap();
/// assert_eq!((summary.sum, summary.median), (Some(1.0), 1.0));
/// ```
pub fn summarize(values: &mut [f64]) -> Option<Summary> {
    let median = median(values)?;
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut sum = ExactSum::default();
    for value in values.iter().copied() {
        min = min.min(value);
        max = max.max(value);
        sum.add(value);
    }
    Some(Summary { min, max, count: values.len() as u64, sum: sum.rounded(), median })
}

/// Returns the number halfway between two finite numbers, rounded once. It cannot overflow, keeps all bits of
/// subnormal numbers, and is never `-0.0`.
///
/// ```
/// assert_eq!(device_stats_exact::midpoint(f64::MAX, f64::MAX), f64::MAX);
/// ```
pub fn midpoint(lower: f64, upper: f64) -> f64 {
    lower.midpoint(upper) + 0.0
}

/// Selects the middle value or the midpoint of the two middle values.
fn median(values: &mut [f64]) -> Option<f64> {
    if values.is_empty() {
        return None;
    }
    let is_odd = !values.len().is_multiple_of(2);
    let (below, upper, _) = values.select_nth_unstable_by(values.len() / 2, f64::total_cmp);
    if is_odd {
        return Some(*upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    Some(midpoint(lower, *upper))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sorted(values: &[f64]) -> Vec<f64> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted
    }

    /// Returns the median by sorting. The midpoint of two values is half their sum, or the sum of their
    /// halves if the sum overflows.
    #[expect(clippy::manual_midpoint, reason = "the formula to compare with")]
    fn median_by_sorting(values: &[f64]) -> f64 {
        let sorted = sorted(values);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        let median = if (low + high).is_finite() { (low + high) / 2.0 } else { low / 2.0 + high / 2.0 };
        median + 0.0
    }

    fn check(values: &[f64]) {
        let summary = summarize(&mut values.to_vec()).unwrap();
        let sorted = sorted(values);
        assert_eq!(summary.count, values.len() as u64);
        assert_eq!(summary.min.to_bits(), sorted[0].to_bits());
        assert_eq!(summary.max.to_bits(), sorted[sorted.len() - 1].to_bits());
        assert_eq!(summary.median.to_bits(), median_by_sorting(values).to_bits(), "median of {values:?}");
    }

    #[test]
    fn no_values_have_no_summary() {
        assert_eq!(summarize(&mut []), None);
    }

    #[test]
    fn a_median_is_never_minus_zero() {
        assert_eq!(summarize(&mut [-5e-324, 0.0]).unwrap().median.to_bits(), 0);
    }

    #[test]
    fn every_small_multiset_of_nasty_values_equals_sorting() {
        const NASTY: [f64; 8] = [f64::MIN, -1.0, -5e-324, 0.0, 5e-324, 0.1, 1.5, f64::MAX];
        fn grow(values: &mut Vec<f64>, from: usize) {
            for (index, value) in NASTY.iter().enumerate().skip(from) {
                values.push(*value);
                check(values);
                if values.len() < 6 {
                    grow(values, index);
                }
                values.pop();
            }
        }
        grow(&mut Vec::new(), 0);
    }

    proptest! {
        #[test]
        fn order_does_not_matter_and_sorting_agrees(
            values in prop::collection::vec(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO, 1..200)
        ) {
            let values: Vec<f64> = values.into_iter().map(|value| value + 0.0).collect();
            check(&values);
            let mut reversed: Vec<f64> = values.iter().rev().copied().collect();
            prop_assert_eq!(summarize(&mut values.clone()), summarize(&mut reversed));
        }
    }
}
