//! All readings in order of time, one span at a time.

use super::*;

/// Reads the sealed readings of a window; returns the readings of each span.
fn walk(memory: &Memory, window: &Range<i64>, readings: u32) -> Vec<Vec<Row>> {
    let (mut from, mut spans) = (window.start, Vec::new());
    while from < window.end {
        let until = span_end(&memory.parts(), from, window.end, readings);
        assert!(from < until && until <= window.end, "{from} {until}");
        let parts = cut(&memory.parts(), &[from, until], memory).unwrap().pop().unwrap();
        let mut span = rows(&parts, memory).unwrap();
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
    assert_eq!(rows(&memory.parts(), &memory).unwrap(), device.rows);
    let head = std::sync::Arc::clone(&memory.parts()[0].head);
    let mut columns = vec![Column::Times, Column::Ids];
    for axis in Axis::ALL {
        columns.extend([Column::Codes(axis), Column::Dictionary(axis)]);
    }
    let pages: usize = columns.into_iter().map(|column| head.pages(column).len()).sum();
    assert_eq!(memory.requested.get(), pages);
}
