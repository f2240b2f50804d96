//! The search for the time of the reading with a rank.
//!
//! The fences of all parts give a bracket: two times that certainly enclose the reading. The more parts
//! overlap, the more readings are inside the bracket. If they are too many, the bracket is cut into spans of
//! equal length, and the span with the rank is the next bracket. In the end, the times inside the bracket are
//! read, and one of them is selected. No time occurs twice, so each limit on their number can be reached.

use std::ops::Range;

use device_stats_exact::{OrderKey, integer_from_key};

use crate::analysis::batch::{Batch, Needs};
use crate::analysis::memory_limits::MemoryLimits;
use crate::analysis::page_source::{PageCursor, Pages, SegmentPage, contradiction, expect_column};
use crate::analysis::part::Part;
use crate::analysis::part::part_column::PageCounts;
use crate::analysis::part::spans::cut;
use crate::analysis::rank::bracket::{Bracket, KnownColumn, bracket};
use crate::analysis::rank::selection::Run;
use crate::format::cumulative_counts::CumulativeCounts;
use crate::format::head::Fences;
use crate::format::page::{Column, Page};
use crate::format::page_layout::count_u32;
use crate::format::row::Row;

/// Number of spans into which a bracket is cut to narrow it.
const SPANS: u64 = 32;

/// The times of parts and hot readings.
pub(crate) struct TimeSearch<'p> {
    parts: &'p [Part],
    columns: Vec<TimeColumn<'p>>,
    /// The times of the hot readings, ascending.
    hot: Vec<i64>,
    limits: MemoryLimits,
}

impl<'p> TimeSearch<'p> {
    pub(crate) fn new(parts: &'p [Part], hot: &[Row], limits: MemoryLimits) -> Self {
        let mut hot: Vec<i64> = hot.iter().map(|row| row.time_us).collect();
        hot.sort_unstable();
        Self { parts, columns: parts.iter().map(TimeColumn::new).collect(), hot, limits }
    }

    /// Returns the time of the reading with a rank. The oldest reading has rank 0.
    pub(crate) fn time_of_rank<P: Pages>(&self, rank: u64, pages: &P) -> Result<i64, P::Error> {
        let (bracket, _) = self.find_bracket(rank, pages)?;
        let (below, mut times) = self.read(bracket, pages)?;
        let position = rank.checked_sub(below).and_then(|position| usize::try_from(position).ok());
        match position.filter(|position| *position < times.len()) {
            Some(position) => Ok(*times.select_nth_unstable(position).1),
            None => Err(self.contradiction(pages)),
        }
    }

    /// Returns a bracket that encloses a rank, and the maximum number of readings inside, which is within the
    /// limit on values.
    pub(crate) fn find_bracket<P: Pages>(&self, rank: u64, pages: &P) -> Result<(Bracket, u64), P::Error> {
        let (mut bracket, mut count) = self.bracket_of_fences(rank);
        while count > self.limits.values as u64 && bracket.low < bracket.high {
            (bracket, count) = self.narrow(rank, bracket, pages)?;
        }
        Ok((bracket, count))
    }

