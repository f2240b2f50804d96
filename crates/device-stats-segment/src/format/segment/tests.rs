//! Segments with small pages, so that few readings fill many pages.

mod contents;
mod faults;
mod forgery;

use device_stats_domain::Axes;
use proptest::prelude::*;

use super::write::write;
use crate::format::columns::Columns;
use crate::format::page_layout::PageSizes;
use crate::{Effort, Row, Segment};

/// Values that are prone to errors.
pub(crate) const NASTY: [f64; 10] =
    [f64::MIN, -1e300, -1.5, -5e-324, -0.0, 0.0, f64::MIN_POSITIVE, 0.1, 1e-300, f64::MAX];

/// Sizes such that a few readings fill a page, and a few pages a block.
pub(crate) const SMALL: PageSizes =
    PageSizes { rows: 7, dictionary: 3, sum_run: 2, sums: 5, block_bytes: 64 };

pub(crate) fn encode(rows: &[Row], sizes: PageSizes, effort: Effort) -> Segment {
    write(&Columns::from_rows(rows, sizes.sum_run).unwrap(), sizes, effort).unwrap()
}

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => (-50_i32..50).prop_map(|number| f64::from(number) / 10.0),
        2 => prop::sample::select(NASTY.as_slice()),
        1 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ]
}

/// Generates from one to `most` rows.
pub(crate) fn rows(most: usize) -> impl Strategy<Value = Vec<Row>> {
    let step = prop_oneof![3 => 1_i64..2_000_000, 1 => Just(1_000_000)];
    let row = (step, any::<i64>(), value(), value(), value());
    (any::<i32>(), prop::collection::vec(row, 1..=most)).prop_map(|(start, rows)| {
        let mut time_us = i64::from(start) * 1_000_000;
        let rows = rows.into_iter().map(|(step, id, x, y, z)| {
            time_us += step;
            Row { time_us, id, values: Axes { x, y, z } }
        });
        rows.collect()
    })
}

/// Returns rows of a plausible device: smooth, rounded, and noisy values.
pub(crate) fn plausible_rows(count: u32) -> Vec<Row> {
    let mut state = 1_u64;
    let mut noise = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        f64::from(u32::try_from(state >> 32).unwrap()) / f64::from(u32::MAX)
    };
    (0..count)
        .map(|index| {
            let values = Axes {
                x: (f64::from(index) / 40.0).sin() + noise(),
                y: (noise() * 100.0).round() / 100.0,
                z: noise() * 1e-5 - 1.0,
            };
            Row {
                time_us: 1_700_000_000_000_000 + i64::from(index) * 10_000,
                id: i64::from(index) + 7,
                values,
            }
        })
        .collect()
}

/// Returns whether rows have the same bits.
pub(crate) fn same_bits(left: &[Row], right: &[Row]) -> bool {
    let bits = |row: &Row| (row.time_us, row.id, row.values.map(f64::to_bits));
    left.iter().map(bits).eq(right.iter().map(bits))
}
