//! The newest readings of a window, for a list. The readings that the list skips are counted, not read.

use std::cmp::Reverse;

use super::page_source::{Pages, ReadPages, contradiction, expect_column};
use super::part::Part;
use super::part::part_column::PageCounts;
use super::part::spans::cut;
use super::rank::bracket::{KnownColumn, bracket};
use super::rank::selection::{Run, select};
use super::rows::rows;
use crate::format::cumulative_counts::CumulativeCounts;
use crate::format::head::Fences;
use crate::format::page::{Column, Page};
use crate::format::page_layout::count_u32;
use crate::format::row::Row;

/// Skips the `skip` newest readings of parts and hot readings together, and returns the next readings, up to
/// `limit`, newest first. The caller ensures that no time occurs twice and no part is empty.
///
/// # Errors
/// The errors of [`Pages`].
pub fn newest<P: Pages>(
    parts: &[Part],
    hot: &[Row],
    skip: u64,
    limit: u32,
    pages: &P,
) -> Result<Vec<Row>, P::Error> {
    let sealed: u64 = parts.iter().map(|part| u64::from(part.len())).sum();
    let count = sealed + hot.len() as u64;
    let Some(last) = count.checked_sub(1).and_then(|last| last.checked_sub(skip)) else {
        return Ok(Vec::new());
    };
    let Some(more) = u64::from(limit).checked_sub(1) else { return Ok(Vec::new()) };
    let columns: Vec<TimeColumn<'_>> = parts.iter().map(TimeColumn::new).collect();
    let hot_times = HotTimes::new(hot);
    let from = time_of_rank(&columns, &hot_times, last.saturating_sub(more), pages)?;
    let to = time_of_rank(&columns, &hot_times, last, pages)?;
    let inside = cut(parts, &[from, to.saturating_add(1)], pages)?.into_parts();
    let mut page = rows(&inside, pages)?;
    page.extend(hot.iter().filter(|row| (from..=to).contains(&row.time_us)));
    page.sort_unstable_by_key(|row| Reverse(row.time_us));
    Ok(page)
}

/// The times of a part as a sorted column.
struct TimeColumn<'p> {
    part: &'p Part,
    /// The first page of times with a reading of the part.
    first_page: u32,
    first: &'p [i64],
    below: Vec<u32>,
}

impl<'p> TimeColumn<'p> {
    #[expect(clippy::indexing_slicing, reason = "a head has the fences of all pages")]
    fn new(part: &'p Part) -> Self {
        let pages = part.pages_of(&part.rows);
        let first = &part.head.time_fences()[pages.start as usize..pages.end as usize];
        let begin =
            |page: u32| (page * part.head.row_page()).clamp(part.rows.start, part.rows.end) - part.rows.start;
        Self { part, first_page: pages.start, first, below: (pages.start..=pages.end).map(begin).collect() }
    }

    fn fences(&self) -> Fences<'_, i64> {
        Fences { first: self.first, below: &self.below }
    }

    /// Returns the times of a page that belong to the part.
    #[expect(clippy::indexing_slicing, reason = "a time must not be dropped")]
    fn times<'t, P: Pages>(&self, index: u32, page: &'t Page, pages: &P) -> Result<&'t [i64], P::Error> {
        let times = expect_column(pages, self.part.segment, page.as_integers())?;
        let entries = self.part.entries_of(index, &self.part.rows);
        Ok(&times[entries.start as usize..entries.end as usize])
    }
}

/// The times of hot readings as a sorted column of one page, which is in memory.
struct HotTimes {
    times: Vec<i64>,
    below: [u32; 2],
}

impl HotTimes {
    fn new(hot: &[Row]) -> Self {
        let mut times: Vec<i64> = hot.iter().map(|row| row.time_us).collect();
        times.sort_unstable();
        let below = [0, count_u32(times.len())];
        Self { times, below }
    }

    fn fences(&self) -> Option<Fences<'_, i64>> {
        Some(Fences { first: self.times.get(..1)?, below: &self.below })
    }
}

/// Returns the time of the reading with a rank. The oldest reading has rank 0.
fn time_of_rank<P: Pages>(
    columns: &[TimeColumn<'_>],
    hot: &HotTimes,
    rank: u64,
    pages: &P,
) -> Result<i64, P::Error> {
    let hot_run = distinct_times(&hot.times);
    let mut known: Vec<KnownColumn<'_, i64>> =
        columns.iter().map(|column| KnownColumn::from_fences(column.fences())).collect();
    known.extend(hot.fences().map(|fences| KnownColumn::with_pages(fences, &(0..1), &hot_run)));
    let bracket = bracket(&known, rank, rank);
    let requested = columns.iter().flat_map(|column| {
        let pages = column.fences().pages_in(bracket);
        pages.map(|index| column.part.page(Column::Times, column.first_page + count_u32(index)))
    });
    let read = ReadPages::new(requested.collect(), pages)?;
    let mut read = read.cursor();
    let mut runs = Vec::with_capacity(columns.len() + 1);
    let mut below = 0;
    for column in columns {
        let range = column.fences().pages_in(bracket);
        below += column.fences().before(range.start);
        for (id, page) in read.take(range.len()) {
            runs.push(distinct_times(column.times(id.index, page, pages)?));
        }
    }
    runs.push(hot_run);
    match (rank.checked_sub(below).map(|rank| select(&runs, rank)), columns.first()) {
        (Some((Some(time), _)), _) => Ok(time),
        (_, Some(column)) => Err(contradiction(pages, column.part.segment)),
        _ => unreachable!("hot readings do not contradict each other"),
    }
}

/// Returns a run of times with one reading each.
fn distinct_times(times: &[i64]) -> Run<'_, i64> {
    Run { pages: vec![(times, PageCounts::Part(CumulativeCounts::once(0).into()))] }
}
