//! From what the engine finds on an axis to the statistics that are wanted.

use device_stats_domain::{Percentile, Statistics, Wanted};
use device_stats_segment::analysis::AxisStatistics;
use device_stats_segment::{interpolate, position};

/// The ranks that the percentiles lie at or right above, of that many values.
pub(crate) fn ranks(count: u64, wanted: &Wanted) -> Vec<u64> {
    let positions = wanted.percentiles.iter().filter_map(|percentile| position(count, *percentile));
    positions.map(|position| position.below).collect()
}

/// The statistics that are wanted, from what was found for [`ranks`].
pub(crate) fn statistics(found: AxisStatistics, wanted: &Wanted) -> Statistics {
    let AxisStatistics { summary, ranked, moments } = found;
    let percentiles = wanted.percentiles.iter().zip(ranked);
    let percentiles =
        percentiles.filter_map(|(percentile, neighbours)| pick(summary.count, *percentile, neighbours));
    let moments = moments.as_ref();
    Statistics {
        summary,
        percentiles: percentiles.collect(),
        mean: moments.filter(|_| wanted.mean).and_then(|moments| moments.mean()),
        stddev: moments.filter(|_| wanted.stddev).and_then(|moments| moments.stddev()),
    }
}

/// A percentile of `count` values, from the value of its rank and the next one.
fn pick(count: u64, percentile: Percentile, (below, next): (f64, f64)) -> Option<f64> {
    let position = position(count, percentile)?;
    let above = if position.above > position.below { next } else { below };
    Some(interpolate(below, above, position.fraction))
}
