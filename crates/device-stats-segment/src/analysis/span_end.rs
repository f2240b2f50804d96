//! How far to read at a time, where all readings are wanted in order of time, but not all at once.

use crate::analysis::part::Part;

/// A moment behind `from_us`, at most `until_us`, up to which the parts have about `readings` readings together, or as
/// many as lie in a page of each of them, as far as the fences of their times tell. Where the parts have so few before
/// `until_us`, it is that.
pub fn reach(parts: &[Part], from_us: i64, until_us: i64, readings: u32) -> i64 {
    let mut begins: Vec<(i64, u32)> = parts.iter().flat_map(|part| pages(part, from_us, until_us)).collect();
    begins.sort_unstable();
    let mut count = 0_u64;
    let too_many = begins.iter().find(|(first_us, page)| {
        count += u64::from(*page);
        count > u64::from(readings) && *first_us > from_us
    });
    too_many.map_or(until_us, |(first_us, _)| *first_us)
}

/// The pages of the times that may have a reading between two moments: since when, and how many at most.
fn pages(part: &Part, from_us: i64, until_us: i64) -> impl Iterator<Item = (i64, u32)> {
    let fences = part.head.time_fences();
    let begun = fences.partition_point(|first_us| *first_us <= from_us).saturating_sub(1);
    let begun = if part.head.last_us() < from_us { fences.len() } else { begun };
    let until = fences.partition_point(|first_us| *first_us < until_us);
    let page = part.head.row_page();
    let readings = move |index: u32| page.min(part.head.readings().saturating_sub(index * page));
    let pages = (0..).zip(fences).take(until).skip(begun);
    pages.map(move |(index, first_us)| (*first_us, readings(index)))
}
