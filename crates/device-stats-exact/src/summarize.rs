//! The summary of one column, from its plain values. Every statistic is exact, whatever the order of the values.

use device_stats_domain::Summary;

use crate::exact_sum::ExactSum;

/// Summarises finite values and leaves them in another order; `None` where there is no value. Takes time in
/// proportion to the number of values.
pub fn summarize(values: &mut [f64]) -> Option<Summary> {
    let (mut min, mut max) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut sum = ExactSum::default();
    for &value in values.iter() {
        min = min.min(value);
        max = max.max(value);
        sum.add(value);
    }
    let median = median(values)?;
    Some(Summary { min, max, count: values.len() as u64, sum: sum.rounded(), median })
}

/// The middle value, or the middle of the two middle values, by selection.
fn median(values: &mut [f64]) -> Option<f64> {
    let even = values.len().is_multiple_of(2);
    let middle = values.len() / 2;
    if values.is_empty() {
        return None;
    }
    let (below, &mut upper, _) = values.select_nth_unstable_by(middle, f64::total_cmp);
    if !even {
        return Some(upper);
    }
    let lower = below.iter().copied().max_by(f64::total_cmp)?;
    // Neither overflows at the top of the range nor loses bits at its bottom, as a / 2 + b / 2 does.
    Some(lower.midpoint(upper))
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

    /// Sort and pick; half the sum, where that does not overflow.
    #[expect(clippy::manual_midpoint, reason = "that is what it is compared with")]
    fn median_by_sorting(values: &[f64]) -> f64 {
        let sorted = sorted(values);
        let (low, high) = (sorted[(sorted.len() - 1) / 2], sorted[sorted.len() / 2]);
        if (low + high).is_finite() { (low + high) / 2.0 } else { low / 2.0 + high / 2.0 }
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
    fn nothing_has_no_summary() {
        assert_eq!(summarize(&mut []), None);
    }

    #[test]
    fn every_small_multiset_of_nasty_values() {
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
