//! The statistics of several groups of readings, and of all groups together.

mod found;

use std::ops::Range;

use device_stats_domain::{Axes, Axis, Percentile, RequestedStatistics, Statistics, Summary};
use device_stats_exact::{
    Fraction, Moments, QuantilePosition, Quartile, interpolate, interquartile_range, quantile_position,
};

use super::group::Group;
use super::memory_limits::MemoryLimits;
use super::page_source::Pages;
use super::part::part_column::{PartColumn, part_columns};
use super::part::part_totals::PartTotals;
use super::rank::pool::{Pool, extremes};
use found::Found;

/// The statistics of one axis of several groups.
#[derive(Clone, Debug, PartialEq)]
pub struct AxisAnalysis {
    /// The statistics of each group; `None` without readings.
    pub groups: Vec<Option<Statistics>>,
    /// The statistics of all groups together; `None` without readings.
    pub all: Option<Statistics>,
}

/// Analyzes all axes: each group, and all groups together.
///
/// Requests pages twice: pages of codes, then pages of dictionaries and sums. An analysis that needs more
/// pages than fit in memory requests them in several batches. Segments with very different distributions need
/// a few more requests per rank. Standard deviation and root mean square need one more request for each part
/// that is not a whole segment.
///
/// # Errors
/// The errors of [`Pages`].
pub fn analyze<P: Pages>(
    groups: &[Group<'_>],
    wanted: &RequestedStatistics,
    limits: MemoryLimits,
    pages: &P,
) -> Result<Axes<AxisAnalysis>, P::Error> {
    let [x, y, z] = analyze_axes(groups, Axis::ALL, wanted, limits, pages)?;
    Ok(Axes { x, y, z })
}

/// Analyzes one axis like [`analyze`].
///
/// # Errors
/// The errors of [`Pages`].
pub fn analyze_axis<P: Pages>(
    groups: &[Group<'_>],
    axis: Axis,
    wanted: &RequestedStatistics,
    limits: MemoryLimits,
    pages: &P,
) -> Result<AxisAnalysis, P::Error> {
    let [analysis] = analyze_axes(groups, [axis], wanted, limits, pages)?;
    Ok(analysis)
}

fn analyze_axes<const AXES: usize, P: Pages>(
    groups: &[Group<'_>],
    axes: [Axis; AXES],
    wanted: &RequestedStatistics,
    limits: MemoryLimits,
    pages: &P,
) -> Result<[AxisAnalysis; AXES], P::Error> {
    let columns = part_columns(groups, &axes, limits, pages)?;
    let mut left = columns.as_slice();
    let plans = axes.map(|axis| {
        let columns = groups.iter().map(|group| group.columns(axis)).sum();
        let (of_axis, others) = left.split_at(columns);
        left = others;
        AxisPlan::new(groups, of_axis, axis, wanted)
    });
    let mut found = Found::read(&plans, wanted, limits, pages)?;
    Ok(plans.map(|plan| plan.finish(wanted, &mut found)))
}

/// The plan for the analysis of one axis.
struct AxisPlan<'c> {
    columns: &'c [PartColumn<'c>],
    groups: Vec<PoolPlan<'c>>,
    /// `None` if one group has all the readings.
    all: Option<PoolPlan<'c>>,
}

/// The plan for the analysis of one pool.
struct PoolPlan<'c> {
    pool: Pool<'c>,
    /// Positions of the columns of the pool in the columns of the axis.
    columns: Range<usize>,
    /// The median unless it is omitted, then the requested percentiles, then both quartiles if the
    /// interquartile range was requested. Empty without readings.
    quantiles: Vec<QuantilePosition>,
}

/// A quantile at a fraction of the way between two values of neighbouring ranks.
struct Quantile {
    lower: f64,
    upper: f64,
    fraction: Fraction,
}

impl Quantile {
    fn new(position: QuantilePosition, (lower, next): (f64, f64)) -> Self {
        let upper = if position.upper_rank > position.lower_rank { next } else { lower };
        Self { lower, upper, fraction: position.fraction }
    }

    fn rounded(&self) -> f64 {
        interpolate(self.lower, self.upper, self.fraction)
    }

    /// Returns the quantile as a quartile; the denominator of its fraction is 4.
    fn quartile(&self) -> Option<Quartile> {
        Quartile::new(self.lower, self.upper, self.fraction.numerator())
    }
}

