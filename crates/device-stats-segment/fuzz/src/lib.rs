//! Shared code of the fuzz targets: checksums of changed bytes, and assertions that hold for any bytes.

use device_stats_domain::{Axes, Axis};
use device_stats_exact::ExactSum;
use device_stats_segment::{Column, Effort, Head, Segment};

/// Size of the checksum at the end of a head, in bytes.
const CHECKSUM_BYTES: usize = 4;
/// Size of an entry of the directory, in bytes: length and checksum of a page. The directory ends before the
/// checksum of the head.
const ENTRY_BYTES: usize = 8;

/// Returns all columns in the order of their pages.
fn columns() -> impl Iterator<Item = Column> {
    let of_axis = |axis| [Column::Dictionary(axis), Column::Codes(axis), Column::Sums(axis)];
    [Column::Times].into_iter().chain(Axis::ALL.into_iter().flat_map(of_axis)).chain([Column::Ids])
}

/// Writes the checksum of a head at its end.
pub fn seal_head(head: &mut [u8]) {
    if let Some((summed, checksum)) = head.split_last_chunk_mut::<CHECKSUM_BYTES>() {
        *checksum = crc32fast::hash(summed).to_le_bytes();
    }
}

/// Writes the checksums of all pages and of the head, if the head can be opened.
pub fn seal(segment: &mut Segment) {
    let Ok(head) = Head::open(&segment.head) else { return };
    let pages: Vec<_> = columns().flat_map(|column| head.pages(column)).collect();
    let directory = segment.head.len() - CHECKSUM_BYTES - ENTRY_BYTES * pages.len();
    for (index, page) in pages.into_iter().enumerate() {
        let range = head.block_range(page).unwrap();
        let bytes = segment.blocks.get(range.block as usize).and_then(|block| block.get(range.bytes));
        let checksum = directory + index * ENTRY_BYTES + ENTRY_BYTES - CHECKSUM_BYTES;
        segment.head[checksum..checksum + CHECKSUM_BYTES]
            .copy_from_slice(&crc32fast::hash(bytes.unwrap_or_default()).to_le_bytes());
    }
    seal_head(&mut segment.head);
}

/// Reads the whole segment, which must not panic. Asserts that a verified segment is consistent.
pub fn judge(segment: &Segment) {
    let Ok(head) = Head::open(&segment.head) else {
        assert!(segment.rows().is_err() && segment.verify().is_err());
        return;
    };
    for page in columns().flat_map(|column| head.pages(column)) {
        let range = head.block_range(page).unwrap();
        let bytes = segment.blocks.get(range.block as usize).and_then(|block| block.get(range.bytes));
        let _ = head.decode(page, bytes.unwrap_or_default());
    }
    if segment.verify().is_ok() {
        let rows = segment.rows().expect("a verified segment can be read");
        let again = Segment::encode(&rows, Effort::Fast).expect("rows of a segment can be encoded");
        assert_eq!(again.rows().expect("an encoded segment can be read"), rows);
        for (axis, numbers) in Axis::ALL.into_iter().zip(numbers(&rows)) {
            let sum: ExactSum = numbers.iter().copied().collect();
            let totals = head.totals(axis);
            assert_eq!(totals.sum, sum.to_integer());
            assert_eq!(
                numbers.iter().copied().min_by(f64::total_cmp).map(f64::to_bits),
                Some(totals.min.to_bits())
            );
            assert_eq!(
                numbers.iter().copied().max_by(f64::total_cmp).map(f64::to_bits),
                Some(totals.max.to_bits())
            );
        }
    }
}

fn numbers(rows: &[device_stats_segment::Row]) -> [Vec<f64>; 3] {
    let of = |number: fn(&Axes<f64>) -> f64| rows.iter().map(|row| number(&row.values)).collect();
    [of(|values| values.x), of(|values| values.y), of(|values| values.z)]
}
