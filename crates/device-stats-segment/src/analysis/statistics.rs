//! The statistics of one axis: of several groups of parts and plain readings, and of all of them together.

use std::ops::Range;
use std::sync::Arc;

use device_stats_domain::{Axes, Axis, Summary};

use crate::analysis::page_source::{Pages, SegmentPage};
use crate::analysis::part::part_column::{Column, columns};
use crate::analysis::part::part_totals::{Measured, measure, want_measures};
use crate::analysis::part::{Part, PartAxis};
use crate::analysis::rank::pool::Pool;
use crate::analysis::rank::rank_search::Search;
use crate::format::page_layout::each;
use crate::{Moments, Page};

/// Readings that have statistics of their own: those of a device.
#[derive(Clone, Copy, Debug)]
pub struct Group<'g> {
    /// Those in segments; none of the parts is empty.
    pub parts: &'g [Part],
    /// The others: their numbers, finite, in any order.
    pub hot: &'g Axes<Vec<f64>>,
}

/// What is wanted besides the summary.
#[derive(Clone, Copy)]
pub struct Ask<'a> {
    /// For a group of so many readings, the ranks that are wanted: from 0 up, below that number.
    pub ranks: &'a (dyn Fn(u64) -> Vec<u64> + Sync),
    /// Whether the exact sums are wanted from which mean and standard deviation are computed.
    pub moments: bool,
}

impl Ask<'_> {
    /// Nothing besides the summary.
    pub const SUMMARY: Self = Ask { ranks: &|_| Vec::new(), moments: false };
}

/// The statistics of one axis of a group.
#[derive(Clone, Debug)]
pub struct AxisStatistics {
    /// The five statistics.
    pub summary: Summary,
    /// For each rank asked for, the number of that rank and of the next one; of the last rank twice the last number.
    pub ranked: Vec<(f64, f64)>,
    /// The exact sums, where asked for.
    pub moments: Option<Box<Moments>>,
}

/// The statistics of one axis of several groups.
#[derive(Clone, Debug)]
pub struct AxisAnalysis {
    /// Of each group; `None` where it has no reading.
    pub groups: Vec<Option<AxisStatistics>>,
    /// Of all groups in one pool; `None` where there is no reading at all.
    pub all: Option<AxisStatistics>,
}

/// Computes the statistics of all axes: of each group, and of all groups together. Asks for pages twice: for those by time,
/// then for those by value; a few times more for each rank among segments that are unlike, and moments for each part that is
/// not a whole segment.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn analyze<P: Pages>(
    groups: &[Group<'_>],
    ask: Ask<'_>,
    pages: &P,
) -> Result<Axes<AxisAnalysis>, P::Error> {
    let all: Vec<PartAxis<'_>> = Axis::ALL.into_iter().flat_map(|axis| parts(groups, axis)).collect();
    let columns = columns(&all, pages)?;
    let mut left = columns.as_slice();
    let mut wanted = Vec::new();
    let Axes { x, y, z } = each(|axis| {
        let (own, others) = left.split_at_checked(columns.len() / Axis::ALL.len()).unwrap_or_default();
        left = others;
        Plan::of(groups, own, axis, ask, &mut wanted, pages)
    });
    let (x, y, z) = (x?, y?, z?);
    let read = pages.read(&wanted)?;
    let read = &mut wanted.iter().zip(&read);
    Ok(Axes {
        x: x.analyze(ask, read, pages)?,
        y: y.analyze(ask, read, pages)?,
        z: z.analyze(ask, read, pages)?,
    })
}

/// As [`analyze`], but of one axis only.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn analyze_axis<P: Pages>(
    groups: &[Group<'_>],
    axis: Axis,
    ask: Ask<'_>,
    pages: &P,
) -> Result<AxisAnalysis, P::Error> {
    let columns = columns(&parts(groups, axis).collect::<Vec<_>>(), pages)?;
    let mut wanted = Vec::new();
    let plan = Plan::of(groups, &columns, axis, ask, &mut wanted, pages)?;
    let read = pages.read(&wanted)?;
    plan.analyze(ask, &mut wanted.iter().zip(&read), pages)
}

fn parts<'g>(groups: &'g [Group<'_>], axis: Axis) -> impl Iterator<Item = PartAxis<'g>> {
    groups.iter().flat_map(|group| group.parts).map(move |part| PartAxis { part, axis })
}

/// The pools of one axis.
struct Plan<'c> {
    columns: &'c [Column<'c>],
    groups: Vec<Planned<'c>>,
    /// Nothing where one group has all the readings.
    all: Option<Planned<'c>>,
}