impl<'c> AxisPlan<'c> {
    fn new(
        groups: &[Group<'_>],
        columns: &'c [PartColumn<'c>],
        axis: Axis,
        wanted: &RequestedStatistics,
    ) -> Self {
        let mut start = 0;
        let plans = groups.iter().map(|group| {
            let range = start..start + group.columns(axis);
            start = range.end;
            PoolPlan::new(columns, range, wanted)
        });
        let groups: Vec<PoolPlan<'c>> = plans.collect();
        let is_one = groups.iter().filter(|plan| plan.pool.count > 0).count() <= 1;
        let all = (!is_one).then(|| PoolPlan::new(columns, 0..columns.len(), wanted));
        Self { columns, groups, all }
    }

    fn pools(&self) -> impl Iterator<Item = &PoolPlan<'c>> {
        self.groups.iter().chain(&self.all)
    }

    /// Computes the statistics from the next totals and values.
    fn finish(self, wanted: &RequestedStatistics, found: &mut Found<'_>) -> AxisAnalysis {
        let totals: Vec<PartTotals<'_>> = found.totals.by_ref().take(self.columns.len()).collect();
        let statistics = self.pools().map(|plan| plan.finish(&totals, wanted, found));
        let mut groups: Vec<Option<Statistics>> = statistics.collect();
        let all = match self.all {
            Some(_) => groups.pop().flatten(),
            None => groups.iter().flatten().next().cloned(),
        };
        AxisAnalysis { groups, all }
    }
}

impl<'c> PoolPlan<'c> {
    #[expect(
        clippy::indexing_slicing,
        clippy::expect_used,
        reason = "a column or a percentile must not be skipped"
    )]
    fn new(columns: &'c [PartColumn<'c>], range: Range<usize>, wanted: &RequestedStatistics) -> Self {
        let pool = Pool::new(&columns[range.clone()]);
        let percentiles = wanted.percentiles.iter().map(|percentile| (percentile.parts(), Percentile::WHOLE));
        let of_iqr = [(1, 4), (3, 4)].into_iter().filter(|_| wanted.iqr);
        let median = [(1, 2)].into_iter().filter(|_| !wanted.omitted.median);
        let quantiles = median.chain(percentiles).chain(of_iqr);
        let positions = quantiles.filter_map(|(numerator, denominator)| {
            let fraction = Fraction::new(numerator, denominator).expect("a percentile is at most the whole");
            quantile_position(pool.count, fraction)
        });
        let quantiles = positions.collect();
        Self { pool, columns: range, quantiles }
    }

    /// Computes the statistics; `totals` has all columns of the axis.
    #[expect(clippy::indexing_slicing, reason = "a column must not be skipped")]
    fn finish(
        &self,
        totals: &[PartTotals<'_>],
        wanted: &RequestedStatistics,
        found: &mut Found<'_>,
    ) -> Option<Statistics> {
        let totals = &totals[self.columns.clone()];
        let (min, max) = extremes(totals.iter().map(|totals| (totals.min, totals.max)))?;
        let positions = self.quantiles.iter().copied();
        let mut quantiles: Vec<Quantile> = positions
            .zip(found.values.by_ref())
            .map(|(position, values)| Quantile::new(position, values))
            .collect();
        let [third, first] = if wanted.iqr { [quantiles.pop(), quantiles.pop()] } else { [None, None] };
        let of_iqr = first.zip(third).and_then(|(first, third)| first.quartile().zip(third.quartile()));
        let mut percentiles: Vec<f64> = quantiles.iter().map(Quantile::rounded).collect();
        let median = (!wanted.omitted.median).then(|| percentiles.remove(0));
        let moments = self.moments(totals, wanted);
        let sum = if wanted.omitted.sum { None } else { moments.sum.rounded() };
        let summary = Summary { min, max, count: moments.count, sum, median };
        let if_wanted = |is_wanted: bool, statistic: fn(&Moments) -> Option<f64>| {
            is_wanted.then(|| statistic(&moments)).flatten()
        };
        Some(Statistics {
            summary,
            percentiles,
            mean: if_wanted(wanted.mean, Moments::mean),
            stddev: if_wanted(wanted.stddev, Moments::stddev),
            rms: if_wanted(wanted.rms, Moments::rms),
            range: Some(max - min).filter(|range| wanted.range && range.is_finite()),
            iqr: of_iqr.and_then(|(first, third)| interquartile_range(first, third)),
        })
    }

    /// Adds up totals. Sums that no statistic needs stay zero.
    fn moments(&self, totals: &[PartTotals<'_>], wanted: &RequestedStatistics) -> Moments {
        let mut moments = Moments { count: self.pool.count, ..Moments::default() };
        for totals in totals {
            if wanted.needs_sum() {
                totals.add_sum(&mut moments.sum);
            }
            if wanted.needs_squares() {
                totals.add_squares(&mut moments.squares);
            }
        }
        moments
    }
}
