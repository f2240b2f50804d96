//! Reads the totals of columns and the values of ranks, as many at once as the limits on memory allow.

use std::vec::IntoIter;

use device_stats_domain::RequestedStatistics;

use super::{AxisPlan, PoolPlan};
use crate::analysis::batch::{Batch, Needs};
use crate::analysis::memory_limits::MemoryLimits;
use crate::analysis::page_source::{PageCursor, Pages, ReadPages};
use crate::analysis::part::cut_column::{CutColumn, release_if_too_many};
use crate::analysis::part::part_column::PartColumn;
use crate::analysis::part::part_totals::{PartTotals, totals, totals_needs};
use crate::analysis::rank::bracket::Bracket;
use crate::analysis::rank::pool::Pool;
use crate::analysis::rank::rank_search::RankSearch;
use crate::analysis::rank::sampled_search::find_ranks;

/// Number of loaded pages after which the held codes are checked: the cache may have dropped them for these
/// pages.
const LOADED_PAGES: usize = 512;

/// Totals and values in the order of the plans.
pub(super) struct Found<'c> {
    /// The totals of each column of each axis.
    pub(super) totals: IntoIter<PartTotals<'c>>,
    /// For each quantile of each pool, the values of its lower rank and of the next rank.
    pub(super) values: IntoIter<(f64, f64)>,
}

/// Work that waits for pages.
enum Work<'c> {
    /// The totals of a column.
    Totals(&'c PartColumn<'c>),
    /// The search for a rank of a pool, and the position of its values.
    Search(Pool<'c>, RankSearch, usize),
}

/// A search for a rank, after its bracket was found.
enum StartedSearch<'c> {
    /// It waits for pages.
    Waits(RankSearch, Needs<'c>),
    /// The cache had its pages. The values of the rank and of the next one.
    Found((f64, f64)),
    /// Its pages do not fit in memory.
    TooLarge(Bracket),
}

impl<'c> Found<'c> {
    /// Reads the pages of all plans.
    #[expect(clippy::indexing_slicing, reason = "a value must not be lost")]
    pub(super) fn read<P: Pages>(
        plans: &[AxisPlan<'c>],
        wanted: &RequestedStatistics,
        limits: MemoryLimits,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let columns = || plans.iter().flat_map(|plan| plan.columns);
        let pools = || plans.iter().flat_map(AxisPlan::pools);
        let mut all_totals = Vec::with_capacity(columns().count());
        let mut values = vec![(0.0, 0.0); pools().map(|plan| plan.quantiles.len()).sum()];
        let mut run = |work: Work<'c>, read: &mut PageCursor<'_>| {
            match work {
                Work::Totals(column) => all_totals.push(totals(column, wanted, read, pages)?),
                Work::Search(pool, search, position) => {
                    values[position] = search.finish(pool, read, pages)?;
                }
            }
            Ok(())
        };
        let mut batch = Batch::new(limits.pages);
        for column in columns() {
            batch.add(Work::Totals(column), totals_needs(column, wanted), pages, &mut run)?;
        }
        let mut found_early = Vec::new();
        let mut positions = 0..;
        for PoolPlan { pool, quantiles, .. } in pools() {
            if batch.take_loaded() > LOADED_PAGES {
                release_if_too_many(columns().filter_map(PartColumn::cut), limits);
            }
            let mut too_large = Vec::new();
            let ranks = quantiles.iter().map(|quantile| quantile.lower_rank);
            for (rank, position) in ranks.zip(positions.by_ref()) {
                if batch.beside() > limits.pages / 2 {
                    batch.run_all(pages, &mut run)?;
                }
                match StartedSearch::new(*pool, rank, limits, pages)? {
                    StartedSearch::Waits(search, needs) => {
                        batch.add(Work::Search(*pool, search, position), needs, pages, &mut run)?;
                    }
                    StartedSearch::Found(values) => found_early.push((position, values)),
                    StartedSearch::TooLarge(bracket) => too_large.push((position, (rank, bracket))),
                }
            }
            if !too_large.is_empty() {
                batch.run_all(pages, &mut run)?;
                let (positions, ranks): (Vec<usize>, Vec<(u64, Bracket)>) = too_large.into_iter().unzip();
                let found = find_ranks(*pool, &ranks, limits, pages)?;
                found_early.extend(positions.into_iter().zip(found));
            }
        }
        batch.run_all(pages, &mut run)?;
        for (position, found) in found_early {
            values[position] = found;
        }
        Ok(Self { totals: all_totals.into_iter(), values: values.into_iter() })
    }
}

impl<'c> StartedSearch<'c> {
    fn new<P: Pages>(pool: Pool<'c>, rank: u64, limits: MemoryLimits, pages: &P) -> Result<Self, P::Error> {
        let mut search = RankSearch::start(pool, rank, pages)?;
        let codes = pool.released_codes();
        // Codes that were released are read for many ranks together, not for the few pages of one.
        let reads_now = codes == 0 && search.read_few_first(pool, limits.pages / 2, pages)?;
        pool.cut().for_each(CutColumn::forget_counts);
        if !reads_now && search.has_few_to_read() {
            return Ok(Self::TooLarge(search.bracket));
        }
        let requested = search.requested(pool);
        if requested.len() + search.held + codes <= limits.pages {
            let needs = Needs { beside: search.held, ..Needs::new(pool.columns, requested) };
            return Ok(Self::Waits(search, needs));
        }
        // Pages that the cache has take no further memory, but the counts of cut columns do.
        let has_many_counts = requested.len() > 4 * limits.pages && pool.cut().next().is_some();
        if codes > 0 || has_many_counts {
            return Ok(Self::TooLarge(search.bracket));
        }
        let missing_max = limits.pages.saturating_sub(search.loaded);
        let Some(read) = ReadPages::if_few_are_missing(requested, missing_max, pages)? else {
            return Ok(Self::TooLarge(search.bracket));
        };
        let values = search.finish(pool, &mut read.cursor(), pages)?;
        pool.cut().for_each(CutColumn::forget_counts);
        Ok(Self::Found(values))
    }
}
