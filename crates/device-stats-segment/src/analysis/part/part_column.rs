//! One axis of any part, whole or cut: what a search for a rank asks of it.

use std::ops::Deref;
use std::rc::Rc;

use device_stats_domain::Axis;

use crate::analysis::page_source::{Pages, SegmentPage};
use crate::analysis::part::cut_column::{CutColumn, cut_columns};
use crate::analysis::part::{Part, PartAxis};
use crate::{Counts, DictionaryPage, Fences, PageId};

/// One axis of a part.
#[derive(Debug)]
pub(crate) enum Column<'p> {
    /// Of a whole segment.
    Whole(PartAxis<'p>),
    /// Of a part of one.
    Cut(CutColumn<'p>),
}

/// Counts of a page of the dictionary: of the whole segment, or made for a part of it.
#[derive(Clone, Debug)]
pub(crate) enum ColumnCounts<'d> {
    Whole(&'d Counts),
    Part(Rc<Counts>),
}

impl Deref for ColumnCounts<'_> {
    type Target = Counts;

    fn deref(&self) -> &Counts {
        match self {
            Self::Whole(counts) => counts,
            Self::Part(counts) => counts,
        }
    }
}

/// The columns of parts, none of which is empty. Asks once for pages, where there are not too many.
pub(crate) fn columns<'p, P: Pages>(of: &[PartAxis<'p>], pages: &P) -> Result<Vec<Column<'p>>, P::Error> {
    let cut: Vec<PartAxis<'p>> = of.iter().copied().filter(|each| !each.part.is_whole()).collect();
    let mut cut = cut_columns(&cut, pages)?.into_iter();
    let mut columns = Vec::with_capacity(of.len());
    for each in of {
        if each.part.is_whole() {
            columns.push(Column::Whole(*each));
        } else {
            columns.extend(cut.next().map(Column::Cut));
        }
    }
    Ok(columns)
}

impl<'p> Column<'p> {
    fn of(&self) -> PartAxis<'p> {
        match self {
            Self::Whole(of) => *of,
            Self::Cut(column) => column.of,
        }
    }

    pub(crate) fn part(&self) -> &'p Part {
        self.of().part
    }

    pub(crate) fn axis(&self) -> Axis {
        self.of().axis
    }

    pub(crate) fn segment(&self) -> usize {
        self.part().segment
    }

    /// How many readings it has.
    pub(crate) fn len(&self) -> u64 {
        u64::from(self.part().len())
    }

    /// The first value of each page of the dictionary, and how many readings **of the part** lie below each page.
    pub(crate) fn fences(&self) -> Fences<'_> {
        let Fences { first, below } = self.part().head.fences(self.axis());
        match self {
            Self::Whole(_) => Fences { first, below },
            Self::Cut(column) => Fences { first, below: column.below() },
        }
    }

    /// A page of the dictionary.
    pub(crate) fn dictionary_page(&self, index: u32) -> SegmentPage {
        let page = PageId { column: crate::Column::Dictionary(self.axis()), index };
        SegmentPage { segment: self.segment(), page }
    }

    /// How many readings **of the part** have the first so many values of a page.
    pub(crate) fn counts<'d>(&self, index: usize, page: &'d DictionaryPage) -> ColumnCounts<'d> {
        match self {
            Self::Whole(_) => ColumnCounts::Whole(&page.counts),
            Self::Cut(column) => ColumnCounts::Part(column.counts(index, page)),
        }
    }
}
