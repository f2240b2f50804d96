//! The newest readings of a window, for a list. The readings that the list skips are counted, not read.

pub(crate) mod time_search;

use std::cmp::Reverse;

use super::memory_limits::MemoryLimits;
use super::page_source::Pages;
use super::part::Part;
use super::part::spans::cut;
use super::rows::rows;
use crate::format::row::Row;
use time_search::TimeSearch;

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
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<Row>, P::Error> {
    let sealed: u64 = parts.iter().map(|part| u64::from(part.len())).sum();
    let count = sealed + hot.len() as u64;
    let Some(last) = count.checked_sub(1).and_then(|last| last.checked_sub(skip)) else {
        return Ok(Vec::new());
    };
    let Some(more) = u64::from(limit).checked_sub(1) else { return Ok(Vec::new()) };
    let search = TimeSearch::new(parts, hot, limits);
    let from = search.time_of_rank(last.saturating_sub(more), pages)?;
    let to = search.time_of_rank(last, pages)?;
    let inside = cut(parts, &[from, to.saturating_add(1)], pages)?.into_parts();
    let mut page = rows(&inside, limits, pages)?;
    page.extend(hot.iter().filter(|row| (from..=to).contains(&row.time_us)));
    page.sort_unstable_by_key(|row| Reverse(row.time_us));
    Ok(page)
}
