//! Work in batches: the pages of as much work as fits in memory are requested together.

use std::collections::HashSet;

use super::page_source::{PageCursor, Pages, ReadPages, SegmentPage};
use super::part::cut_column::CutColumn;
use super::part::part_column::PartColumn;

/// Work that waits for its pages. Work that needs more pages than a batch may have is alone in its batch.
pub(crate) struct Batch<'c, W> {
    pages_max: usize,
    /// The pages of the waiting work, in order.
    requested: Vec<SegmentPage>,
    /// Number of further pages that the waiting work holds.
    held: usize,
    items: Vec<Item<'c, W>>,
    /// The addresses of the columns in [`Item::Codes`].
    with_codes: HashSet<*const CutColumn<'c>>,
}

enum Item<'c, W> {
    /// A cut column whose codes are read for the work that follows, and the number of their pages.
    Codes(&'c CutColumn<'c>, usize),
    /// Work on columns.
    Work(W, &'c [PartColumn<'c>]),
}

/// The needs of some work.
pub(crate) struct Needs<'c> {
    /// The columns that the work looks at.
    pub(crate) columns: &'c [PartColumn<'c>],
    /// The pages that it takes from the cursor.
    pub(crate) requested: Vec<SegmentPage>,
    /// Number of pages that it already holds.
    pub(crate) held: usize,
}

impl<'c> Needs<'c> {
    /// Returns the needs of work on columns that takes pages from the cursor.
    pub(crate) fn new(columns: &'c [PartColumn<'c>], requested: Vec<SegmentPage>) -> Self {
        Self { columns, requested, held: 0 }
    }

    /// Returns the columns whose codes have to be read again, and the pages of these codes.
    fn codes(&self) -> Vec<(&'c CutColumn<'c>, Vec<SegmentPage>)> {
        let cut = self.columns.iter().filter_map(PartColumn::cut).filter(|column| column.is_released());
        cut.map(|column| (column, column.codes_pages())).collect()
    }

    /// Returns the number of pages that the work needs at once.
    pub(crate) fn count(&self) -> usize {
        let codes: usize = self.codes().iter().map(|(_, pages)| pages.len()).sum();
        self.requested.len() + self.held + codes
    }
}

impl<'c, W> Batch<'c, W> {
    /// Creates an empty batch of up to `pages_max` pages.
    pub(crate) fn new(pages_max: usize) -> Self {
        Self { pages_max, requested: Vec::new(), held: 0, items: Vec::new(), with_codes: HashSet::new() }
    }

    /// Adds work. If its pages do not fit, first does the waiting work, by calling `run` with the pages of
    /// each.
    pub(crate) fn add<P: Pages>(
        &mut self,
        work: W,
        needs: Needs<'c>,
        pages: &P,
        run: &mut impl FnMut(W, &mut PageCursor<'_>) -> Result<(), P::Error>,
    ) -> Result<(), P::Error> {
        if self.requested.len() + self.held + needs.count() > self.pages_max {
            self.run_all(pages, run)?;
        }
        let codes = needs.codes();
        let Needs { columns, requested, held } = needs;
        for (column, pages) in codes {
            // Work before it in this batch may have asked for the same codes.
            if self.with_codes.insert(std::ptr::from_ref(column)) {
                self.items.push(Item::Codes(column, pages.len()));
                self.requested.extend(pages);
            }
        }
        self.requested.extend(requested);
        self.held += held;
        self.items.push(Item::Work(work, columns));
        Ok(())
    }

    /// Does the waiting work, in the order in which it was added.
    pub(crate) fn run_all<P: Pages>(
        &mut self,
        pages: &P,
        run: &mut impl FnMut(W, &mut PageCursor<'_>) -> Result<(), P::Error>,
    ) -> Result<(), P::Error> {
        let items = std::mem::take(&mut self.items);
        self.held = 0;
        self.with_codes.clear();
        let read = ReadPages::new(std::mem::take(&mut self.requested), pages)?;
        let mut read = read.cursor();
        let (mut borrowed, mut visited) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Codes(column, count) => {
                    column.hold(read.take(count), pages)?;
                    borrowed.push(column);
                }
                Item::Work(work, columns) => {
                    run(work, &mut read)?;
                    visited.push(columns);
                }
            }
        }
        borrowed.into_iter().for_each(CutColumn::release);
        visited.into_iter().flatten().filter_map(PartColumn::cut).for_each(CutColumn::forget_counts);
        Ok(())
    }
}
