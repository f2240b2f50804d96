//! Histograms: edges at equal distances, and how many values lie between them.

use device_stats_domain::{Bins, Histogram};

use crate::interpolate::{Fraction, interpolate};

/// How far the edges reach to both sides of a value that is all there is.
const ALONE: f64 = 0.5;

/// The edges of bins, one more than there are bins, for values from `min` to `max`. Each is the true number at its
/// distance between the bounds, rounded once, so they ascend; two are equal only where no double lies between them.
///
/// Where a bound lies beyond all values, or all values are one, both bounds are the same number. Then the edges reach
/// from half below it to half above it, as `NumPy` does, or to its neighbours where a half is lost beside it.
pub fn bin_edges(min: f64, max: f64, bins: Bins) -> Vec<f64> {
    let low = bins.low().unwrap_or_else(|| bins.high().map_or(min, |high| min.min(high)));
    let high = bins.high().unwrap_or_else(|| max.max(low));
    let (low, high) = if low < high { (low, high) } else { around(low) };
    let count = u64::from(bins.count());
    (0..=count)
        .filter_map(|index| Fraction::new(index, count))
        .map(|fraction| interpolate(low, high, fraction))
        .collect()
}

/// Bounds around one value, with the value between them.
fn around(value: f64) -> (f64, f64) {
    let low = (value - ALONE).min(value.next_down()).max(f64::MIN);
    let high = (value + ALONE).max(value.next_up()).min(f64::MAX);
    (low, high)
}

/// The bounds below which values are counted to fill the bins: the edges, of which the last is moved up by one double,
/// since the last bin holds it.
pub fn bin_bounds(edges: &[f64]) -> Vec<f64> {
    let mut bounds = edges.to_vec();
    if let Some(last) = bounds.last_mut() {
        *last = last.next_up();
    }
    bounds
}

