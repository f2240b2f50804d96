//! What is known of each part without comparing it with others: minimum, maximum, exact sums.

use std::sync::Arc;

use crate::analysis::page_source::{Pages, SegmentPage, as_dictionary};
use crate::analysis::part::cut_column::CutColumn;
use crate::analysis::part::cut_sums::{sum, want_sum};
use crate::analysis::part::part_column::Column;
use crate::{ExactSum, Fault, Page, Totals};
use device_stats_exact::ExactSquares;

/// What is known of one axis of a part.
#[derive(Debug)]
pub(crate) struct Measured<'p> {
    pub(crate) min: f64,
    pub(crate) max: f64,
    sums: Sums<'p>,
}

#[derive(Debug)]
enum Sums<'p> {
    /// A whole segment has them in its head.
    Whole(&'p Totals),
    Cut {
        sum: Box<ExactSum>,
        /// Where they were asked for.
        squares: Option<Box<ExactSquares>>,
    },
}

impl Measured<'_> {
    /// Adds the sum of its readings.
    pub(crate) fn add_sum(&self, to: &mut ExactSum) {
        match &self.sums {
            Sums::Whole(totals) => to.add_integer(&totals.sum),
            Sums::Cut { sum, .. } => to.merge(sum),
        }
    }

    /// Adds the sum of the squares of its readings, which were asked for.
    pub(crate) fn add_squares(&self, to: &mut ExactSquares) {
        match &self.sums {
            Sums::Whole(totals) => to.add_integer(&totals.squares),
            Sums::Cut { squares, .. } => squares.iter().for_each(|squares| to.merge(squares)),
        }
    }
}

/// Adds the pages that [`measure`] needs.
pub(crate) fn want_measures(columns: &[Column<'_>], wanted: &mut Vec<SegmentPage>) {
    for column in columns {
        if let Column::Cut(cut) = column {
            want_sum(cut, wanted);
            let (first, last) = cut.outer_pages();
            wanted.extend([first, last].map(|index| column.dictionary_page(index)));
        }
    }
}

/// Measures columns. The pages come in the order in which [`want_measures`] asked for them; squares ask for more.
pub(crate) fn measure<'p, 'r, P: Pages>(
    columns: &[Column<'p>],
    with_squares: bool,
    read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
    pages: &P,
) -> Result<Vec<Measured<'p>>, P::Error> {
    let mut measured = Vec::with_capacity(columns.len());
    for column in columns {
        measured.push(match column {
            Column::Whole(of) => {
                let totals = of.part.head.totals(of.axis);
                Measured { min: totals.min, max: totals.max, sums: Sums::Whole(totals) }
            }
            Column::Cut(cut) => {
                let sum = sum(cut, read, pages)?;
                let (min, max) = ends(cut, read, pages)?;
                let squares = if with_squares { Some(Box::new(squares(column, cut, pages)?)) } else { None };
                Measured { min, max, sums: Sums::Cut { sum: Box::new(sum), squares } }
            }
        });
    }
    Ok(measured)
}

/// The smallest and the greatest number of a column.
fn ends<'r, P: Pages>(
    column: &CutColumn<'_>,
    read: &mut impl Iterator<Item = (&'r SegmentPage, &'r Arc<Page>)>,
    pages: &P,
) -> Result<(f64, f64), P::Error> {
    let (first, last) = column.outer_pages();
    let segment = column.of.part.segment;
    let contradicts = || pages.fault(segment, contradiction());
    let ((_, low), (_, high)) = read.next().zip(read.next()).ok_or_else(contradicts)?;
    let (low, high) = (as_dictionary(pages, segment, low)?, as_dictionary(pages, segment, high)?);
    let (min, max) = column.outer_places((first, low), (last, high)).ok_or_else(contradicts)?;
    low.values.get(min).copied().zip(high.values.get(max).copied()).ok_or_else(contradicts)
}

/// The exact sum of the squares of a column: reads its whole dictionary.
fn squares<P: Pages>(column: &Column<'_>, cut: &CutColumn<'_>, pages: &P) -> Result<ExactSquares, P::Error> {
    let mut squares = ExactSquares::default();
    let (first, last) = cut.outer_pages();
    let wanted: Vec<_> = (first..=last).map(|index| column.dictionary_page(index)).collect();
    for (index, page) in (first..=last).zip(pages.read(&wanted)?) {
        for (number, count) in numbers(cut, index, &page, pages)? {
            squares.add_times(number, count);
        }
    }
    Ok(squares)
}

/// The numbers of a page that a column has, ascending, and how many readings of it have each.
fn numbers<'d, P: Pages>(
    column: &CutColumn<'_>,
    index: u32,
    page: &'d Arc<Page>,
    pages: &P,
) -> Result<impl Iterator<Item = (f64, u32)> + use<'d, P>, P::Error> {
    let dictionary = as_dictionary(pages, column.of.part.segment, page)?;
    let counts = column.count(index as usize, dictionary);
    let counted = (0..).zip(&dictionary.values).map(move |(place, value)| {
        let count = counts.until(place + 1).saturating_sub(counts.until(place));
        (*value, count)
    });
    Ok(counted.filter(|(_, count)| *count > 0))
}

pub(crate) fn contradiction() -> Fault {
    Fault::Inconsistent { part: "the segment".to_owned(), what: "its pages contradict its head" }
}
