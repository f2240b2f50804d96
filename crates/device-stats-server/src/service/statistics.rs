//! The statistics of one column, from its plain values.

use device_stats_domain::{Percentile, Statistics, Summary, Wanted};
use device_stats_segment::{interpolate, position, summarize};

/// The statistics that are wanted of finite values, which it leaves in another order; `None` where there is no value.
pub(super) fn statistics(values: &mut [f64], wanted: &Wanted) -> Option<Statistics> {
    let summary = summarize(values)?;
    let (mean, stddev) = if wanted.mean || wanted.stddev { moments(values, &summary) } else { (0.0, None) };
    if !wanted.percentiles.is_empty() {
        values.sort_unstable_by(f64::total_cmp);
    }
    let percentiles = wanted.percentiles.iter().map(|percentile| pick(values, *percentile));
    Some(Statistics {
        summary,
        percentiles: percentiles.collect::<Option<_>>()?,
        mean: wanted.mean.then_some(mean),
        stddev: stddev.filter(|_| wanted.stddev),
    })
}

/// A percentile of sorted values.
fn pick(sorted: &[f64], percentile: Percentile) -> Option<f64> {
    let position = position(sorted.len() as u64, percentile)?;
    let at = |rank: u64| sorted.get(usize::try_from(rank).ok()?).copied();
    Some(interpolate(at(position.below)?, at(position.above)?, position.fraction))
}

/// The mean and the sample standard deviation, in doubles.
fn moments(values: &[f64], summary: &Summary) -> (f64, Option<f64>) {
    #[expect(clippy::cast_precision_loss, reason = "a count beyond 2^53 does not fit into memory")]
    let count = summary.count as f64;
    let mean = match summary.sum {
        Some(sum) => sum / count,
        None => values.iter().map(|value| value / count).sum(),
    };
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let stddev = (squares / (count - 1.0)).sqrt();
    (mean, Some(stddev).filter(|stddev| summary.count > 1 && stddev.is_finite()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use device_stats_domain::Finite;

    fn wanted(percentiles: &[f64]) -> Wanted {
        let percentile = |number: &f64| Percentile::new(Finite::new(*number).unwrap()).unwrap();
        Wanted { percentiles: percentiles.iter().map(percentile).collect(), mean: true, stddev: true }
    }

    #[test]
    fn only_what_is_wanted() {
        let found = statistics(&mut [2.0, 1.0], &Wanted::default()).unwrap();
        assert_eq!((found.percentiles, found.mean, found.stddev), (vec![], None, None));
        assert_eq!(statistics(&mut [], &wanted(&[50.0])), None);
    }

    #[test]
    fn everything() {
        let mut values = [9.0, 2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0];
        let found = statistics(&mut values, &wanted(&[100.0, 0.0, 50.0, 90.0, 50.0])).unwrap();
        assert_eq!(found.percentiles, [9.0, 2.0, 4.5, 7.6, 4.5]);
        assert_eq!(found.percentiles[2].to_bits(), found.summary.median.to_bits());
        assert_eq!(found.mean, Some(5.0));
        assert_eq!(found.stddev, Some((32.0_f64 / 7.0).sqrt()));
    }

    #[test]
    fn one_value_and_the_top_of_the_range() {
        let one = statistics(&mut [3.5], &wanted(&[12.5])).unwrap();
        assert_eq!((one.percentiles, one.mean, one.stddev), (vec![3.5], Some(3.5), None));
        let top = statistics(&mut [f64::MAX, f64::MAX], &wanted(&[99.9])).unwrap();
        assert_eq!((top.summary.sum, top.percentiles, top.mean), (None, vec![f64::MAX], Some(f64::MAX)));
        let apart = statistics(&mut [f64::MIN, f64::MAX], &wanted(&[50.0])).unwrap();
        assert_eq!((apart.percentiles, apart.mean, apart.stddev), (vec![0.0], Some(0.0), None));
    }
}
