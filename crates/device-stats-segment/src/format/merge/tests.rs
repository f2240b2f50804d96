//! Merging is the same as encoding everything at once.

use device_stats_domain::Axes;
use proptest::prelude::*;

use super::{MergeError, merge};
use crate::format::segment::tests::{plausible_rows, rows};
use crate::{Effort, Fault, READINGS_MAX, Row, Segment};

fn encode(rows: &[Row]) -> Segment {
    Segment::encode(rows, Effort::Fast).unwrap()
}

proptest! {
    /// Each row goes to any of four segments; those that get none do not exist.
    #[test]
    fn of_any_split(rows in rows(200), to in prop::collection::vec(0_u8..4, 200)) {
        let part = |part| {
            let of_part = rows.iter().zip(&to).filter(|(_, to)| **to == part).map(|(row, _)| *row);
            of_part.collect::<Vec<_>>()
        };
        let parts: Vec<Segment> =
            (0..4).map(part).filter(|rows| !rows.is_empty()).map(|rows| encode(&rows)).collect();
        for effort in [Effort::Fast, Effort::Small] {
            prop_assert_eq!(merge(&parts, effort), Ok(Segment::encode(&rows, effort).unwrap()));
        }
    }

    /// In whatever order they come.
    #[test]
    fn of_slices(rows in rows(200), size in 1_usize..100) {
        let mut parts: Vec<Segment> = rows.chunks(size).map(encode).collect();
        parts.reverse();
        prop_assert_eq!(merge(&parts, Effort::Small), Ok(Segment::encode(&rows, Effort::Small).unwrap()));
    }
}

/// Enough for many pages, and for the sort that only many values get.
#[test]
fn of_large_segments() {
    let rows = plausible_rows(40_000);
    let (even, odd): (Vec<Row>, Vec<Row>) = rows.iter().partition(|row| row.id % 2 == 0);
    let parts = [encode(&rows[..10_000]), encode(&rows[10_000..])];
    assert_eq!(merge(&parts, Effort::Fast).unwrap(), encode(&rows));
    assert_eq!(merge(&[encode(&odd), encode(&even)], Effort::Fast).unwrap(), encode(&rows));
}

#[test]
fn what_cannot_be_merged() {
    let rows = plausible_rows(50);
    assert_eq!(merge(&[], Effort::Fast), Err(MergeError::Empty));
    let twice = [encode(&rows[..30]), encode(&rows[29..])];
    assert_eq!(merge(&twice, Effort::Fast), Err(MergeError::SameTime { time_us: rows[29].time_us }));
    let mut broken = encode(&rows[30..]);
    broken.blocks[0][0] ^= 1;
    let source = Fault::WrongChecksum { part: "page 0 of the times".to_owned() };
    let unreadable = MergeError::Unreadable { index: 1, source };
    assert_eq!(merge(&[encode(&rows[..30]), broken], Effort::Fast), Err(unreadable));
    let row = |time_us| Row { time_us, id: 0, values: Axes::default() };
    let half: Vec<Row> = (0..i64::from(READINGS_MAX / 2)).map(row).collect();
    let parts = [encode(&half), encode(&plausible_rows(READINGS_MAX / 2)), encode(&[row(-1)])];
    assert_eq!(merge(&parts, Effort::Fast), Err(MergeError::TooMany));
    let most = merge(&parts[..2], Effort::Fast).unwrap();
    most.verify().unwrap();
}
