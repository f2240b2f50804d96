//! Spans of time: all readings in order of time, one span at a time; and parts cut at many bounds.

use super::*;

/// Reads the sealed readings of a window; returns the readings of each span.
fn walk(memory: &Memory, window: &Range<i64>, readings: u32) -> Vec<Vec<Row>> {
    let (mut from, mut spans) = (window.start, Vec::new());
    while from < window.end {
        let until = span_end(&memory.parts(), from, window.end, readings);
        assert!(from < until && until <= window.end, "{from} {until}");
        let parts = cut(&memory.parts(), &[from, until], memory).unwrap().into_parts();
        let mut span = rows(&parts, MemoryLimits::ONE_OF_FOUR, memory).unwrap();
        span.sort_by_key(|row| row.time_us);
        spans.push(span);
        from = until;
    }
    spans
}

fn check_spans(split: &Split, window: Range<i64>, sizes: PageSizes, readings: u32) {
    let segments = split.segments(sizes);
    let most = readings as usize + segments.len() * sizes.rows as usize;
    let memory = Memory::new([segments].into_iter());
    let spans = walk(&memory, &window, readings);
    assert!(spans.iter().all(|span| span.len() <= most), "of {most}: {:?}", spans.iter().map(Vec::len));
    let sealed = split.rows.iter().zip(&split.homes);
    let sealed = sealed.filter(|(row, home)| **home > 0 && window.contains(&row.time_us));
    assert_eq!(spans.concat(), sealed.map(|(row, _)| *row).collect::<Vec<_>>());
}

proptest! {
    #[test]
    fn spans_have_every_reading_once_and_a_bounded_number(
        split in split(0..200),
        from in -10_i64..3000,
        length in 0_i64..4000,
        readings in 0_u32..60,
    ) {
        for sizes in [SMALL, PageSizes::WRITTEN] {
            check_spans(&split, from..from + length, sizes, readings);
            check_spans(&split, i64::MIN..i64::MAX, sizes, readings);
        }
    }
}

#[test]
fn reading_all_rows_requests_each_page_once() {
    let device = Split { rows: plausible_rows(9_000), homes: vec![1; 9_000] };
    let memory = Memory::new([device.segments(PageSizes::WRITTEN)].into_iter());
    assert_eq!(rows(&memory.parts(), MemoryLimits::ONE_OF_FOUR, &memory).unwrap(), device.rows);
    let head = std::sync::Arc::clone(&memory.parts()[0].head);
    let mut columns = vec![Column::Times, Column::Ids];
    for axis in Axis::ALL {
        columns.extend([Column::Codes(axis), Column::Dictionary(axis)]);
    }
    let pages: usize = columns.into_iter().map(|column| head.pages(column).len()).sum();
    assert_eq!(memory.requested.get(), pages);
}

proptest! {
    /// Several bounds may be equal, lie between two readings, or lie outside the readings. The parts that are
    /// cut may be parts already.
    #[test]
    fn any_bounds_cut_parts_like_a_filter(
        split in split(0..120),
        mut bounds in prop::collection::vec(prop_oneof![-10_i64..3000, Just(i64::MIN), Just(i64::MAX)], 0..40),
        window in (-10_i64..3000, 0_i64..3000),
    ) {
        bounds.sort_unstable();
        let window = window.0..window.0 + window.1;
        for sizes in [SMALL, PageSizes::WRITTEN] {
            let memory = Memory::new([split.segments(sizes)].into_iter());
            let inside = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().into_parts();
            for (parts, window) in [(memory.parts(), i64::MIN..i64::MAX), (inside, window.clone())] {
                let spans = cut(&parts, &bounds, &memory).unwrap();
                prop_assert_eq!(spans.len(), bounds.len().saturating_sub(1));
                for (parts, [from, until]) in spans.iter().zip(bounds.array_windows()) {
                    prop_assert!(parts.iter().all(|part| part.len() > 0));
                    prop_assert!(parts.is_sorted_by_key(|part| part.segment));
                    let mut found = rows(parts, MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
                    found.sort_by_key(|row| row.time_us);
                    let sealed = split.rows.iter().zip(&split.homes).filter(|(_, home)| **home > 0);
                    let sealed = sealed.map(|(row, _)| *row).filter(|row| window.contains(&row.time_us));
                    let expected = sealed.filter(|row| (*from..*until).contains(&row.time_us));
                    prop_assert_eq!(found, expected.collect::<Vec<_>>());
                }
            }
        }
    }
}

/// A page of times was requested once for each of its bounds, and each pair of a segment and a bound was
/// kept.
#[test]
fn cutting_many_segments_at_many_bounds_costs_as_much_as_their_readings() {
    let (devices, readings, buckets) = (200, 20, 2_000);
    let rows = |device: i64| (0..readings).map(move |n| row(n * 1_000 + device, 0.5)).collect::<Vec<Row>>();
    let segments = (0..devices).map(|device| vec![encode(&rows(device), SMALL, Effort::Fast)]);
    let memory = Memory::new(segments);
    let bounds: Vec<i64> = (0..=buckets).map(|bucket| bucket * readings * 1_000 / buckets).collect();
    let parts = memory.parts();
    let pages: usize = parts.iter().map(|part| part.head.pages(Column::Times).len()).sum();
    let spans = cut(&parts, &bounds, &memory).unwrap();
    assert!(memory.requested.get() <= pages, "{} requests of {pages} pages", memory.requested.get());
    assert_eq!(spans.len(), usize::try_from(buckets).unwrap());
    // One part for each reading, because a bucket has at most one reading of a device.
    assert_eq!(spans.into_parts().len(), usize::try_from(devices * readings).unwrap());
}
