//! Limits on the memory of an analysis: they change no result, and the number of pages that are held stays
//! below them.

use std::cmp::Reverse;

use super::*;
use crate::analysis::newest::time_search::TimeSearch;
use crate::analysis::part::PartAxis;
use crate::analysis::part::cut_column::cut_columns;
use crate::analysis::part::spans::PAGES_AT_ONCE;

/// Limits that are too small for most analyses.
pub(super) fn small_limits() -> [MemoryLimits; 3] {
    [
        MemoryLimits { pages: 0, codes: 0, values: 1, sample: 2 },
        MemoryLimits { pages: 5, codes: 2, values: 40, sample: 3 },
        MemoryLimits { pages: 5, codes: 1_000, values: 1_000, sample: 3 },
    ]
}

/// An analysis of more segments than fit in memory held the pages of all ranks and columns, and the codes of
/// all cut segments.
#[test]
fn an_analysis_holds_few_pages() {
    let limits = MemoryLimits { pages: 60, codes: 30, values: 300, sample: 4 };
    // One column may need more pages than a batch: its dictionary for a histogram, and its codes.
    let most = limits.pages + limits.codes + 600 / SMALL.dictionary as usize + 600 / SMALL.rows as usize;
    let percentile = |number: i32| Percentile::new(Finite::new(f64::from(number)).unwrap()).unwrap();
    let percentiles = (0..20).map(|n| percentile(5 * n)).collect();
    let wanted = RequestedStatistics { percentiles, stddev: true, ..RequestedStatistics::default() };
    let value = |n: i64| f64::from(u32::try_from(n * 7919 % 10_007).unwrap()) / 8.0;
    let device = |number: i64, values: fn(f64) -> f64| {
        let rows = (0..600).map(|n| row(n, values(value(n + 131 * number))));
        Split { rows: rows.collect(), homes: vec![1; 600] }
    };
    let alike: Vec<Split> = (0..40).map(|n| device(n, |value| value)).collect();
    // Devices with few values leave wide brackets.
    let few = |n| device(n, |value| (value / 100.0).floor() * 100.0);
    let unlike = (0..40).map(|n| if n % 2 == 0 { few(n) } else { device(n, |value| value) }).collect();
    let windows = || [0..600, 70..590, 200..300].into_iter();
    for (devices, window) in
        [alike, unlike].iter().flat_map(|devices| windows().map(move |window| (devices, window)))
    {
        let memory = Memory::new(devices.iter().map(|device| device.segments(SMALL)));
        let parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().into_parts();
        let hot = Axes::default();
        let groups: Vec<Group<'_>> = parts.chunks(1).map(|parts| Group { parts, hot: &hot }).collect();
        let plenty = MemoryLimits { pages: 60_000, codes: 60_000, ..limits };
        let expected = analyze_axis(&groups, Axis::X, &wanted, plenty, &memory).unwrap();
        assert!(memory.held.get() > 2 * most, "{} pages of {window:?}", memory.held.get());
        memory.held.set(0);
        assert_eq!(analyze_axis(&groups, Axis::X, &wanted, limits, &memory).unwrap(), expected);
        assert!(memory.held.get() <= most, "{} pages of {window:?}", memory.held.get());
        let group = Group { parts: &parts, hot: &hot };
        memory.held.set(0);
        let bins = bins(300, None, None);
        let expected = histogram(group, Axis::X, bins, plenty, &memory).unwrap();
        assert!(memory.held.get() > 2 * most, "{} pages of a histogram", memory.held.get());
        memory.held.set(0);
        assert_eq!(histogram(group, Axis::X, bins, limits, &memory).unwrap(), expected);
        assert!(memory.held.get() <= most, "{} pages of a histogram", memory.held.get());
    }
}

