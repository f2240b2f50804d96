//! Every changed, missing, added or exchanged byte is found.

use device_stats_domain::Axes;

use super::{SMALL, encode, plausible_rows};
use crate::format::page_layout::COLUMNS;
use crate::{Effort, EncodeError, Fault, Head, PageId, READINGS_MAX, Row, Segment};

/// Asserts that a segment is neither read nor verified.
fn assert_refused(segment: &Segment, damage: &str) {
    assert!(segment.rows().is_err(), "rows: {damage}");
    assert!(segment.verify().is_err(), "verify: {damage}");
}

fn segments() -> impl Iterator<Item = Segment> {
    let small = [1, 2, 20].into_iter().map(|count| encode(&plausible_rows(count), SMALL, Effort::Small));
    small.chain([Segment::encode(&plausible_rows(40), Effort::Fast).unwrap()])
}

#[test]
fn every_flipped_bit_is_found() {
    for segment in segments() {
        for index in 0..segment.head.len() {
            for bit in 0..8 {
                let mut flipped = segment.clone();
                flipped.head[index] ^= 1 << bit;
                assert!(Head::open(&flipped.head).is_err(), "bit {bit} of byte {index} of the head");
            }
        }
        for block in 0..segment.blocks.len() {
            for index in 0..segment.blocks[block].len() {
                for bit in 0..8 {
                    let mut flipped = segment.clone();
                    flipped.blocks[block][index] ^= 1 << bit;
                    assert_refused(&flipped, &format!("bit {bit} of byte {index} of block {block}"));
                }
            }
        }
    }
}

#[test]
fn every_cut_and_every_appended_byte_is_found() {
    for segment in segments() {
        for length in 0..segment.head.len() {
            let fault = Head::open(&segment.head[..length]).unwrap_err();
            assert!(length >= 8 || fault == Fault::NotASegment, "{length}: {fault}");
        }
        let longer: Vec<u8> = segment.head.iter().copied().chain([0]).collect();
        assert!(Head::open(&longer).is_err());
        for block in 0..segment.blocks.len() {
            for length in 0..segment.blocks[block].len() {
                let mut cut = segment.clone();
                cut.blocks[block].truncate(length);
                assert_refused(&cut, &format!("block {block} cut to {length}"));
            }
            let mut longer = segment.clone();
            longer.blocks[block].push(0);
            assert_refused(&longer, &format!("a byte after block {block}"));
        }
        let (mut fewer, mut more) = (segment.clone(), segment);
        fewer.blocks.pop();
        more.blocks.push(Vec::new());
        assert_refused(&fewer, "a block is missing");
        assert_refused(&more, "a block too many");
    }
}

#[test]
fn exchanged_blocks_and_pages_are_found() {
    let segment = encode(&plausible_rows(60), SMALL, Effort::Small);
    for left in 0..segment.blocks.len() {
        for right in 0..left {
            let mut swapped = segment.clone();
            swapped.blocks.swap(left, right);
            assert_refused(&swapped, &format!("blocks {left} and {right}"));
        }
    }
    let head = Head::open(&segment.head).unwrap();
    let pages: Vec<PageId> = COLUMNS.iter().flat_map(|column| head.pages(*column)).collect();
    let bytes = |page: PageId| {
        let range = head.block_range(page).unwrap();
        &segment.blocks[range.block as usize][range.bytes]
    };
    for left in &pages {
        for right in &pages {
            // Pages of one column with the same bytes are interchangeable.
            let same = bytes(*left) == bytes(*right) && left.column == right.column;
            assert!(
                left == right || same || head.decode(*left, bytes(*right)).is_err(),
                "{right} for {left}"
            );
        }
    }
}

#[test]
fn blocks_of_another_segment_are_found() {
    let (segment, mut other) = (plausible_rows(60), plausible_rows(60));
    other[30].values.x += 1.0;
    let (mut segment, other) = (encode(&segment, SMALL, Effort::Small), encode(&other, SMALL, Effort::Small));
    segment.blocks = other.blocks;
    assert_refused(&segment, "blocks of another segment");
}

#[test]
fn a_page_that_does_not_exist_is_a_fault() {
    let segment = encode(&plausible_rows(20), SMALL, Effort::Small);
    let head = Head::open(&segment.head).unwrap();
    for column in COLUMNS {
        let after = u32::try_from(head.pages(column).count()).unwrap();
        for index in [after, u32::MAX] {
            let page = PageId { column, index };
            assert_eq!(head.block_range(page), Err(Fault::NoSuchPage(page)));
            assert_eq!(head.decode(page, &[]), Err(Fault::NoSuchPage(page)));
        }
    }
}

#[test]
fn other_files_and_later_versions_are_refused() {
    assert_eq!(Head::open(b"").unwrap_err(), Fault::NotASegment);
    assert_eq!(Head::open(b"SQLite format 3\0").unwrap_err(), Fault::NotASegment);
    let mut head = encode(&plausible_rows(3), SMALL, Effort::Small).head;
    head[8] = 2;
    assert_eq!(Head::open(&head).unwrap_err(), Fault::UnknownVersion(2), "even with a wrong checksum");
}

#[test]
fn bad_rows_are_refused() {
    let row = |time_us, x| Row { time_us, id: 1, values: Axes { x, y: 0.0, z: 0.0 } };
    let encode = |rows: &[Row]| Segment::encode(rows, Effort::Fast).unwrap_err();
    assert_eq!(encode(&[]), EncodeError::Empty);
    assert_eq!(encode(&[row(1, 0.0), row(2, 0.0), row(2, 0.0)]), EncodeError::TimesDoNotAscend(2));
    assert_eq!(encode(&[row(2, 0.0), row(1, 0.0)]), EncodeError::TimesDoNotAscend(1));
    assert_eq!(encode(&[row(1, 0.0), row(2, f64::NAN)]), EncodeError::NotFinite(1));
    assert_eq!(encode(&[row(1, f64::INFINITY)]), EncodeError::NotFinite(0));
    let many: Vec<Row> = (0..=i64::from(READINGS_MAX)).map(|time_us| row(time_us, 0.0)).collect();
    assert_eq!(encode(&many), EncodeError::TooMany);
}

/// A sum that is not in lowest terms would compare as unequal to the same number in lowest terms.
#[test]
fn a_sum_in_other_terms_is_a_fault() {
    let row = Row { time_us: 1, id: 1, values: Axes { x: 1.0, y: 1.0, z: 1.0 } };
    let mut head = encode(&[row], SMALL, Effort::Small).head;
    let one: Vec<u8> = [0, 0, 0, 0, 1, 0, 1].into_iter().chain([0; 7]).collect();
    let two = [&[0xff; 4][..], &[1, 0, 2], &[0; 7]].concat();
    let at = head.windows(one.len()).position(|bytes| bytes == one).unwrap();
    head[at..at + one.len()].copy_from_slice(&two);
    let end = head.len() - 4;
    let checksum = crc32fast::hash(&head[..end]);
    head[end..].copy_from_slice(&checksum.to_le_bytes());
    assert_eq!(Head::open(&head).unwrap_err(), Fault::in_head("a sum is not in lowest terms"));
}
