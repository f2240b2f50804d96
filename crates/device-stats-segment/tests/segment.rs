//! Segments through the public interface.

use device_stats_domain::{Axes, Axis};
use device_stats_segment::{Effort, ExactSquares, ExactSum, Head, Row, Segment};
use proptest::prelude::*;

/// Values that have broken something somewhere.
const NASTY: [f64; 10] =
    [f64::MIN, -1e300, -1.5, -5e-324, -0.0, 0.0, f64::MIN_POSITIVE, 0.1, 1e-300, f64::MAX];

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-500_i32..500).prop_map(|number| f64::from(number) / 100.0),
        2 => prop::sample::select(NASTY.as_slice()),
        1 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ]
}

fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let row = (1_i64..2_000_000, any::<i64>(), value(), value(), value());
    (any::<i32>(), prop::collection::vec(row, 1..most)).prop_map(|(start, rows)| {
        let mut time_us = i64::from(start) * 1_000_000;
        rows.into_iter()
            .map(|(step, id, x, y, z)| {
                time_us += step;
                Row { time_us, id, values: Axes { x, y, z } }
            })
            .collect()
    })
}

fn same_bits(left: &[Row], right: &[Row]) -> bool {
    let bits = |row: &Row| (row.time_us, row.id, row.values.map(f64::to_bits));
    left.iter().map(bits).eq(right.iter().map(bits))
}

fn check(rows: &[Row], effort: Effort) {
    let segment = Segment::encode(rows, effort).unwrap();
    assert!(same_bits(&segment.rows().unwrap(), rows));
    segment.verify().unwrap();
    let head = Head::open(&segment.head).unwrap();
    assert_eq!(head.readings() as usize, rows.len());
    assert_eq!((head.first_us(), head.last_us()), (rows[0].time_us, rows[rows.len() - 1].time_us));
    for axis in Axis::ALL {
        let mut numbers: Vec<f64> = rows
            .iter()
            .map(|row| match axis {
                Axis::X => row.values.x,
                Axis::Y => row.values.y,
                Axis::Z => row.values.z,
            })
            .collect();
        let (mut sum, mut squares) = (ExactSum::default(), ExactSquares::default());
        for number in &numbers {
            sum.add(*number);
            squares.add(*number);
        }
        numbers.sort_by(f64::total_cmp);
        let totals = head.totals(axis);
        assert_eq!(totals.min.to_bits(), numbers[0].to_bits());
        assert_eq!(totals.max.to_bits(), numbers[numbers.len() - 1].to_bits());
        numbers.dedup_by_key(|number| number.to_bits());
        assert_eq!(totals.distinct as usize, numbers.len());
        assert_eq!(totals.sum, sum.to_integer());
        assert_eq!(totals.squares, squares.to_integer());
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(rows in rows(300)) {
        check(&rows, Effort::Small);
        check(&rows, Effort::Fast);
    }
}

/// Many pages of everything.
#[test]
fn a_large_segment() {
    let mut state = 1_u64;
    let mut random = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1 << 31)
    };
    let rows: Vec<Row> = (0..300_000)
        .map(|index| Row {
            time_us: index * 1_000_000,
            id: index,
            values: Axes { x: random(), y: (random() * 1000.0).round() / 100.0, z: random() * 1e-5 },
        })
        .collect();
    check(&rows, Effort::Fast);
}