/// The codes of a cut segment are released if they take too much memory.
#[test]
fn released_codes_count_the_same() {
    let rows = plausible_rows(9_000);
    let memory = Memory::new([vec![encode(&rows, PageSizes::WRITTEN, Effort::Fast)]].into_iter());
    for (from, until) in [(100, 8_999), (0, 3_000), (4_000, 4_200), (1, 8_192)] {
        let bounds = [rows[from].time_us, rows[until].time_us];
        let parts = cut(&memory.parts(), &bounds, &memory).unwrap().into_parts();
        let axes = Axis::ALL.map(|axis| PartAxis { part: &parts[0], axis });
        let released = MemoryLimits { codes: 0, ..MemoryLimits::ONE_OF_FOUR };
        let released = cut_columns(&axes, released, &memory).unwrap();
        let held = cut_columns(&axes, MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
        for (held, released) in held.iter().zip(released) {
            assert!(released.is_released() && !held.is_released());
            for page in parts[0].head.pages(Column::Dictionary(held.part_axis.axis)) {
                let read = memory.load(&[SegmentPage { segment: 0, page }]).unwrap();
                let dictionary = read[0].as_dictionary().unwrap();
                let index = page.index as usize;
                let counts = held.counts(index, dictionary, &memory).unwrap();
                assert_eq!(counts, released.counts(index, dictionary, &memory).unwrap());
            }
        }
    }
}

/// Returns segments of one device that overlap each other, and their readings, segment by segment.
fn overlapping_segments(segments: i64) -> (Memory, Vec<Row>) {
    let value = |n: i64| f64::from(u32::try_from(n * 7919 % 10_007).unwrap()) / 8.0;
    let rows_of = |segment: i64| (0..14).map(move |n| row(n * segments + segment, value(n + segment)));
    let rows: Vec<Vec<Row>> = (0..segments).map(|segment| rows_of(segment).collect()).collect();
    let encoded = rows.iter().map(|rows| encode(rows, SMALL, Effort::Fast)).collect();
    (Memory::new([encoded].into_iter()), rows.concat())
}

/// A list held one or two pages of times of each segment that has readings before and after the first reading
/// of the list, however many these are.
#[test]
fn a_list_holds_few_pages() {
    let limits = MemoryLimits { pages: 60, values: 100, ..MemoryLimits::ONE_OF_FOUR };
    let plenty = MemoryLimits { pages: 60_000, ..limits };
    let (memory, mut rows) = overlapping_segments(600);
    rows.sort_unstable_by_key(|row| Reverse(row.time_us));
    let list = |limits| newest(&memory.parts(), &[], 4_000, 200, limits, &memory).unwrap();
    assert_eq!(list(plenty), rows[4_000..4_200]);
    // A cut of the parts has a limit of its own.
    assert!(memory.held.get() > PAGES_AT_ONCE + limits.pages, "{} pages", memory.held.get());
    memory.held.set(0);
    assert_eq!(list(limits), rows[4_000..4_200]);
    assert!(memory.held.get() <= PAGES_AT_ONCE, "{} pages", memory.held.get());
}

/// The times in the pages of all these segments would take as much memory as the pages.
#[test]
fn a_list_selects_among_few_times() {
    let limits = MemoryLimits { values: 100, ..MemoryLimits::ONE_OF_FOUR };
    let (memory, rows) = overlapping_segments(60);
    let parts = memory.parts();
    let count_inside =
        |limits, rank| TimeSearch::new(&parts, &[], limits).find_bracket(rank, &memory).unwrap().1;
    for rank in [0, 1, 400, rows.len() as u64 - 1] {
        assert!(count_inside(MemoryLimits::ONE_OF_FOUR, rank) > 300, "rank {rank}");
        assert!((1..=100).contains(&count_inside(limits, rank)), "rank {rank}");
    }
}

/// A list of readings of many segments, and an export of segments that overlap, held all pages of a column.
#[test]
fn reading_many_parts_holds_few_pages() {
    let limits = MemoryLimits { pages: 60, ..MemoryLimits::ONE_OF_FOUR };
    let (memory, expected) = overlapping_segments(100);
    assert_eq!(rows(&memory.parts(), MemoryLimits::ONE_OF_FOUR, &memory).unwrap(), expected);
    assert!(memory.held.get() > 3 * limits.pages, "{} pages", memory.held.get());
    memory.held.set(0);
    assert_eq!(rows(&memory.parts(), limits, &memory).unwrap(), expected);
    assert!(memory.held.get() <= limits.pages, "{} pages", memory.held.get());
}
