//! Segments forged with the right checksums: reading never panics, and a verified segment is consistent.

use device_stats_domain::Axis;
use device_stats_exact::ExactInteger;
use proptest::prelude::*;

use super::{SMALL, encode, plausible_rows, rows, same_bits};
use crate::format::columns::Columns;
use crate::format::head::head_fields::HeadFields;
use crate::format::segment::write::write;
use crate::{Effort, Segment};

/// A changed byte: its relative position, and its new value.
type Change = (prop::sample::Index, u8);

/// Writes the right checksums into a segment, if its head can still be read.
fn seal(segment: &mut Segment) {
    seal_head(&mut segment.head);
    let Ok((mut fields, _)) = HeadFields::read(&segment.head) else { return };
    let mut rest = segment.blocks.concat();
    for page in &mut fields.pages {
        let others = rest.split_off((page.length as usize).min(rest.len()));
        page.checksum = crc32fast::hash(&rest);
        rest = others;
    }
    segment.head = fields.write();
}

fn seal_head(head: &mut [u8]) {
    if let Some((summed, checksum)) = head.split_last_chunk_mut::<4>() {
        *checksum = crc32fast::hash(summed).to_le_bytes();
    }
}

/// Reads a segment. Asserts that the head of a verified segment matches its rows.
fn judge(segment: &Segment) {
    let rows = segment.rows();
    if segment.verify().is_ok() {
        let rows = rows.expect("a verified segment can be read");
        let (fields, _) = HeadFields::read(&segment.head).unwrap();
        let again = encode(&rows, fields.sizes, Effort::Fast);
        let (of_rows, _) = HeadFields::read(&again.head).unwrap();
        for axis in Axis::ALL {
            let (said, is) = (fields.axes.get(axis), of_rows.axes.get(axis));
            assert_eq!(
                (said.max.to_bits(), &said.sum, &said.squares),
                (is.max.to_bits(), &is.sum, &is.squares)
            );
            assert_eq!((said.distinct, &said.first, &said.below), (is.distinct, &is.first, &is.below));
        }
        assert_eq!((fields.last_us, &fields.time_fences), (of_rows.last_us, &of_rows.time_fences));
    }
}

fn change(bytes: &mut [u8], changes: &[Change]) {
    for (index, value) in changes {
        if !bytes.is_empty() {
            let index = index.index(bytes.len());
            bytes[index] = *value;
        }
    }
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    let value = prop_oneof![any::<u8>(), Just(0), Just(u8::MAX), Just(1), Just(0x80)];
    prop::collection::vec((any::<prop::sample::Index>(), value), 0..4)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_bytes_are_found_or_harmless(rows in rows(40), head in changes(), block in changes()) {
        let mut segment = encode(&rows, SMALL, Effort::Small);
        change(&mut segment.head, &head);
        for bytes in &mut segment.blocks {
            change(bytes, &block);
        }
        seal(&mut segment);
        judge(&segment);
    }

    #[test]
    fn any_head_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let mut head = encode(&plausible_rows(1), SMALL, Effort::Small).head;
        head.truncate(10);
        head.extend(bytes);
        seal_head(&mut head);
        judge(&Segment { head, blocks: vec![Vec::new()] });
    }
}

/// Well-formed segments that contradict their readings.
#[test]
fn false_statements_are_found_by_verification() {
    let mut rows = plausible_rows(60);
    for row in &mut rows {
        row.values.y = if row.id % 3 == 0 { 1.0 } else { 2.0 };
    }
    let fault = |falsify: fn(&mut Columns)| {
        let mut columns = Columns::from_rows(&rows, SMALL.sum_run).unwrap();
        falsify(&mut columns);
        let segment = write(&columns, SMALL, Effort::Small).unwrap();
        assert!(same_bits(&segment.rows().unwrap(), &rows), "only verification checks it");
        segment.verify().unwrap_err().to_string()
    };
    assert_eq!(
        fault(|columns| columns.axes.y.dictionary.counts = vec![21, 39]),
        "page 0 of the dictionary of y is inconsistent: its counts are not those of the codes",
    );
    assert_eq!(
        fault(|columns| columns.axes.z.sums.word_columns[0][17] += 1),
        "page 3 of the sums of z is inconsistent: it is not the sum of the values",
    );
    assert_eq!(
        fault(|columns| columns.axes.x.sums.total = ExactInteger::from_words(0, &[7])),
        "the head is inconsistent: its sums are not those of the values",
    );
    assert_eq!(
        fault(|columns| columns.axes.x.squares = ExactInteger::from_words(0, &[7])),
        "the head is inconsistent: its sums are not those of the values",
    );
}

/// Every byte of a head and of its pages, with a few other values each.
#[test]
fn every_changed_byte_is_found_or_harmless() {
    let segment = encode(&plausible_rows(20), SMALL, Effort::Small);
    let blocks: usize = segment.blocks.iter().map(Vec::len).sum();
    for index in 0..segment.head.len() + blocks {
        for change in [1, 0x80, 0xff, 0x13] {
            let mut forged = segment.clone();
            let mut bytes = forged.head.iter_mut().chain(forged.blocks.iter_mut().flatten());
            *bytes.nth(index).unwrap() ^= change;
            seal(&mut forged);
            judge(&forged);
        }
    }
}
