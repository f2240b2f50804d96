//! Histograms, from the number of readings below each bound.

use std::sync::Arc;

use device_stats_domain::{Axis, Bins, Histogram};
use device_stats_exact::{OrderKey, bin_bounds, bin_edges, bin_range};

use super::batch::{Batch, Needs};
use super::group::Group;
use super::memory_limits::MemoryLimits;
use super::page_source::{PageCursor, Pages};
use super::part::part_column::{PartColumn, part_columns};
use super::part::part_totals::{extremes, request_extremes};
use super::rank::pool;
use crate::format::head::Fences;
use crate::format::page::Page;

/// Counts the readings of a group into bins; `None` without readings.
///
/// # Errors
/// The errors of [`Pages`].
///
/// # Panics
/// If `pages` returns other pages than [`Head::decode`](crate::Head::decode) makes of the segment.
#[expect(clippy::expect_used, clippy::indexing_slicing, reason = "a wrong count must not be returned")]
pub fn histogram<P: Pages>(
    group: Group<'_>,
    axis: Axis,
    bins: Bins,
    limits: MemoryLimits,
    pages: &P,
) -> Result<Option<Histogram>, P::Error> {
    let columns = part_columns(&[group], &[axis], limits, pages)?;
    let mut ends = Vec::with_capacity(columns.len());
    let mut run = |column: &PartColumn<'_>, read: &mut PageCursor<'_>| {
        ends.push(extremes(column, read, pages)?);
        Ok(())
    };
    let mut batch = Batch::new(limits.pages);
    for column in &columns {
        let mut requested = Vec::new();
        request_extremes(column, &mut requested);
        let needs = Needs::new(std::slice::from_ref(column), requested);
        batch.add(column, needs, pages, &mut run)?;
    }
    batch.run_all(pages, &mut run)?;
    let Some(ends) = pool::extremes(ends.into_iter()) else { return Ok(None) };
    let (low, high) = bin_range(ends, bins.low(), bins.high());
    let edges = bin_edges(low, high, bins.count());
    let mut below = count_below(&columns, &bin_bounds(&edges), limits, pages)?;
    below.push(columns.iter().map(PartColumn::len).sum());
    // The counts of a column ascend with the bounds: its fences ascend, and its pages count from fence to
    // fence, which decoding and the scan of a cut column check.
    let counts = below.array_windows().map(|[below, until]| until.checked_sub(*below));
    let counts: Option<Vec<u64>> = counts.collect();
    let mut counts = counts.expect("cumulative counts never descend");
    let above = counts.pop().expect("there are two edges or more");
    Ok(Some(Histogram { edges, counts, below: below[0], above }))
}

/// Returns for each bound the number of readings with a smaller number. The bounds ascend. `-0.0` is smaller
/// than `0.0`.
fn count_below<P: Pages>(
    columns: &[PartColumn<'_>],
    bounds: &[f64],
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<u64>, P::Error> {
    let mut counts: Vec<u64> = vec![0; bounds.len()];
    let mut count = |column: &PartColumn<'_>, read: &mut PageCursor<'_>| {
        let mut last: Option<(usize, &Arc<Page>)> = None;
        for (bound, count) in bounds.iter().zip(&mut counts) {
            *count += match BoundPosition::new(column, *bound) {
                BoundPosition::At(below) => u64::from(below),
                BoundPosition::InPage { index } => {
                    let page = match (last, column) {
                        (_, PartColumn::Hot(hot)) => &hot.dictionary,
                        (Some((last, page)), _) if last == index => page,
                        _ => last.insert((index, read.next_page())).1,
                    };
                    below_in_page(column, index, *bound, page, pages)?
                }
            };
        }
        Ok(())
    };
    let mut batch = Batch::new(limits.pages);
    for column in columns {
        let indexes = bounds.iter().filter_map(|bound| match BoundPosition::new(column, *bound) {
            BoundPosition::InPage { index } if !matches!(column, PartColumn::Hot(_)) => Some(index),
            _ => None,
        });
        let mut indexes: Vec<usize> = indexes.collect();
        // Adjacent bounds are often in one page.
        indexes.dedup();
        let requested = indexes.into_iter().map(|index| column.dictionary_page(index)).collect();
        batch.add(column, Needs::new(std::slice::from_ref(column), requested), pages, &mut count)?;
    }
    batch.run_all(pages, &mut count)?;
    Ok(counts)
}

/// The position of a bound in a column.
enum BoundPosition {
    /// Between two pages, with this number of readings below.
    At(u32),
    /// In a page of the dictionary.
    InPage {
        /// Index of the page.
        index: usize,
    },
}

impl BoundPosition {
    #[expect(clippy::indexing_slicing, reason = "fences have one count more than pages")]
    fn new(column: &PartColumn<'_>, bound: f64) -> Self {
        let Fences { first, below } = column.fences();
        let begun = first.partition_point(|first| first.order_key() < bound.order_key());
        match begun.checked_sub(1) {
            Some(index) if below[index] < below[begun] => Self::InPage { index },
            _ => Self::At(below[begun]),
        }
    }
}

fn below_in_page<P: Pages>(
    column: &PartColumn<'_>,
    index: usize,
    bound: f64,
    page: &Page,
    pages: &P,
) -> Result<u64, P::Error> {
    let dictionary = column.dictionary(page, pages)?;
    let smaller = dictionary.values.partition_point(|value| value.order_key() < bound.order_key());
    Ok(u64::from(column.counts(index, dictionary, pages)?.until(smaller)))
}