/// A histogram of `count` values, of which so many are less than each of [`bin_bounds`].
pub fn histogram(edges: Vec<f64>, below: &[u64], count: u64) -> Histogram {
    let counts = below.windows(2).map(|pair| match pair {
        [low, high] => high.saturating_sub(*low),
        _ => 0,
    });
    Histogram {
        edges,
        counts: counts.collect(),
        below: below.first().copied().unwrap_or(0),
        above: below.last().map_or(0, |below| count.saturating_sub(*below)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use device_stats_domain::Finite;
    use proptest::prelude::*;

    /// Counts values between ascending edges, of which there are at least two. A bin holds its lower edge and not its upper
    /// one; the last bin holds both.
    fn count_in_bins(edges: Vec<f64>, values: impl IntoIterator<Item = f64>) -> Histogram {
        let mut below = 0;
        let mut above = 0;
        let mut counts = vec![0; edges.len().saturating_sub(1)];
        let greatest = edges.last().copied();
        let last = counts.len().saturating_sub(1);
        for value in values {
            // The edges at or below the value: none where it is below all, all where it is at the last one or above.
            let reached = edges.partition_point(|edge| *edge <= value);
            match reached.checked_sub(1) {
                None => below += 1,
                Some(_) if greatest < Some(value) => above += 1,
                Some(bin) => {
                    if let Some(count) = counts.get_mut(bin.min(last)) {
                        *count += 1;
                    }
                }
            }
        }
        Histogram { edges, counts, below, above }
    }

    /// The same from counts below bounds.
    fn from_counts(edges: Vec<f64>, values: &[f64]) -> Histogram {
        let below = |bound: &f64| values.iter().filter(|value| *value < bound).count() as u64;
        let below: Vec<u64> = bin_bounds(&edges).iter().map(below).collect();
        super::histogram(edges, &below, values.len() as u64)
    }

    fn bins(count: u32, low: Option<f64>, high: Option<f64>) -> Bins {
        let bound = |number: Option<f64>| number.map(|number| Finite::new(number).unwrap());
        Bins::new(count, bound(low), bound(high)).unwrap()
    }

    fn histogram(values: &[f64], bins: Bins) -> Histogram {
        let min = values.iter().copied().reduce(f64::min).unwrap();
        let max = values.iter().copied().reduce(f64::max).unwrap();
        let counted = count_in_bins(bin_edges(min, max, bins), values.iter().copied());
        assert_eq!(from_counts(bin_edges(min, max, bins), values), counted);
        counted
    }

    /// `numpy.histogram` of `NumPy` 2.4.6.
    #[test]
    fn what_numpy_says() {
        let primes = [2.0, 3.0, 5.0, 7.0, 11.0, 13.0, 17.0, 19.0, 23.0, 29.0];
        let Histogram { edges, counts, below, above } = histogram(&primes, bins(3, None, None));
        assert_eq!((edges, counts, below, above), (vec![2.0, 11.0, 20.0, 29.0], vec![4, 4, 2], 0, 0));
        let Histogram { edges, counts, below, above } = histogram(&primes, bins(4, Some(3.0), Some(23.0)));
        assert_eq!((edges, counts), (vec![3.0, 8.0, 13.0, 18.0, 23.0], vec![3, 1, 2, 2]));
        assert_eq!((below, above), (1, 1));
        let Histogram { edges, counts, .. } = histogram(&[7.0; 5], bins(4, None, None));
        assert_eq!((edges, counts), (vec![6.5, 6.75, 7.0, 7.25, 7.5], vec![0, 0, 5, 0]));
    }

    #[test]
    fn bounds_that_values_do_not_reach() {
        let one_sided = histogram(&[1.0, 2.0], bins(2, Some(5.0), None));
        assert_eq!((one_sided.edges, one_sided.below), (vec![4.5, 5.0, 5.5], 2));
        let one_sided = histogram(&[1.0, 2.0], bins(2, None, Some(0.0)));
        assert_eq!((one_sided.edges, one_sided.above), (vec![-0.5, 0.0, 0.5], 2));
        let one_sided = histogram(&[1.0, 2.0, 3.0], bins(2, None, Some(2.0)));
        assert_eq!(
            (one_sided.edges, one_sided.counts, one_sided.above),
            (vec![1.0, 1.5, 2.0], vec![1, 1], 1)
        );
    }

    #[test]
    fn ends_of_the_range() {
        let whole = histogram(&[f64::MIN, -1.0, 0.0, f64::MAX], bins(2, None, None));
        assert_eq!((whole.edges, whole.counts), (vec![f64::MIN, 0.0, f64::MAX], vec![2, 2]));
        for value in [f64::MIN, -1e300, -1e16, 5e-324, 0.0, 1e16, f64::MAX] {
            let alone = histogram(&[value; 3], bins(1000, None, None));
            assert!(alone.edges[0] < alone.edges[1000], "{value:e}");
            assert_eq!(alone.counts.iter().sum::<u64>(), 3, "{value:e}");
        }
        // No double lies between two neighbours: the bins between them are empty.
        let narrow = histogram(&[1.0, 1.0_f64.next_up()], bins(5, None, None));
        assert_eq!(narrow.counts.iter().sum::<u64>(), 2);
        assert_eq!(narrow.counts[4], 1);
    }

    proptest! {
        #[test]
        fn every_value_is_counted_where_the_edges_say(
            values in prop::collection::vec(
                prop_oneof![-10.0..10.0_f64, prop::num::f64::NORMAL, Just(0.0), (-4..4_i32).prop_map(f64::from)],
                1..40,
            ),
            number in 1..30_u32,
            low in prop::option::of(-5.0..0.0_f64),
            high in prop::option::of(0.5..5.0_f64),
        ) {
            let Histogram { edges, counts, below, above } = histogram(&values, bins(number, low, high));
            prop_assert_eq!(edges.len(), counts.len() + 1);
            prop_assert!(edges.is_sorted());
            let number = |holds: &dyn Fn(f64) -> bool| values.iter().filter(|value| holds(**value)).count() as u64;
            prop_assert_eq!(below, number(&|value| value < edges[0]));
            prop_assert_eq!(above, number(&|value| value > edges[counts.len()]));
            for (bin, count) in counts.iter().enumerate() {
                let last = bin + 1 == counts.len();
                let (low, high) = (edges[bin], edges[bin + 1]);
                let holds = |value| low <= value && (value < high || last && value <= high);
                prop_assert_eq!(*count, number(&holds), "bin {}", bin);
            }
        }
    }
}