    /// Returns the bracket that the fences give, and the maximum number of readings inside.
    fn bracket_of_fences(&self, rank: u64) -> (Bracket, u64) {
        let hot_counts = PageCounts::Part(CumulativeCounts::once(0).into());
        let hot_run = Run { pages: vec![(self.hot.as_slice(), hot_counts)] };
        let hot_below = [0, count_u32(self.hot.len())];
        let hot = self
            .hot
            .get(..1)
            .map(|first| KnownColumn::with_pages(Fences { first, below: &hot_below }, &(0..1), &hot_run));
        let columns = self.columns.iter().map(|column| KnownColumn::from_fences(column.fences()));
        let mut bracket = bracket(&columns.chain(hot).collect::<Vec<_>>(), rank, rank);
        let last = self.parts.iter().map(|part| part.head.last_us()).chain(self.hot.last().copied()).max();
        bracket.high = bracket.high.min(last.map_or(u64::MAX, OrderKey::order_key));
        let in_column = |column: &TimeColumn<'_>| {
            let Range { start, end } = column.fences().pages_in(bracket);
            column.fences().before(end) - column.fences().before(start)
        };
        let sealed: u64 = self.columns.iter().map(in_column).sum();
        (bracket, sealed + divide(&self.hot, bracket).1.len() as u64)
    }

    /// Returns the span of a bracket that encloses a rank, and the number of readings inside.
    fn narrow<P: Pages>(&self, rank: u64, bracket: Bracket, pages: &P) -> Result<(Bracket, u64), P::Error> {
        let length = (bracket.high - bracket.low) / SPANS + 1;
        let spans = (0..SPANS).map(|n| {
            let low = bracket.low.saturating_add(n * length);
            Bracket { low, high: low.saturating_add(length - 1).min(bracket.high) }
        });
        let spans: Vec<Bracket> = spans.take_while(|span| span.low <= bracket.high).collect();
        let begins = spans.iter().map(|span| integer_from_key(span.low));
        let end = integer_from_key(bracket.high).saturating_add(1);
        // The first span of the cut is before the bracket.
        let bounds: Vec<i64> = [i64::MIN].into_iter().chain(begins).chain([end]).collect();
        let cut = cut(self.parts, &bounds, pages)?;
        let mut sealed = cut.iter().map(|parts| parts.iter().map(|part| u64::from(part.len())).sum::<u64>());
        let mut below = sealed.next().unwrap_or_default() + divide(&self.hot, bracket).0;
        for (span, sealed) in spans.into_iter().zip(sealed) {
            let count = sealed + divide(&self.hot, span).1.len() as u64;
            if (below..below + count).contains(&rank) {
                return Ok((span, count));
            }
            below += count;
        }
        Err(self.contradiction(pages))
    }

    /// Returns the number of readings before a bracket, and the times inside it, part by part.
    fn read<P: Pages>(&self, bracket: Bracket, pages: &P) -> Result<(u64, Vec<i64>), P::Error> {
        let (mut below, hot) = divide(&self.hot, bracket);
        let mut inside = hot.to_vec();
        let mut keep = |(column, indexes): (&TimeColumn<'_>, Range<usize>), read: &mut PageCursor<'_>| {
            below += column.fences().before(indexes.start);
            for (id, page) in read.take(indexes.len()) {
                let (before, times) = divide(column.times(id.index, page, pages)?, bracket);
                below += before;
                inside.extend_from_slice(times);
            }
            Ok(())
        };
        let mut batch = Batch::new(self.limits.pages);
        for column in &self.columns {
            let indexes = column.fences().pages_in(bracket);
            let needs = Needs::of_integers(indexes.clone().map(|index| column.page(index)).collect());
            batch.add((column, indexes), needs, pages, &mut keep)?;
        }
        batch.run_all(pages, &mut keep)?;
        Ok((below, inside))
    }

    fn contradiction<P: Pages>(&self, pages: &P) -> P::Error {
        match self.parts.first() {
            Some(part) => contradiction(pages, part.segment),
            None => unreachable!("hot readings do not contradict each other"),
        }
    }
}

/// Returns the number of ascending times before a bracket, and the times inside it.
fn divide(times: &[i64], bracket: Bracket) -> (u64, &[i64]) {
    let from = times.partition_point(|time| time.order_key() < bracket.low);
    let until = times.partition_point(|time| time.order_key() <= bracket.high);
    (from as u64, times.get(from..until).unwrap_or_default())
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

    /// Returns a page of the part; the first one has index 0.
    fn page(&self, index: usize) -> SegmentPage {
        self.part.page(Column::Times, self.first_page + count_u32(index))
    }

    /// Returns the times of a page that belong to the part.
    #[expect(clippy::indexing_slicing, reason = "a time must not be dropped")]
    fn times<'t, P: Pages>(&self, index: u32, page: &'t Page, pages: &P) -> Result<&'t [i64], P::Error> {
        let times = expect_column(pages, self.part.segment, page.as_integers())?;
        let entries = self.part.entries_of(index, &self.part.rows);
        Ok(&times[entries.start as usize..entries.end as usize])
    }
}
