//! The source of the pages of an analysis, and a cursor over the pages that it returned.

use std::sync::Arc;

use crate::format::fault::{Fault, Section};
use crate::format::page::{DictionaryPage, Page, PageId};

/// A page of one of the segments of an analysis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentPage {
    /// The segment, as in [`Part::segment`](super::Part::segment).
    pub segment: usize,
    /// The page.
    pub page: PageId,
}

/// Reads pages from memory, a cache or a store.
pub trait Pages {
    /// Reason why pages cannot be read.
    type Error;

    /// Returns the requested pages that a cache has, in the same order; `None` for the others. A page may be
    /// requested more than once. For a page of [`Column::CodeCounts`](crate::Column::CodeCounts), the same
    /// page of [`Column::Codes`](crate::Column::Codes) may be returned.
    ///
    /// # Errors
    /// If the analysis must not go on, for example because nobody waits for its result.
    fn cached(&self, wanted: &[SegmentPage]) -> Result<Vec<Option<Arc<Page>>>, Self::Error> {
        Ok(vec![None; wanted.len()])
    }

    /// Returns pages that the cache does not have, in the same order, decoded by
    /// [`Head::decode`](crate::Head::decode). A page may be requested more than once.
    ///
    /// # Errors
    /// If a page cannot be read or is corrupt.
    fn load(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, Self::Error>;

    /// Returns the error for a segment whose sections contradict each other.
    fn fault(&self, segment: usize, fault: Fault) -> Self::Error;
}

/// Requested pages that were read.
pub(crate) struct ReadPages {
    requested: Vec<SegmentPage>,
    read: Vec<Arc<Page>>,
    /// Number of pages that were not in memory before.
    pub(crate) loaded: usize,
}

impl ReadPages {
    /// Reads pages.
    ///
    /// # Panics
    /// If the source returns more or fewer pages than requested.
    pub(crate) fn new<P: Pages>(requested: Vec<SegmentPage>, pages: &P) -> Result<Self, P::Error> {
        let found = find_cached(&requested, pages)?;
        Self::load_missing(requested, found, pages)
    }

    /// Reads pages, unless more than `missing_max` of them have to be loaded.
    ///
    /// # Panics
    /// As [`new`](Self::new).
    pub(crate) fn if_few_are_missing<P: Pages>(
        requested: Vec<SegmentPage>,
        missing_max: usize,
        pages: &P,
    ) -> Result<Option<Self>, P::Error> {
        let found = find_cached(&requested, pages)?;
        let missing = found.iter().filter(|found| found.is_none()).count();
        if missing > missing_max { Ok(None) } else { Self::load_missing(requested, found, pages).map(Some) }
    }

    fn load_missing<P: Pages>(
        requested: Vec<SegmentPage>,
        found: Vec<Option<Arc<Page>>>,
        pages: &P,
    ) -> Result<Self, P::Error> {
        let missing = requested.iter().zip(&found).filter(|(_, found)| found.is_none());
        let missing: Vec<SegmentPage> = missing.map(|(page, _)| *page).collect();
        let loaded = if missing.is_empty() { Vec::new() } else { pages.load(&missing)? };
        assert_eq!(loaded.len(), missing.len(), "a source returns each requested page");
        let mut loaded = loaded.into_iter();
        let read = found.into_iter().filter_map(|found| found.or_else(|| loaded.next())).collect();
        Ok(Self { requested, read, loaded: missing.len() })
    }

    /// Returns the pages with their names.
    pub(crate) fn into_pages(self) -> impl Iterator<Item = (SegmentPage, Arc<Page>)> {
        self.requested.into_iter().zip(self.read)
    }

    /// Returns a cursor before the first page.
    pub(crate) fn cursor(&self) -> PageCursor<'_> {
        PageCursor { requested: &self.requested, read: &self.read }
    }
}

fn find_cached<P: Pages>(requested: &[SegmentPage], pages: &P) -> Result<Vec<Option<Arc<Page>>>, P::Error> {
    let found = pages.cached(requested)?;
    assert_eq!(found.len(), requested.len(), "a source answers for each requested page");
    Ok(found)
}

/// A cursor over pages in the order in which they were requested.
pub(crate) struct PageCursor<'r> {
    requested: &'r [SegmentPage],
    read: &'r [Arc<Page>],
}

impl<'r> PageCursor<'r> {
    /// Returns the next `count` pages and their ids.
    ///
    /// # Panics
    /// If fewer pages are left.
    pub(crate) fn take(
        &mut self,
        count: usize,
    ) -> impl ExactSizeIterator<Item = (PageId, &'r Arc<Page>)> + use<'r> {
        let (requested, others) = self.requested.split_at(count);
        let (read, other_pages) = self.read.split_at(count);
        (self.requested, self.read) = (others, other_pages);
        requested.iter().map(|requested| requested.page).zip(read)
    }

    /// Returns the next page.
    ///
    /// # Panics
    /// If none is left.
    #[expect(clippy::expect_used, reason = "documented")]
    pub(crate) fn next_page(&mut self) -> &'r Arc<Page> {
        self.take(1).next().expect("a page was requested").1
    }
}

/// Returns the page if it belongs to the expected column, else a fault.
pub(crate) fn expect_column<T, P: Pages>(pages: &P, segment: usize, page: Option<T>) -> Result<T, P::Error> {
    let reason = "a page is of another column than requested";
    page.ok_or_else(|| pages.fault(segment, Fault::Inconsistent { section: Section::Segment, reason }))
}

/// Returns the page if it belongs to a dictionary, else a fault.
pub(crate) fn expect_dictionary<'p, P: Pages>(
    pages: &P,
    segment: usize,
    page: &'p Page,
) -> Result<&'p DictionaryPage, P::Error> {
    expect_column(pages, segment, page.as_dictionary())
}

/// Returns the error for a segment whose pages contradict its head.
pub(crate) fn contradiction<P: Pages>(pages: &P, segment: usize) -> P::Error {
    let reason = "its pages contradict its head";
    pages.fault(segment, Fault::Inconsistent { section: Section::Segment, reason })
}
