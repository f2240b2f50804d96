//! Totals of single columns: minimum, maximum and exact sums.

use device_stats_domain::RequestedStatistics;
use device_stats_exact::{ExactSquares, ExactSum};

use super::cut_column::{CutColumn, dictionary_pages};
use super::cut_sums::{request_sum, sum};
use super::part_column::PartColumn;
use crate::analysis::batch::Needs;
use crate::analysis::page_source::{PageCursor, Pages, ReadPages, SegmentPage, expect_dictionary};
use crate::format::head::Totals;

/// The totals of a column.
#[derive(Debug)]
pub(crate) struct PartTotals<'p> {
    pub(crate) min: f64,
    pub(crate) max: f64,
    sums: PartSums<'p>,
}

/// The exact sums of a column.
#[derive(Debug)]
enum PartSums<'p> {
    /// The sums in the head of a whole segment.
    Head(&'p Totals),
    /// Computed sums.
    Computed {
        /// `None` if no statistic needs it.
        sum: Option<Box<ExactSum>>,
        /// `Some` if squares were requested.
        squares: Option<ExactSquares>,
    },
}

impl PartTotals<'_> {
    /// Adds the sum of the readings.
    ///
    /// # Panics
    /// If the totals were computed without the sum.
    #[expect(clippy::expect_used, reason = "documented")]
    pub(crate) fn add_sum(&self, to: &mut ExactSum) {
        match &self.sums {
            PartSums::Head(totals) => to.add_integer(&totals.sum),
            PartSums::Computed { sum, .. } => to.merge(sum.as_ref().expect("the sum was requested")),
        }
    }

    /// Adds the sum of the squares of the readings.
    ///
    /// # Panics
    /// If the totals were computed without squares.
    #[expect(clippy::expect_used, reason = "documented")]
    pub(crate) fn add_squares(&self, to: &mut ExactSquares) {
        match &self.sums {
            PartSums::Head(totals) => to.add_integer(&totals.squares),
            PartSums::Computed { squares, .. } => to.merge(squares.as_ref().expect("squares were requested")),
        }
    }
}

/// Returns the needs of [`totals`].
pub(crate) fn totals_needs<'c>(column: &'c PartColumn<'c>, wanted: &RequestedStatistics) -> Needs<'c> {
    let mut needs = Needs::new(std::slice::from_ref(column), Vec::new());
    if wanted.needs_sum()
        && let PartColumn::Cut(cut) = column
    {
        needs.beside = request_sum(cut.part_axis, &cut.edges, &mut needs.requested);
    }
    request_extremes(column, &mut needs.requested);
    needs
}

/// Returns the totals of a column, from the pages that it [needs](totals_needs). Computing squares
/// requests more pages.
pub(crate) fn totals<'p, P: Pages>(
    column: &'p PartColumn<'p>,
    wanted: &RequestedStatistics,
    read: &mut PageCursor<'_>,
    pages: &P,
) -> Result<PartTotals<'p>, P::Error> {
    let sums = match column {
        PartColumn::Whole(part_axis) => PartSums::Head(part_axis.part.head.totals(part_axis.axis)),
        PartColumn::Cut(cut) => {
            let sum = if wanted.needs_sum() {
                Some(Box::new(sum(cut.part_axis, &cut.edges, read, pages)?))
            } else {
                None
            };
            let squares = if wanted.needs_squares() { Some(squares(cut, pages)?) } else { None };
            PartSums::Computed { sum, squares }
        }
        PartColumn::Hot(hot) => {
            let squares = wanted.needs_squares().then(|| {
                let mut squares = ExactSquares::default();
                hot.numbers.iter().for_each(|number| squares.add(*number));
                squares
            });
            let sum = wanted.needs_sum().then(|| Box::new(hot.numbers.iter().copied().collect()));
            PartSums::Computed { sum, squares }
        }
    };
    let (min, max) = extremes(column, read, pages)?;
    Ok(PartTotals { min, max, sums })
}

/// Requests the pages for [`extremes`].
pub(crate) fn request_extremes(column: &PartColumn<'_>, requested: &mut Vec<SegmentPage>) {
    if let PartColumn::Cut(cut) = column {
        requested.extend(cut.outer_pages().map(|index| column.dictionary_page(index)));
    }
}

/// Returns the smallest and the largest value of a column, from the pages of [`request_extremes`].
pub(crate) fn extremes<P: Pages>(
    column: &PartColumn<'_>,
    read: &mut PageCursor<'_>,
    pages: &P,
) -> Result<(f64, f64), P::Error> {
    match column {
        PartColumn::Whole(part_axis) => {
            let totals = part_axis.part.head.totals(part_axis.axis);
            Ok((totals.min, totals.max))
        }
        PartColumn::Cut(cut) => {
            let segment = cut.part_axis.part.segment;
            let low = expect_dictionary(pages, segment, read.next_page())?;
            let high = expect_dictionary(pages, segment, read.next_page())?;
            cut.extremes([low, high], pages)
        }
        PartColumn::Hot(hot) => Ok(hot.extremes()),
    }
}

/// Number of pages of a dictionary that are requested at once for sums of squares.
const SQUARES_PAGES: usize = 128;

/// Returns the exact sum of the squares of a cut column. Reads its whole dictionary.
fn squares<P: Pages>(column: &CutColumn<'_>, pages: &P) -> Result<ExactSquares, P::Error> {
    let mut squares = ExactSquares::default();
    for requested in dictionary_pages(column).chunks(SQUARES_PAGES) {
        let read = ReadPages::new(requested.to_vec(), pages)?;
        for (id, page) in read.cursor().take(requested.len()) {
            let dictionary = expect_dictionary(pages, column.part_axis.part.segment, page)?;
            let counts = column.counts(id.index as usize, dictionary, pages)?;
            for (position, value) in dictionary.values.iter().enumerate() {
                let count = counts.at(position);
                if count > 0 {
                    squares.add_times(*value, count);
                }
            }
        }
    }
    Ok(squares)
}
