//! A segment returns its rows, and its head and pages state the right facts about them.

use device_stats_domain::{Axes, Axis};
use device_stats_exact::{ExactInteger, ExactSquares, ExactSum};
use proptest::prelude::*;

use super::{NASTY, SMALL, encode, rows, same_bits};
use crate::format::head::Fences;
use crate::format::page_layout::{COLUMNS, PageSizes};
use crate::{Column, DictionaryPage, Effort, Head, Page, PageId, Row, Segment};

/// Decodes a page through the public interface.
fn page(segment: &Segment, head: &Head, page: PageId) -> Page {
    let range = head.block_range(page).unwrap();
    head.decode(page, &segment.blocks[range.block as usize][range.bytes]).unwrap()
}

/// Compares a segment with its rows.
fn check(rows: &[Row], sizes: PageSizes, effort: Effort) {
    let segment = encode(rows, sizes, effort);
    assert!(same_bits(&segment.rows().unwrap(), rows));
    segment.verify().unwrap();
    let head = Head::open(&segment.head).unwrap();
    assert_eq!(head.readings() as usize, rows.len());
    assert_eq!((head.first_us(), head.last_us()), (rows[0].time_us, rows[rows.len() - 1].time_us));
    check_times(rows, &head);
    check_blocks(&segment, &head, sizes);
    for axis in Axis::ALL {
        let numbers: Vec<f64> = rows.iter().map(|row| *row.values.get(axis)).collect();
        check_totals(&numbers, &head, axis);
        check_dictionary(&numbers, &segment, &head, axis);
        check_sums(&numbers, &segment, &head, axis);
    }
}

fn check_times(rows: &[Row], head: &Head) {
    let step = head.row_page() as usize;
    let fences: Vec<i64> = rows.iter().step_by(step).map(|row| row.time_us).collect();
    assert_eq!(head.time_fences(), fences);
    for (position, row) in rows.iter().enumerate() {
        let index = u32::try_from(position / step).unwrap();
        assert_eq!(head.page_of_time(row.time_us), Some(PageId { column: Column::Times, index }));
    }
    assert_eq!(head.page_of_time(head.first_us() - 1), None);
    assert_eq!(head.page_of_time(head.last_us() + 1), None);
}

/// Pages are in order and without gaps, and all blocks but the last are full.
fn check_blocks(segment: &Segment, head: &Head, sizes: PageSizes) {
    let mut end = (0, 0);
    let pages = COLUMNS.iter().flat_map(|column| head.pages(*column));
    for range in pages.map(|page| head.block_range(page).unwrap()) {
        if end.1 >= sizes.block_bytes as usize {
            end = (end.0 + 1, 0);
        }
        assert_eq!((range.block, range.bytes.start), end);
        end.1 = range.bytes.end;
    }
    let lengths: Vec<u32> = segment.blocks.iter().map(|block| u32::try_from(block.len()).unwrap()).collect();
    assert_eq!(head.block_bytes(), lengths);
    assert_eq!((lengths.len() - 1, lengths[lengths.len() - 1] as usize), (end.0 as usize, end.1));
    assert!(lengths[..lengths.len() - 1].iter().all(|length| *length >= sizes.block_bytes));
}

fn check_totals(numbers: &[f64], head: &Head, axis: Axis) {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let totals = head.totals(axis);
    assert_eq!(totals.min.to_bits(), sorted[0].to_bits());
    assert_eq!(totals.max.to_bits(), sorted[sorted.len() - 1].to_bits());
    assert_eq!(totals.sum, numbers.iter().copied().collect::<ExactSum>().to_integer());
    let mut squares = ExactSquares::default();
    for number in numbers {
        squares.add(*number);
    }
    assert_eq!(totals.squares, squares.to_integer());
}

fn check_dictionary(numbers: &[f64], segment: &Segment, head: &Head, axis: Axis) {
    let Fences { first, below } = head.fences(axis);
    let pages = head.pages(Column::Dictionary(axis));
    assert_eq!((pages.len(), below.len()), (first.len(), first.len() + 1));
    let mut dictionary = Vec::new();
    for (index, id) in pages.enumerate() {
        let Page::Dictionary(DictionaryPage { values, counts }) = page(segment, head, id) else {
            unreachable!()
        };
        assert_eq!(values[0].to_bits(), first[index].to_bits());
        assert_eq!((counts.until(0), counts.until(values.len())), (below[index], below[index + 1]));
        for (position, value) in (1..).zip(&values) {
            let at_most = numbers.iter().filter(|number| number.total_cmp(value).is_le()).count();
            assert_eq!(counts.until(position) as usize, at_most);
        }
        dictionary.extend(values);
    }
    let mut codes = Vec::new();
    for id in head.pages(Column::Codes(axis)) {
        let Page::Codes(page) = page(segment, head, id) else { unreachable!() };
        codes.extend(page.codes(0..page.readings()));
    }
    assert_eq!(codes.len(), numbers.len());
    for (code, number) in codes.iter().zip(numbers) {
        assert_eq!(dictionary[*code as usize].to_bits(), number.to_bits());
    }
}

fn check_sums(numbers: &[f64], segment: &Segment, head: &Head, axis: Axis) {
    let mut runs = numbers.chunks(head.sum_run() as usize);
    for id in head.pages(Column::Sums(axis)) {
        let Page::Sums(sums) = page(segment, head, id) else { unreachable!() };
        for words in sums.words.chunks(sums.words_per_sum) {
            let expected: ExactSum = runs.next().unwrap().iter().copied().collect();
            assert_eq!(ExactInteger::from_words(head.sum_exponent(axis), words), expected.to_integer());
        }
    }
    assert_eq!(runs.next(), None);
}

/// Every multiset of up to four values in x, ascending; other values in other orders in y and z.
#[test]
fn every_small_multiset_of_nasty_values_is_given_back() {
    fn grow(rows: &mut Vec<Row>, from: usize) {
        for (index, value) in NASTY.iter().enumerate().skip(from) {
            let at = |index: usize| NASTY[index % NASTY.len()];
            let values = Axes { x: *value, y: at(NASTY.len() - index), z: at(index * 3 + rows.len()) };
            let time_us = i64::try_from(rows.len()).unwrap();
            rows.push(Row { time_us, id: -time_us, values });
            check(rows, SMALL, Effort::Fast);
            if rows.len() < 4 {
                grow(rows, index);
            }
            rows.pop();
        }
    }
    grow(&mut Vec::new(), 0);
}

proptest! {
    #[test]
    fn rows_in_small_pages_are_given_back(rows in rows(60)) {
        check(&rows, SMALL, Effort::Small);
        check(&rows, SMALL, Effort::Fast);
    }

    #[test]
    fn rows_in_pages_of_one_are_given_back(rows in rows(12)) {
        check(&rows, PageSizes { rows: 1, dictionary: 1, sum_run: 1, sums: 1, block_bytes: 1 }, Effort::Small);
    }

    #[test]
    fn rows_in_pages_of_the_written_size_are_given_back(rows in rows(300)) {
        check(&rows, PageSizes::WRITTEN, Effort::Small);
    }
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let rows = super::plausible_rows(5000);
    for effort in [Effort::Fast, Effort::Small] {
        assert_eq!(Segment::encode(&rows, effort), Segment::encode(&rows, effort));
    }
}
