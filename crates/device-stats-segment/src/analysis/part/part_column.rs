//! The columns of a search: one axis of any part, whole or cut, or of hot readings.

use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use device_stats_domain::Axis;
use device_stats_exact::{OrderKey, double_from_key};

use super::PartAxis;
use super::cut_column::{CutColumn, cut_columns};
use crate::analysis::group::Group;
use crate::analysis::memory_limits::MemoryLimits;
use crate::analysis::page_source::{Pages, SegmentPage, expect_dictionary};
use crate::format::cumulative_counts::CumulativeCounts;
use crate::format::head::Fences;
use crate::format::page::{Column, DictionaryPage, Page};
use crate::format::page_layout::count_u32;

/// A sorted column of values.
#[derive(Debug)]
pub(crate) enum PartColumn<'p> {
    /// One axis of a whole segment.
    Whole(PartAxis<'p>),
    /// One axis of a part of a segment.
    Cut(CutColumn<'p>),
    /// One axis of hot readings.
    Hot(HotColumn<'p>),
}

/// One axis of the hot readings, as a dictionary of one page, which is in memory. There is at least one hot
/// reading.
#[derive(Debug)]
pub(crate) struct HotColumn<'h> {
    /// The values in the order of the readings.
    pub(crate) numbers: &'h [f64],
    first: [f64; 1],
    below: [u32; 2],
    pub(crate) dictionary: Arc<Page>,
}

/// The cumulative counts of a page of a dictionary: of the whole segment, or of a part of it.
#[derive(Clone, Debug)]
pub(crate) enum PageCounts<'d> {
    /// The counts in the page.
    Whole(&'d CumulativeCounts),
    /// Counts computed for the part.
    Part(Rc<CumulativeCounts>),
}

impl Deref for PageCounts<'_> {
    type Target = CumulativeCounts;

    #[inline]
    fn deref(&self) -> &CumulativeCounts {
        match self {
            Self::Whole(counts) => counts,
            Self::Part(counts) => counts,
        }
    }
}

/// Returns the columns of all groups, ordered by axis, then by group. Requests all pages at once, unless
/// there are too many.
pub(crate) fn part_columns<'g, P: Pages>(
    groups: &[Group<'g>],
    axes: &[Axis],
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<PartColumn<'g>>, P::Error> {
    let parts = axes.iter().flat_map(|axis| {
        groups.iter().flat_map(|group| group.parts).map(|part| PartAxis { part, axis: *axis })
    });
    let cut: Vec<PartAxis<'g>> = parts.filter(|part_axis| !part_axis.part.is_whole()).collect();
    let mut cut = cut_columns(&cut, limits, pages)?.into_iter();
    let mut columns = Vec::new();
    for axis in axes {
        for group in groups {
            for part in group.parts {
                if part.is_whole() {
                    columns.push(PartColumn::Whole(PartAxis { part, axis: *axis }));
                } else {
                    columns.extend(cut.next().map(PartColumn::Cut));
                }
            }
            columns.extend(HotColumn::new(group.hot.get(*axis)).map(PartColumn::Hot));
        }
    }
    Ok(columns)
}

impl<'p> PartColumn<'p> {
    fn part_axis(&self) -> Option<PartAxis<'p>> {
        match self {
            Self::Whole(part_axis) => Some(*part_axis),
            Self::Cut(column) => Some(column.part_axis),
            Self::Hot(_) => None,
        }
    }

    /// Returns the column, if it is cut.
    pub(crate) fn cut(&self) -> Option<&CutColumn<'p>> {
        if let Self::Cut(column) = self { Some(column) } else { None }
    }

    /// Returns the number of the segment; `None` for hot readings.
    pub(crate) fn segment(&self) -> Option<usize> {
        Some(self.part_axis()?.part.segment)
    }

    /// Returns the number of readings.
    #[expect(clippy::expect_used, reason = "fences end with the number of readings")]
    pub(crate) fn len(&self) -> u64 {
        u64::from(*self.fences().below.last().expect("fences have a count"))
    }

    /// Returns the first value of each page of the dictionary, and the number of readings **of the part**
    /// below each page.
    pub(crate) fn fences(&self) -> Fences<'_> {
        match self {
            Self::Whole(PartAxis { part, axis }) => part.head.fences(*axis),
            Self::Cut(column) => column.fences(),
            Self::Hot(column) => Fences { first: &column.first, below: &column.below },
        }
    }

    /// Returns a page of the dictionary of a segment.
    ///
    /// # Panics
    /// For hot readings, whose dictionary is in memory.
    pub(crate) fn dictionary_page(&self, index: usize) -> SegmentPage {
        let Some(PartAxis { part, axis }) = self.part_axis() else {
            unreachable!("hot readings have no pages")
        };
        part.page(Column::Dictionary(axis), count_u32(index))
    }

    /// Returns the contents of a page of the dictionary; a fault if the page belongs to another column.
    pub(crate) fn dictionary<'d, P: Pages>(
        &self,
        page: &'d Page,
        pages: &P,
    ) -> Result<&'d DictionaryPage, P::Error> {
        match (page.as_dictionary(), self.segment()) {
            (Some(dictionary), _) => Ok(dictionary),
            (None, Some(segment)) => expect_dictionary(pages, segment, page),
            (None, None) => unreachable!("hot readings are a dictionary"),
        }
    }

    /// Returns the cumulative counts of the readings **of the part** in a page.
    pub(crate) fn counts<'d, P: Pages>(
        &self,
        index: usize,
        page: &'d DictionaryPage,
        pages: &P,
    ) -> Result<PageCounts<'d>, P::Error> {
        Ok(match self {
            Self::Whole(_) | Self::Hot(_) => PageCounts::Whole(&page.counts),
            Self::Cut(column) => PageCounts::Part(column.cached_counts(index, page, pages)?),
        })
    }
}

impl<'h> HotColumn<'h> {
    /// Sorts the values; `None` without readings.
    fn new(numbers: &'h [f64]) -> Option<Self> {
        let mut keys: Vec<u64> = numbers.iter().map(|number| number.order_key()).collect();
        keys.sort_unstable();
        let first = double_from_key(*keys.first()?);
        let (mut values, mut until) = (Vec::with_capacity(keys.len()), Vec::with_capacity(keys.len()));
        let mut readings = 0;
        for equal in keys.chunk_by(|left, right| left == right) {
            readings += count_u32(equal.len());
            values.extend(equal.first().copied().map(double_from_key));
            until.push(readings);
        }
        let counts = CumulativeCounts::new(0, until);
        let dictionary = Arc::new(Page::Dictionary(DictionaryPage { values: values.into(), counts }));
        Some(Self { numbers, first: [first], below: [0, readings], dictionary })
    }

    /// Returns the smallest and the largest value.
    #[expect(clippy::expect_used, reason = "there is at least one reading")]
    pub(crate) fn extremes(&self) -> (f64, f64) {
        let values = &self.dictionary.as_dictionary().expect("made as a dictionary").values;
        (self.first[0], *values.last().expect("a hot column has a value"))
    }
}
