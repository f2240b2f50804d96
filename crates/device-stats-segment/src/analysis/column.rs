//! One axis of any part, whole or cut: what a search for a rank asks of it.

use std::borrow::Cow;

use device_stats_domain::Axis;

use super::cut::CutColumn;
use super::part::Part;
use crate::{DictionaryPage, Fences, Head};

/// One axis of a part.
#[derive(Debug)]
pub(super) enum Column<'p> {
    /// Of a whole segment.
    Whole(&'p Part),
    /// Of a part of one.
    Cut(CutColumn<'p>),
}

impl Column<'_> {
    pub(super) fn part(&self) -> &Part {
        match self {
            Self::Whole(part) => part,
            Self::Cut(column) => column.part,
        }
    }

    pub(super) fn segment(&self) -> usize {
        self.part().segment
    }

    fn head(&self) -> &Head {
        match self {
            Self::Whole(part) => &part.head,
            Self::Cut(column) => column.head(),
        }
    }

    /// How many readings it has.
    pub(super) fn len(&self) -> u64 {
        u64::from(self.part().len())
    }

    /// The first value of each page of the dictionary, and how many readings **of the part** lie below each page.
    pub(super) fn fences(&self, axis: Axis) -> Fences<'_> {
        let Fences { first, below } = self.head().fences(axis);
        match self {
            Self::Whole(_) => Fences { first, below },
            Self::Cut(column) => Fences { first, below: column.below() },
        }
    }

    /// For each value of a page, how many readings of the part have that value or a smaller one.
    pub(super) fn until<'d>(&self, index: usize, page: &'d DictionaryPage) -> Cow<'d, [u32]> {
        match self {
            Self::Whole(_) => Cow::Borrowed(&page.until),
            Self::Cut(column) => Cow::Owned(column.until(index, page)),
        }
    }
}
