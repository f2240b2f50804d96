//! What is known of each part without comparing it with others: minimum, maximum, exact sums.

use std::sync::Arc;

use device_stats_domain::Axis;

use super::column::Column;
use super::cut::{CutColumn, cut_columns};
use super::pages::{Pages, SegmentPage, as_dictionary};
use super::part::Part;
use super::sums::sums;
use crate::exact_squares::ExactSquares;
use crate::{ExactSum, Fault, Page, PageId};

/// One axis of a part, and what is known of it.
#[derive(Debug)]
pub(super) struct Measured<'p> {
    pub(super) column: Column<'p>,
    pub(super) min: f64,
    pub(super) max: f64,
    /// Of a cut part; a whole one has them in its head.
    cut_sum: ExactSum,
    cut_squares: ExactSquares,
}

impl Measured<'_> {
    /// Adds the sum of its readings.
    pub(super) fn add_sum(&self, axis: Axis, sum: &mut ExactSum) {
        match &self.column {
            Column::Whole(part) => sum.add_integer(&part.head.totals(axis).sum),
            Column::Cut(_) => sum.merge(&self.cut_sum),
        }
    }

    /// Adds the sum of the squares of its readings, which were asked for.
    pub(super) fn add_squares(&self, axis: Axis, squares: &mut ExactSquares) {
        match &self.column {
            Column::Whole(part) => squares.add_integer(&part.head.totals(axis).squares),
            Column::Cut(_) => squares.merge(&self.cut_squares),
        }
    }
}

/// Measures parts, none of which is empty. Asks twice for pages: for those by time, then for those by value.
pub(super) fn measure<'p, P: Pages>(
    parts: &[&'p Part],
    axis: Axis,
    with_squares: bool,
    pages: &P,
) -> Result<Vec<Measured<'p>>, P::Error> {
    let cut: Vec<&Part> = parts.iter().copied().filter(|part| !part.is_whole()).collect();
    let columns = cut_columns(&cut, axis, pages)?;
    let edged: Vec<_> = columns.iter().map(|column| (column.part, column.edges.as_slice())).collect();
    let sums = sums(&edged, axis, pages)?;
    let ends = ends(&columns, axis, pages)?;
    let mut cut = columns.into_iter().zip(sums).zip(ends);
    let mut measured = Vec::with_capacity(parts.len());
    for part in parts {
        if part.is_whole() {
            let totals = part.head.totals(axis);
            let column = Column::Whole(part);
            let (cut_sum, cut_squares) = (ExactSum::default(), ExactSquares::default());
            measured.push(Measured { column, min: totals.min, max: totals.max, cut_sum, cut_squares });
        } else if let Some(((column, cut_sum), (min, max))) = cut.next() {
            let cut_squares =
                if with_squares { squares(&column, axis, pages)? } else { ExactSquares::default() };
            measured.push(Measured { column: Column::Cut(column), min, max, cut_sum, cut_squares });
        }
    }
    Ok(measured)
}

/// The smallest and the greatest number of each column.
fn ends<P: Pages>(columns: &[CutColumn<'_>], axis: Axis, pages: &P) -> Result<Vec<(f64, f64)>, P::Error> {
    let mut wanted = Vec::with_capacity(columns.len() * 2);
    for column in columns {
        let segment = column.part.segment;
        let (first, last) = column.outer_pages();
        wanted.extend([first, last].map(|index| SegmentPage { segment, page: dictionary_page(axis, index) }));
    }
    let read = pages.read(&wanted)?;
    let mut ends = Vec::with_capacity(columns.len());
    for (column, pair) in columns.iter().zip(read.chunks(2)) {
        let (first, last) = column.outer_pages();
        let [low, high] = pair else { continue };
        let min = numbers(column, first, low, pages)?.next();
        let max = numbers(column, last, high, pages)?.last();
        match min.zip(max) {
            Some(((min, _), (max, _))) => ends.push((min, max)),
            None => return Err(pages.fault(column.part.segment, contradiction())),
        }
    }
    Ok(ends)
}

/// The exact sum of the squares of a column: reads its whole dictionary.
fn squares<P: Pages>(column: &CutColumn<'_>, axis: Axis, pages: &P) -> Result<ExactSquares, P::Error> {
    let mut squares = ExactSquares::default();
    let segment = column.part.segment;
    let (first, last) = column.outer_pages();
    let wanted: Vec<_> =
        (first..=last).map(|index| SegmentPage { segment, page: dictionary_page(axis, index) }).collect();
    for (index, page) in (first..=last).zip(pages.read(&wanted)?) {
        for (number, count) in numbers(column, index, &page, pages)? {
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
    let dictionary = as_dictionary(pages, column.part.segment, page)?;
    let mut before = column.below().get(index as usize).copied().unwrap_or(0);
    let counted = column.until(index as usize, dictionary).into_iter().map(move |until| {
        let count = until.saturating_sub(before);
        before = until;
        count
    });
    Ok(dictionary.values.iter().copied().zip(counted).filter(|(_, count)| *count > 0))
}

pub(super) fn dictionary_page(axis: Axis, index: u32) -> PageId {
    PageId { column: crate::Column::Dictionary(axis), index }
}

pub(super) fn contradiction() -> Fault {
    Fault::Inconsistent { part: "the segment".to_owned(), what: "its pages contradict its head" }
}
