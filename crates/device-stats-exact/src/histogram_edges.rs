//! Histogram bins: edges at equal distances, and the bounds below which values are counted.

use crate::interpolate::{Fraction, interpolate};

/// Width of all bins together if no value is inside the given bounds.
const WIDTH: f64 = 1.0;

/// Returns the lowest and the highest edge of a histogram of values from `min` to `max`. A bound that is
/// `None` is taken from the values.
///
/// A given bound is never moved. If it is beyond all values, the other edge is at a distance of 1 from it. If
/// no bound is given and all values are equal, the edges are this value minus 0.5 and plus 0.5, as in
/// `NumPy`. Where such a sum is not another double, the edge is the neighbouring double.
pub fn bin_range((min, max): (f64, f64), low: Option<f64>, high: Option<f64>) -> (f64, f64) {
    let below = |edge: f64, distance: f64| (edge - distance).min(edge.next_down());
    let above = |edge: f64, distance: f64| (edge + distance).max(edge.next_up());
    let (low, high) = match (low, high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) if max > low => (low, max),
        (Some(low), None) => (low, above(low, WIDTH)),
        (None, Some(high)) if min < high => (min, high),
        (None, Some(high)) => (below(high, WIDTH), high),
        (None, None) if min < max => (min, max),
        (None, None) => (below(min, WIDTH / 2.0), above(max, WIDTH / 2.0)),
    };
    (low.max(f64::MIN), high.min(f64::MAX))
}

/// Returns the `bins` + 1 edges of bins of equal width from `low` to `high`; `low` is less than `high`. Each
/// edge is the exact number, rounded once. The edges ascend; two are equal only if no double lies between
/// them.
///
/// ```
/// use device_stats_exact::{bin_edges, bin_range};
///
/// let (low, high) = bin_range((2.0, 29.0), None, None);
/// assert_eq!(bin_edges(low, high, 3), [2.0, 11.0, 20.0, 29.0]);
/// ```
///
/// # Panics
/// If `bins` is 0.
#[expect(clippy::expect_used, reason = "documented")]
pub fn bin_edges(low: f64, high: f64, bins: u32) -> Vec<f64> {
    let fraction = |index: u32| Fraction::new(index.into(), bins.into()).expect("there is at least one bin");
    (0..=bins).map(|index| interpolate(low, high, fraction(index))).collect()
}

