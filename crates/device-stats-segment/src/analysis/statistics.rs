//! The statistics of several groups of readings, and of all groups together.

use std::ops::Range;

use device_stats_domain::{Axes, Axis, Percentile, RequestedStatistics, Statistics, Summary};
use device_stats_exact::{
    Fraction, Moments, QuantilePosition, Quartile, interpolate, interquartile_range, quantile_position,
};

use super::group::Group;
use super::page_source::{PageCursor, Pages, ReadPages, SegmentPage};
use super::part::part_column::{PartColumn, part_columns};
use super::part::part_totals::{PartTotals, request_totals, totals};
use super::rank::pool::{Pool, extremes};
use super::rank::rank_search::RankSearch;

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
/// Requests pages twice: pages of codes, then pages of dictionaries and sums. Segments with very different
/// distributions need a few more requests per rank. Standard deviation and root mean square need one more
/// request for each part that is not a whole segment.
///
/// # Errors
/// The errors of [`Pages::read`].
pub fn analyze<P: Pages>(
    groups: &[Group<'_>],
    wanted: &RequestedStatistics,
    pages: &P,
) -> Result<Axes<AxisAnalysis>, P::Error> {
    let [x, y, z] = analyze_axes(groups, Axis::ALL, wanted, pages)?;
    Ok(Axes { x, y, z })
}

/// Analyzes one axis like [`analyze`].
///
/// # Errors
/// The errors of [`Pages::read`].
pub fn analyze_axis<P: Pages>(
    groups: &[Group<'_>],
    axis: Axis,
    wanted: &RequestedStatistics,
    pages: &P,
) -> Result<AxisAnalysis, P::Error> {
    let [analysis] = analyze_axes(groups, [axis], wanted, pages)?;
    Ok(analysis)
}

fn analyze_axes<const AXES: usize, P: Pages>(
    groups: &[Group<'_>],
    axes: [Axis; AXES],
    wanted: &RequestedStatistics,
    pages: &P,
) -> Result<[AxisAnalysis; AXES], P::Error> {
    let columns = part_columns(groups, &axes, pages)?;
    let mut left = columns.as_slice();
    let mut requested = Vec::new();
    let plans = axes.map(|axis| {
        let columns = groups.iter().map(|group| group.columns(axis)).sum();
        let (of_axis, others) = left.split_at(columns);
        left = others;
        AxisPlan::new(groups, of_axis, axis, wanted, &mut requested, pages)
    });
    let plans = try_each(plans, |plan| plan)?;
    let read = ReadPages::new(requested, pages)?;
    let mut read = read.cursor();
    try_each(plans, |plan| plan.finish(wanted, &mut read, pages))
}

/// Maps an array until the first error.
fn try_each<T, U, E, const N: usize>(
    array: [T; N],
    mut map: impl FnMut(T) -> Result<U, E>,
) -> Result<[U; N], E> {
    let mapped = array.into_iter().map(&mut map).collect::<Result<Vec<U>, E>>()?;
    Ok(mapped.try_into().unwrap_or_else(|_| unreachable!("as many as before")))
}

/// The plan for the analysis of one axis, whose pages have been requested.
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
    /// The median, then the requested percentiles, then both quartiles if the interquartile range was
    /// requested.
    quantiles: Vec<(QuantilePosition, RankSearch)>,
}

/// A quantile at a fraction of the way between two values of neighbouring ranks.
struct Quantile {
    lower: f64,
    upper: f64,
    fraction: Fraction,
}

impl Quantile {
    fn rounded(&self) -> f64 {
        interpolate(self.lower, self.upper, self.fraction)
    }

    /// Returns the quantile as a quartile; the denominator of its fraction is 4.
    fn quartile(&self) -> Option<Quartile> {
        Quartile::new(self.lower, self.upper, self.fraction.numerator())
    }
}

impl<'c> AxisPlan<'c> {
    fn new<P: Pages>(
        groups: &[Group<'_>],
        columns: &'c [PartColumn<'c>],
        axis: Axis,
        wanted: &RequestedStatistics,
        requested: &mut Vec<SegmentPage>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        request_totals(columns, requested);
        let mut start = 0;
        let mut plans = Vec::with_capacity(groups.len());
        for group in groups {
            let range = start..start + group.columns(axis);
            start = range.end;
            plans.push(PoolPlan::new(columns, range, wanted, requested, pages)?);
        }
        let is_one = plans.iter().filter(|plan| plan.pool.count > 0).count() <= 1;
        let all = (!is_one).then(|| PoolPlan::new(columns, 0..columns.len(), wanted, requested, pages));
        Ok(Self { columns, groups: plans, all: all.transpose()? })
    }

    /// Computes the statistics from the requested pages.
    fn finish<P: Pages>(
        self,
        wanted: &RequestedStatistics,
        read: &mut PageCursor<'_>,
        pages: &P,
    ) -> Result<AxisAnalysis, P::Error> {
        let totals = totals(self.columns, wanted.needs_squares(), read, pages)?;
        let groups = self.groups.iter().map(|plan| plan.finish(&totals, wanted, read, pages));
        let groups: Vec<Option<Statistics>> = groups.collect::<Result<_, _>>()?;
        let all = match self.all {
            Some(plan) => plan.finish(&totals, wanted, read, pages)?,
            None => groups.iter().flatten().next().cloned(),
        };
        Ok(AxisAnalysis { groups, all })
    }
}

impl<'c> PoolPlan<'c> {
    #[expect(
        clippy::indexing_slicing,
        clippy::expect_used,
        reason = "a column or a percentile must not be skipped"
    )]
    fn new<P: Pages>(
        columns: &'c [PartColumn<'c>],
        range: Range<usize>,
        wanted: &RequestedStatistics,
        requested: &mut Vec<SegmentPage>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let pool = Pool::new(&columns[range.clone()]);
        let percentiles = wanted.percentiles.iter().map(|percentile| (percentile.parts(), Percentile::WHOLE));
        let of_iqr = [(1, 4), (3, 4)].into_iter().filter(|_| wanted.iqr);
        let mut quantiles = Vec::with_capacity(wanted.percentiles.len() + 3);
        for (numerator, denominator) in [(1, 2)].into_iter().chain(percentiles).chain(of_iqr) {
            let fraction = Fraction::new(numerator, denominator).expect("a percentile is at most the whole");
            // An empty pool has no quantiles.
            if let Some(position) = quantile_position(pool.count, fraction) {
                let search = RankSearch::start(pool, position.lower_rank, requested, pages)?;
                quantiles.push((position, search));
            }
        }
        Ok(Self { pool, columns: range, quantiles })
    }

    /// Computes the statistics; `totals` has all columns of the axis.
    #[expect(clippy::indexing_slicing, reason = "a column must not be skipped")]
    fn finish<P: Pages>(
        &self,
        totals: &[PartTotals<'_>],
        wanted: &RequestedStatistics,
        read: &mut PageCursor<'_>,
        pages: &P,
    ) -> Result<Option<Statistics>, P::Error> {
        let totals = &totals[self.columns.clone()];
        let Some((min, max)) = extremes(totals.iter().map(|totals| (totals.min, totals.max))) else {
            return Ok(None);
        };
        let mut quantiles = self.read_quantiles(read, pages)?;
        let [third, first] = if wanted.iqr { [quantiles.pop(), quantiles.pop()] } else { [None, None] };
        let of_iqr = first.zip(third).and_then(|(first, third)| first.quartile().zip(third.quartile()));
        let mut percentiles: Vec<f64> = quantiles.iter().map(Quantile::rounded).collect();
        let median = percentiles.remove(0);
        let moments = self.moments(totals, wanted.needs_squares());
        let summary = Summary { min, max, count: moments.count, sum: moments.sum.rounded(), median };
        let if_wanted = |is_wanted: bool, statistic: fn(&Moments) -> Option<f64>| {
            is_wanted.then(|| statistic(&moments)).flatten()
        };
        Ok(Some(Statistics {
            summary,
            percentiles,
            mean: if_wanted(wanted.mean, Moments::mean),
            stddev: if_wanted(wanted.stddev, Moments::stddev),
            rms: if_wanted(wanted.rms, Moments::rms),
            range: Some(max - min).filter(|range| wanted.range && range.is_finite()),
            iqr: of_iqr.and_then(|(first, third)| interquartile_range(first, third)),
        }))
    }

    /// Returns the quantiles of the plan, from the requested pages.
    fn read_quantiles<P: Pages>(
        &self,
        read: &mut PageCursor<'_>,
        pages: &P,
    ) -> Result<Vec<Quantile>, P::Error> {
        let found = self.quantiles.iter().map(|(position, search)| {
            let (lower, next) = search.finish(self.pool, read, pages)?;
            let upper = if position.upper_rank > position.lower_rank { next } else { lower };
            Ok(Quantile { lower, upper, fraction: position.fraction })
        });
        found.collect()
    }

    /// Adds up totals. Without `with_squares`, the sum of the squares stays zero.
    fn moments(&self, totals: &[PartTotals<'_>], with_squares: bool) -> Moments {
        let mut moments = Moments { count: self.pool.count, ..Moments::default() };
        for totals in totals {
            totals.add_sum(&mut moments.sum);
            if with_squares {
                totals.add_squares(&mut moments.squares);
            }
        }
        moments
    }
}
