//! The end of the next span, for reading all readings in order of time in spans of bounded size.

use super::part::Part;

/// Returns the end of a span that starts at `from_us`: a time after `from_us`, at most `until_us`. The span
/// has about `readings` readings, or up to one page of times per part if this is more. The end is an estimate
/// from the fences of the times. It is `until_us` if the parts have fewer readings.
pub fn span_end(parts: &[Part], from_us: i64, until_us: i64, readings: u32) -> i64 {
    let mut begins: Vec<(i64, u32)> =
        parts.iter().flat_map(|part| time_pages(part, from_us, until_us)).collect();
    begins.sort_unstable();
    let mut count = 0_u64;
    let too_many = begins.iter().find(|(first_us, page)| {
        count += u64::from(*page);
        count > u64::from(readings) && *first_us > from_us
    });
    too_many.map_or(until_us, |(first_us, _)| *first_us)
}

/// Returns the first time and the number of readings of each page of times that may have a reading between
/// two times.
fn time_pages(part: &Part, from_us: i64, until_us: i64) -> impl Iterator<Item = (i64, u32)> {
    let fences = part.head.time_fences();
    let begun = fences.partition_point(|first_us| *first_us <= from_us).saturating_sub(1);
    let begun = if part.head.last_us() < from_us { fences.len() } else { begun };
    let until = fences.partition_point(|first_us| *first_us < until_us);
    let page = part.head.row_page();
    let readings = move |index: u32| page.min(part.head.readings() - index * page);
    let pages = (0..).zip(fences).take(until).skip(begun);
    pages.map(move |(index, first_us)| (*first_us, readings(index)))
}