/// Returns the bounds below which values are counted to fill bins: the edges, but the last one is replaced by
/// the next larger double, because the last bin includes its upper edge.
pub fn bin_bounds(edges: &[f64]) -> Vec<f64> {
    let mut bounds = edges.to_vec();
    if let Some(last) = bounds.last_mut() {
        *last = last.next_up();
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Edges, the number of values in each bin, and the numbers of values outside all bins.
    #[derive(Debug, PartialEq)]
    struct Histogram {
        edges: Vec<f64>,
        counts: Vec<usize>,
        outside: (usize, usize),
    }

    /// Counts values below the bounds.
    fn histogram(values: &[f64], bins: u32, low: Option<f64>, high: Option<f64>) -> Histogram {
        let min = values.iter().copied().reduce(f64::min).unwrap();
        let max = values.iter().copied().reduce(f64::max).unwrap();
        let (low, high) = bin_range((min, max), low, high);
        let edges = bin_edges(low, high, bins);
        let below = |bound: &f64| values.iter().filter(|value| *value < bound).count();
        let below: Vec<usize> = bin_bounds(&edges).iter().map(below).collect();
        let counts = below.windows(2).map(|pair| pair[1] - pair[0]).collect();
        Histogram { edges, counts, outside: (below[0], values.len() - below[below.len() - 1]) }
    }

    /// The expected values are from `numpy.histogram` of `NumPy` 2.4.6.
    #[test]
    fn histograms_agree_with_numpy() {
        let primes = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0];
        let found = histogram(&primes, 3, None, None);
        assert_eq!((found.edges, found.counts), (vec![2.0, 11.0, 20.0, 29.0], vec![4, 4, 2]));
        assert_eq!(found.outside, (0, 0));
        let found = histogram(&primes, 4, Some(3.0), Some(23.0));
        assert_eq!((found.edges, found.counts), (vec![3.0, 8.0, 13.0, 18.0, 23.0], vec![3, 1, 2, 2]));
        assert_eq!(found.outside, (1, 1));
        let found = histogram(&[7.0; 5], 4, None, None);
        assert_eq!((found.edges, found.counts), (vec![6.5, 6.75, 7.0, 7.25, 7.5], vec![0, 0, 5, 0]));
    }

    #[test]
    fn a_given_bound_is_never_moved() {
        // The edges were 99.5 and 100.5: a value below the lower bound was counted inside.
        let found = histogram(&[99.7], 2, Some(100.0), None);
        assert_eq!((found.edges, found.outside), (vec![100.0, 100.5, 101.0], (1, 0)));
        let found = histogram(&[1.0, 2.0], 2, Some(2.0), None);
        assert_eq!((found.edges, found.counts), (vec![2.0, 2.5, 3.0], vec![1, 0]));
        let found = histogram(&[1.0, 2.0], 2, None, Some(0.0));
        assert_eq!((found.edges, found.outside), (vec![-1.0, -0.5, 0.0], (0, 2)));
        let found = histogram(&[1.0, 2.0], 2, None, Some(1.0));
        assert_eq!((found.edges, found.counts, found.outside), (vec![0.0, 0.5, 1.0], vec![0, 1], (0, 1)));
        let found = histogram(&[1.0, 2.0, 3.0], 2, None, Some(2.0));
        assert_eq!((found.edges, found.counts, found.outside), (vec![1.0, 1.5, 2.0], vec![1, 1], (0, 1)));
    }

    #[test]
    fn edges_reach_the_ends_of_the_range_and_its_closest_neighbours() {
        let whole = histogram(&[f64::MIN, -1.0, 0.0, f64::MAX], 2, None, None);
        assert_eq!((whole.edges, whole.counts), (vec![f64::MIN, 0.0, f64::MAX], vec![2, 2]));
        for value in [f64::MIN, -1e300, -1e16, 5e-324, 0.0, 1e16, f64::MAX] {
            let single = histogram(&[value; 3], 1000, None, None);
            assert!(single.edges[0] < single.edges[1000], "{value:e}");
            assert_eq!(single.counts.iter().sum::<usize>(), 3, "{value:e}");
        }
        // No double lies between two neighbours: the bins between them are empty.
        let narrow = histogram(&[1.0, 1.0_f64.next_up()], 5, None, None);
        assert_eq!(narrow.counts.iter().sum::<usize>(), 2);
        assert_eq!(narrow.counts[4], 1);
    }

    #[test]
    fn an_edge_is_never_minus_zero() {
        assert!(bin_edges(-5e-324, 0.0, 2).iter().all(|edge| edge.to_bits() != (-0.0_f64).to_bits()));
    }

    proptest! {
        #[test]
        fn every_value_is_counted_where_the_edges_say(
            values in prop::collection::vec(
                prop_oneof![-10.0..10.0_f64, prop::num::f64::NORMAL, Just(0.0), (-4..4_i32).prop_map(f64::from)],
                1..40,
            ),
            bins in 1..30_u32,
            low in prop::option::of(-5.0..0.0_f64),
            high in prop::option::of(0.5..5.0_f64),
        ) {
            let Histogram { edges, counts, outside } = histogram(&values, bins, low, high);
            prop_assert_eq!(edges.len(), counts.len() + 1);
            prop_assert!(edges.is_sorted());
            let number = |holds: &dyn Fn(f64) -> bool| values.iter().filter(|value| holds(**value)).count();
            prop_assert_eq!(outside.0, number(&|value| value < edges[0]));
            prop_assert_eq!(outside.1, number(&|value| value > edges[counts.len()]));
            for (bin, count) in counts.iter().enumerate() {
                let last = bin + 1 == counts.len();
                let (low, high) = (edges[bin], edges[bin + 1]);
                let holds = |value| low <= value && (value < high || last && value <= high);
                prop_assert_eq!(*count, number(&holds), "bin {}", bin);
            }
        }
    }
}
