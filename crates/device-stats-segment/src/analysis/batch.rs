//! Batches of work: the pages of all work in a batch are requested together, as many as fit in memory.

use std::collections::HashSet;

use super::page_source::{PageCursor, Pages, ReadPages, SegmentPage};
use super::part::cut_column::CutColumn;
use super::part::part_column::PartColumn;

/// Work that waits for its pages. Work that needs more pages than a batch may have is alone in its batch.
pub(crate) struct Batch<'c, W> {
    pages_max: usize,
    /// The pages of the waiting work, in order.
    requested: Vec<SegmentPage>,
    /// Memory that the waiting work takes beside these pages, in pages.
    beside: usize,
    items: Vec<Item<'c, W>>,
    /// The addresses of the columns in [`Item::Codes`].
    with_codes: HashSet<*const CutColumn<'c>>,
    /// Number of pages that were not in the cache.
    loaded: usize,
}

enum Item<'c, W> {
    /// A cut column whose codes are read for the work that follows, and the number of their pages.
    Codes(&'c CutColumn<'c>, usize),
    /// Work on columns.
    Work(W, &'c [PartColumn<'c>]),
}

/// The columns, pages and memory that an item of work needs.
pub(crate) struct Needs<'c> {
    /// The columns that the work looks at.
    pub(crate) columns: &'c [PartColumn<'c>],
    /// The pages that it takes from the cursor.
    pub(crate) requested: Vec<SegmentPage>,
    /// Memory that it takes beside these pages, in pages.
    pub(crate) beside: usize,
}

impl<'c> Needs<'c> {
    /// Returns the needs of work on columns that takes pages from the cursor.
    pub(crate) fn new(columns: &'c [PartColumn<'c>], requested: Vec<SegmentPage>) -> Self {
        Self { columns, requested, beside: 0 }
    }

    /// Returns the needs of work that only takes pages of codes or of a dictionary.
    pub(crate) fn of_pages(requested: Vec<SegmentPage>) -> Self {
        Self { columns: &[], requested, beside: 0 }
    }

    /// Returns the needs of work that only takes pages of times or ids, which have twice the typical size.
    pub(crate) fn of_integers(requested: Vec<SegmentPage>) -> Self {
        Self { columns: &[], beside: requested.len(), requested }
    }

    /// Returns the columns whose codes have to be read again.
    fn released(&self) -> impl Iterator<Item = &'c CutColumn<'c>> + use<'c> {
        self.columns.iter().filter_map(PartColumn::cut).filter(|column| column.is_released())
    }
}

impl<'c, W> Batch<'c, W> {
    /// Creates an empty batch of up to `pages_max` pages.
    pub(crate) fn new(pages_max: usize) -> Self {
        Self {
            pages_max,
            requested: Vec::new(),
            beside: 0,
            items: Vec::new(),
            with_codes: HashSet::new(),
            loaded: 0,
        }
    }

    /// Returns the memory that the waiting work takes beside its pages, in pages.
    pub(crate) fn beside(&self) -> usize {
        self.beside
    }

    /// Returns the number of pages that were loaded since the last call.
    pub(crate) fn take_loaded(&mut self) -> usize {
        std::mem::take(&mut self.loaded)
    }

    /// Adds work. If its pages do not fit, first does the waiting work with [`run_all`](Self::run_all).
    pub(crate) fn add<P: Pages>(
        &mut self,
        work: W,
        needs: Needs<'c>,
        pages: &P,
        run: &mut impl FnMut(W, &mut PageCursor<'_>) -> Result<(), P::Error>,
    ) -> Result<(), P::Error> {
        let is_new = |column: &&CutColumn<'c>| !self.with_codes.contains(&std::ptr::from_ref(*column));
        let codes: usize = needs.released().filter(is_new).map(CutColumn::codes_count).sum();
        let size = needs.requested.len() + needs.beside + codes;
        if self.requested.len() + self.beside + size > self.pages_max || self.items.len() >= self.pages_max {
            self.run_all(pages, run)?;
        }
        for column in needs.released() {
            if self.with_codes.insert(std::ptr::from_ref(column)) {
                let codes = column.codes_pages();
                self.items.push(Item::Codes(column, codes.len()));
                self.requested.extend(codes);
            }
        }
        self.requested.extend(needs.requested);
        self.beside += needs.beside;
        self.items.push(Item::Work(work, needs.columns));
        Ok(())
    }

    /// Does the waiting work: calls `run` with each work, in the order in which it was added.
    pub(crate) fn run_all<P: Pages>(
        &mut self,
        pages: &P,
        run: &mut impl FnMut(W, &mut PageCursor<'_>) -> Result<(), P::Error>,
    ) -> Result<(), P::Error> {
        let items = std::mem::take(&mut self.items);
        self.beside = 0;
        self.with_codes.clear();
        let read = ReadPages::new(std::mem::take(&mut self.requested), pages)?;
        self.loaded += read.loaded;
        let mut read = read.cursor();
        let (mut with_codes, mut visited) = (Vec::new(), Vec::new());
        for item in items {
            match item {
                Item::Codes(column, count) => {
                    column.hold(read.take(count), pages)?;
                    with_codes.push(column);
                }
                Item::Work(work, columns) => {
                    run(work, &mut read)?;
                    visited.push(columns);
                }
            }
        }
        with_codes.into_iter().for_each(CutColumn::release);
        visited.into_iter().flatten().filter_map(PartColumn::cut).for_each(CutColumn::forget_counts);
        Ok(())
    }
}
