//! Where an analysis gets its pages from.

use std::sync::Arc;

use crate::{CodesPage, DictionaryPage, Fault, Page, PageId, SumsPage};

/// A page of one of the segments that an analysis looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SegmentPage {
    /// The segment, as [`Part::segment`](super::Part::segment) names it.
    pub segment: usize,
    /// The page.
    pub page: PageId,
}

/// Reads pages: from memory, a cache, a store.
pub trait Pages {
    /// Why pages cannot be read.
    type Error;

    /// The pages in the order asked for, as [`Head::decode`](crate::Head::decode) makes them. The same page may be asked
    /// for more than once.
    ///
    /// # Errors
    /// Where one of them cannot be read, or is corrupt.
    fn read(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, Self::Error>;

    /// The error for a segment whose pages contradict each other.
    fn fault(&self, segment: usize, fault: Fault) -> Self::Error;
}

/// The page, if it is one of codes.
pub(crate) fn as_codes<'p, P: Pages>(
    pages: &P,
    segment: usize,
    page: &'p Page,
) -> Result<&'p CodesPage, P::Error> {
    match page {
        Page::Codes(codes) => Ok(codes),
        _ => Err(wrong(pages, segment)),
    }
}

/// The page, if it is one of a dictionary.
pub(crate) fn as_dictionary<'p, P: Pages>(
    pages: &P,
    segment: usize,
    page: &'p Page,
) -> Result<&'p DictionaryPage, P::Error> {
    match page {
        Page::Dictionary(dictionary) => Ok(dictionary),
        _ => Err(wrong(pages, segment)),
    }
}

/// The page, if it is one of sums.
pub(crate) fn as_sums<'p, P: Pages>(
    pages: &P,
    segment: usize,
    page: &'p Page,
) -> Result<&'p SumsPage, P::Error> {
    match page {
        Page::Sums(sums) => Ok(sums),
        _ => Err(wrong(pages, segment)),
    }
}

/// The page, if it is one of times or ids.
pub(crate) fn as_integers<'p, P: Pages>(
    pages: &P,
    segment: usize,
    page: &'p Page,
) -> Result<&'p [i64], P::Error> {
    match page {
        Page::Times(integers) | Page::Ids(integers) => Ok(integers),
        _ => Err(wrong(pages, segment)),
    }
}

fn wrong<P: Pages>(pages: &P, segment: usize) -> P::Error {
    pages.fault(segment, Fault::Inconsistent { part: "a page".to_owned(), what: "it is of another column" })
}
