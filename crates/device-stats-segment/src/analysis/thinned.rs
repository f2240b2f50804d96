//! A limited number of the readings of a window, for a drawing: evenly chosen, with the extremes of each
//! axis.

use device_stats_domain::{Axes, Axis, OmittedStatistics, RequestedStatistics};
use device_stats_exact::OrderKey;

use super::group::Group;
use super::memory_limits::MemoryLimits;
use super::newest::newest;
use super::page_source::{Pages, ReadPages, expect_column, expect_dictionary};
use super::part::Part;
use super::rows::rows;
use super::statistics::analyze;
use crate::format::page::Column;
use crate::format::page_layout::count_u32;
use crate::format::row::Row;

/// Number of readings that are always included: the first and the last one, and a minimum and a maximum of
/// each axis.
const INCLUDED: u64 = 8;
/// Number of pages of codes that are requested at once in the search for an extreme.
const PAGES_AT_ONCE: usize = 64;

/// Returns up to `points` readings of parts and hot readings together, in order of time; 8 points or more.
/// Returns all readings if there are not more. Otherwise includes the first and the last reading, for each
/// axis a reading with its minimum and one with its maximum, and readings at about equal distances by rank.
/// The distances are equal if the spans of time of the parts do not overlap.
///
/// The cost depends on `points` and on the number of parts. In addition, the codes of the parts with the
/// extremes are read. The caller ensures that no time occurs twice and no part is empty.
///
/// # Errors
/// The errors of [`Pages`].
pub fn thinned<P: Pages>(
    parts: &[Part],
    hot: &[Row],
    points: u32,
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<Row>, P::Error> {
    let sealed: u64 = parts.iter().map(|part| u64::from(part.len())).sum();
    let count = sealed + hot.len() as u64;
    let mut chosen = if count <= u64::from(points) {
        let mut all = rows(parts, limits, pages)?;
        all.extend(hot);
        all
    } else {
        let mut chosen = newest(parts, hot, 0, 1, limits, pages)?;
        chosen.extend(newest(parts, hot, count - 1, 1, limits, pages)?);
        chosen.extend(extremes(parts, hot, limits, pages)?);
        chosen.extend(even(parts, hot, u64::from(points).saturating_sub(INCLUDED), limits, pages)?);
        chosen
    };
    chosen.sort_unstable_by_key(|row| row.time_us);
    chosen.dedup_by_key(|row| row.time_us);
    Ok(chosen)
}

/// Returns `number` readings at equal distances by rank, part by part in the order in which the parts begin,
/// then hot readings. `number` is less than the number of readings.
fn even<P: Pages>(
    parts: &[Part],
    hot: &[Row],
    number: u64,
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<Row>, P::Error> {
    let mut ordered: Vec<&Part> = parts.iter().collect();
    ordered.sort_by_key(|part| part.head.first_us());
    let mut hot = hot.to_vec();
    hot.sort_unstable_by_key(|row| row.time_us);
    let count = parts.iter().map(|part| u64::from(part.len())).sum::<u64>() + hot.len() as u64;
    // The middle of each of `number` spans of equal size.
    let mut ranks = (0..number).map(|index| (2 * index + 1) * count / (2 * number)).peekable();
    let (mut single, mut before) = (Vec::new(), 0);
    for part in ordered {
        let until = before + u64::from(part.len());
        while let Some(rank) = ranks.next_if(|rank| *rank < until) {
            let row = part.rows.start + u32::try_from(rank - before).unwrap_or(u32::MAX);
            single.push(Part { rows: row..row + 1, ..part.clone() });
        }
        before = until;
    }
    let mut chosen = rows(&single, limits, pages)?;
    chosen.extend(ranks.filter_map(|rank| hot.get(usize::try_from(rank - before).ok()?)));
    Ok(chosen)
}

/// Returns for each axis a reading with its minimum and one with its maximum.
fn extremes<P: Pages>(
    parts: &[Part],
    hot: &[Row],
    limits: MemoryLimits,
    pages: &P,
) -> Result<Vec<Row>, P::Error> {
    let column = |axis: Axis| hot.iter().map(|row| *row.values.get(axis)).collect();
    let columns = Axes { x: column(Axis::X), y: column(Axis::Y), z: column(Axis::Z) };
    let omitted = OmittedStatistics { sum: true, median: true };
    let wanted = RequestedStatistics { omitted, ..RequestedStatistics::default() };
    let found = analyze(&[Group { parts, hot: &columns }], &wanted, limits, pages)?;
    let (mut single, mut chosen) = (Vec::new(), Vec::new());
    for axis in Axis::ALL {
        let summary = found.get(axis).all.iter().map(|statistics| statistics.summary);
        for value in summary.flat_map(|summary| [summary.min, summary.max]) {
            let key = value.order_key();
            if let Some(row) = hot.iter().find(|row| row.values.get(axis).order_key() == key) {
                chosen.push(*row);
                continue;
            }
            for part in parts {
                if let Some(row) = row_with(part, axis, value, pages)? {
                    single.push(Part { rows: row..row + 1, ..part.clone() });
                    break;
                }
            }
        }
    }
    chosen.extend(rows(&single, limits, pages)?);
    Ok(chosen)
}

/// Returns the position of the first reading of a part with a value.
fn row_with<P: Pages>(part: &Part, axis: Axis, value: f64, pages: &P) -> Result<Option<u32>, P::Error> {
    let totals = part.head.totals(axis);
    if value < totals.min || totals.max < value {
        return Ok(None);
    }
    let key = value.order_key();
    let fences = part.head.fences(axis);
    let Some(index) = fences.first.partition_point(|first| first.order_key() <= key).checked_sub(1) else {
        return Ok(None);
    };
    let read = ReadPages::new(vec![part.page(Column::Dictionary(axis), count_u32(index))], pages)?;
    let dictionary = expect_dictionary(pages, part.segment, read.cursor().next_page())?;
    let Ok(position) = dictionary.values.binary_search_by_key(&key, |value| value.order_key()) else {
        return Ok(None);
    };
    let code = count_u32(index) * part.head.dictionary_page() + count_u32(position);
    let requested: Vec<_> =
        part.pages_of(&part.rows).map(|index| part.page(Column::Codes(axis), index)).collect();
    for requested in requested.chunks(PAGES_AT_ONCE) {
        let read = ReadPages::new(requested.to_vec(), pages)?;
        for (id, page) in read.cursor().take(requested.len()) {
            let entries = part.entries_of(id.index, &part.rows);
            let first = id.index * part.head.row_page() + entries.start;
            let codes = expect_column(pages, part.segment, page.as_codes())?.codes(entries);
            if let Some(position) = codes.iter().position(|other| *other == code) {
                return Ok(Some(first + count_u32(position)));
            }
        }
    }
    Ok(None)
}
