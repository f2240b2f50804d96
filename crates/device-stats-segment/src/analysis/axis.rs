//! The statistics of one axis: of several groups of parts and plain readings, and of all of them together.

use std::sync::Arc;

use device_stats_domain::{Axis, Summary};

use super::measure::measure;
use super::pages::Pages;
use super::part::Part;
use super::pool::Pool;
use crate::{Moments, Page};

/// Readings that have statistics of their own: those of a device.
#[derive(Clone, Copy, Debug)]
pub struct Group<'g> {
    /// Those in segments; none of the parts is empty.
    pub parts: &'g [Part],
    /// The others: their numbers on the axis, finite, in any order.
    pub hot: &'g [f64],
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

/// Computes the statistics of one axis of each group, and of all together.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn analyze<P: Pages>(
    groups: &[Group<'_>],
    axis: Axis,
    ask: Ask<'_>,
    pages: &P,
) -> Result<AxisAnalysis, P::Error> {
    let parts: Vec<&Part> = groups.iter().flat_map(|group| group.parts).collect();
    let measured = measure(&parts, axis, ask.moments, pages)?;
    let mut columns = measured.iter();
    let mut pools: Vec<Pool<'_>> = groups
        .iter()
        .map(|group| Pool::of(columns.by_ref().take(group.parts.len()), vec![group.hot]))
        .collect();
    // With one group, or only one that has readings, its statistics are those of all.
    let is_one = pools.iter().filter(|pool| pool.count > 0).count() <= 1;
    if !is_one {
        pools.push(Pool::of(measured.iter(), groups.iter().map(|group| group.hot).collect()));
    }
    let mut groups = describe(&pools, axis, ask, pages)?;
    let all = if is_one { groups.iter().flatten().next().cloned() } else { groups.pop().flatten() };
    Ok(AxisAnalysis { groups, all })
}

/// The statistics of each pool; all pages are asked for at once.
fn describe<P: Pages>(
    pools: &[Pool<'_>],
    axis: Axis,
    ask: Ask<'_>,
    pages: &P,
) -> Result<Vec<Option<AxisStatistics>>, P::Error> {
    let mut wanted = Vec::new();
    let mut searches = Vec::with_capacity(pools.len());
    for pool in pools {
        let mut ranks = Vec::new();
        if let Some(last) = pool.count.checked_sub(1) {
            ranks.push(last / 2);
            ranks.extend((ask.ranks)(pool.count));
        }
        searches.push(pool.enclose(axis, &ranks, &mut wanted));
    }
    let read: Vec<Arc<Page>> = pages.read(&wanted)?;
    let mut read = read.iter();
    let mut described = Vec::with_capacity(pools.len());
    for (pool, searches) in pools.iter().zip(searches) {
        let mut found = Vec::with_capacity(searches.len());
        for search in &searches {
            found.push(pool.find(axis, search, &mut read, pages)?);
        }
        described.push(statistics(pool, axis, ask, found));
    }
    Ok(described)
}

/// `found` has the median first, then the ranks asked for; it is empty where the pool is.
fn statistics(
    pool: &Pool<'_>,
    axis: Axis,
    ask: Ask<'_>,
    mut found: Vec<(f64, f64)>,
) -> Option<AxisStatistics> {
    let (lower, upper) = found.first().copied()?;
    let ranked = found.split_off(1);
    let (min, max) = pool.ends();
    let sum = pool.sum(axis);
    // Neither overflows at the top of the range nor loses bits at its bottom, as a / 2 + b / 2 does.
    let median = if pool.count.is_multiple_of(2) { lower.midpoint(upper) } else { lower };
    let summary = Summary { min, max, count: pool.count, sum: sum.rounded(), median };
    let squares = ask.moments.then(|| pool.squares(axis));
    let moments = squares.map(|squares| Box::new(Moments { count: pool.count, sum, squares }));
    Some(AxisStatistics { summary, ranked, moments })
}
