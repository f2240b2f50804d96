//! Merging gives the same bytes as encoding everything at once.

use device_stats_domain::{Axes, Axis};
use proptest::prelude::*;

use super::MergeError;
use crate::format::columns::Columns;
use crate::format::fault::Section;
use crate::format::page::{Column, PageId};
use crate::format::page_layout::PageSizes;
use crate::format::segment::tests::{plausible_rows, rows};
use crate::format::segment::write::write;
use crate::{Effort, EncodeError, Fault, READINGS_MAX, Row, Segment};

fn encode(rows: &[Row]) -> Segment {
    Segment::encode(rows, Effort::Fast).unwrap()
}

proptest! {
    /// Each row goes to one of four segments.
    #[test]
    fn any_split_merges_to_the_whole(rows in rows(200), to in prop::collection::vec(0_u8..4, 200)) {
        let part = |part| {
            let of_part = rows.iter().zip(&to).filter(|(_, to)| **to == part).map(|(row, _)| *row);
            of_part.collect::<Vec<_>>()
        };
        let parts: Vec<Segment> =
            (0..4).map(part).filter(|rows| !rows.is_empty()).map(|rows| encode(&rows)).collect();
        for effort in [Effort::Fast, Effort::Small] {
            prop_assert_eq!(Segment::merge(&parts, effort), Ok(Segment::encode(&rows, effort).unwrap()));
        }
    }

    #[test]
    fn the_order_of_segments_does_not_matter(rows in rows(200), size in 1_usize..100) {
        let mut parts: Vec<Segment> = rows.chunks(size).map(encode).collect();
        parts.reverse();
        prop_assert_eq!(Segment::merge(&parts, Effort::Small), Ok(Segment::encode(&rows, Effort::Small).unwrap()));
    }
}

/// Enough rows for many pages, and for the radix sort.
#[test]
fn large_segments_merge_to_the_whole() {
    let rows = plausible_rows(40_000);
    let (even, odd): (Vec<Row>, Vec<Row>) = rows.iter().partition(|row| row.id % 2 == 0);
    let parts = [encode(&rows[..10_000]), encode(&rows[10_000..])];
    assert_eq!(Segment::merge(&parts, Effort::Fast).unwrap(), encode(&rows));
    assert_eq!(Segment::merge(&[encode(&odd), encode(&even)], Effort::Fast).unwrap(), encode(&rows));
}

#[test]
fn segments_that_cannot_be_merged_are_refused() {
    let rows = plausible_rows(50);
    assert_eq!(Segment::merge(&[], Effort::Fast), Err(EncodeError::Empty.into()));
    let twice = [encode(&rows[..30]), encode(&rows[29..])];
    assert_eq!(Segment::merge(&twice, Effort::Fast), Err(MergeError::SameTime { time_us: rows[29].time_us }));
    let mut broken = encode(&rows[30..]);
    broken.blocks[0][0] ^= 1;
    let source = Fault::WrongChecksum { section: Section::Page(PageId { column: Column::Times, index: 0 }) };
    let unreadable = MergeError::Unreadable { index: 1, source };
    assert_eq!(Segment::merge(&[encode(&rows[..30]), broken], Effort::Fast), Err(unreadable));
    let row = |time_us| Row { time_us, id: 0, values: Axes::default() };
    let half: Vec<Row> = (0..i64::from(READINGS_MAX / 2)).map(row).collect();
    let parts = [encode(&half), encode(&plausible_rows(READINGS_MAX / 2)), encode(&[row(-1)])];
    assert_eq!(Segment::merge(&parts, Effort::Fast), Err(EncodeError::TooMany.into()));
    let most = Segment::merge(&parts[..2], Effort::Fast).unwrap();
    most.verify().unwrap();
}

/// Merging took the counts from the dictionaries and the codes from the pages, and never compared them.
#[test]
fn a_dictionary_that_contradicts_its_codes_is_not_merged() {
    let mut rows = plausible_rows(60);
    for row in &mut rows {
        row.values.z = if row.id % 3 == 0 { 1.0 } else { 2.0 };
    }
    let mut columns = Columns::from_rows(&rows, PageSizes::WRITTEN.sum_run).unwrap();
    columns.axes.z.dictionary.counts = vec![21, 39];
    let forged = write(&columns, PageSizes::WRITTEN, Effort::Small).unwrap();
    let page = PageId { column: Column::Dictionary(Axis::Z), index: 0 };
    let source = Fault::in_page(page, "its counts are not those of the codes");
    let other = encode(&[Row { time_us: 0, ..rows[0] }]);
    assert_eq!(
        Segment::merge(&[other, forged], Effort::Fast),
        Err(MergeError::Unreadable { index: 1, source })
    );
}