/// A pool, and where its ranks are looked for.
struct Planned<'c> {
    pool: Pool<'c>,
    /// Which of the columns of the axis it has.
    columns: Range<usize>,
    searches: Vec<Search>,
}

impl<'c> Plan<'c> {
    /// Adds the pages that are needed to `wanted`.
    fn of<P: Pages>(
        groups: &[Group<'c>],
        columns: &'c [Column<'c>],
        axis: Axis,
        ask: Ask<'_>,
        wanted: &mut Vec<SegmentPage>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        want_measures(columns, wanted);
        let mut start = 0;
        let mut planned = Vec::with_capacity(groups.len());
        for group in groups {
            let range = start..start + group.parts.len();
            start = range.end;
            planned.push(Planned::of(columns, range, vec![group.hot.get(axis)], ask, wanted, pages)?);
        }
        let is_one = planned.iter().filter(|planned| planned.pool.count > 0).count() <= 1;
        let hot = groups.iter().map(|group| group.hot.get(axis).as_slice()).collect();
        let all = (!is_one).then(|| Planned::of(columns, 0..columns.len(), hot, ask, wanted, pages));
        Ok(Self { columns, groups: planned, all: all.transpose()? })
    }

    /// The pages come in the order asked for.
    fn analyze<'r, P: Pages>(
        self,
        ask: Ask<'_>,
        read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<AxisAnalysis, P::Error> {
        let measured = measure(self.columns, ask.moments, read, pages)?;
        let groups = self.groups.iter().map(|planned| planned.analyze(&measured, ask, read, pages));
        let groups: Vec<Option<AxisStatistics>> = groups.collect::<Result<_, _>>()?;
        let all = match self.all {
            Some(planned) => planned.analyze(&measured, ask, read, pages)?,
            None => groups.iter().flatten().next().cloned(),
        };
        Ok(AxisAnalysis { groups, all })
    }
}

impl<'c> Planned<'c> {
    fn of<P: Pages>(
        columns: &'c [Column<'c>],
        range: Range<usize>,
        hot: Vec<&'c [f64]>,
        ask: Ask<'_>,
        wanted: &mut Vec<SegmentPage>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let pool = Pool::of(columns.get(range.clone()).unwrap_or_default(), hot);
        let mut ranks = Vec::new();
        if let Some(last) = pool.count.checked_sub(1) {
            ranks.push(last / 2);
            ranks.extend((ask.ranks)(pool.count));
        }
        let searches = ranks.iter().map(|rank| Search::start(&pool, *rank, wanted, pages));
        let searches = searches.collect::<Result<_, _>>()?;
        Ok(Self { pool, columns: range, searches })
    }

    /// `measured` are all columns of the axis.
    fn analyze<'r, P: Pages>(
        &self,
        measured: &[Measured<'_>],
        ask: Ask<'_>,
        read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
        pages: &P,
    ) -> Result<Option<AxisStatistics>, P::Error> {
        let mut found = Vec::with_capacity(self.searches.len());
        for search in &self.searches {
            found.push(search.find(&self.pool, read, pages)?);
        }
        let measured = measured.get(self.columns.clone()).unwrap_or_default();
        Ok(statistics(&self.pool, measured, ask.moments, found))
    }
}

/// `found` has the median first, then the ranks asked for; it is empty where the pool is.
fn statistics(
    pool: &Pool<'_>,
    measured: &[Measured<'_>],
    with_moments: bool,
    mut found: Vec<(f64, f64)>,
) -> Option<AxisStatistics> {
    let (lower, upper) = found.first().copied()?;
    let ranked = found.split_off(1);
    let (min, max) = pool.ends(measured);
    let sum = pool.sum(measured);
    // Neither overflows at the top of the range nor loses bits at its bottom, as a / 2 + b / 2 does.
    let median = if pool.count.is_multiple_of(2) { lower.midpoint(upper) } else { lower };
    let summary = Summary { min, max, count: pool.count, sum: sum.rounded(), median };
    let squares = with_moments.then(|| pool.squares(measured));
    let moments = squares.map(|squares| Box::new(Moments { count: pool.count, sum, squares }));
    Some(AxisStatistics { summary, ranked, moments })
}
