//! A valid segment with some changed bytes and the right checksums.

#![no_main]

use std::sync::LazyLock;

use arbitrary::Arbitrary;
use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_segment_fuzz::{judge, seal, seal_head};
use libfuzzer_sys::fuzz_target;

/// Segments of different sizes and kinds of readings.
static SEGMENTS: LazyLock<Vec<Segment>> = LazyLock::new(|| {
    let sizes = [1, 3, 30, 200];
    let kinds: [fn(u32) -> f64; 4] = [
        |index| f64::from(noise(index)) * 1e-3,
        |index| f64::from(index / 7 * 7 + noise(index) % 5) / 10.0,
        |index| [1e300, -0.0, 5e-324, f64::MIN, 0.0][index as usize % 5],
        |_| -9.81,
    ];
    let mut segments = Vec::new();
    for (count, effort) in sizes.into_iter().flat_map(|count| [(count, Effort::Fast), (count, Effort::Small)])
    {
        for kind in 0..kinds.len() {
            let number = |axis: usize, index: u32| kinds[(kind + axis) % kinds.len()](index);
            let row = |index| Row {
                time_us: i64::from(index) * 1_000_000 + i64::from(noise(index) % 1_000),
                id: i64::from(index) * 3,
                values: Axes { x: number(0, index), y: number(1, index), z: number(2, index) },
            };
            segments.push(Segment::encode(&(0..count).map(row).collect::<Vec<_>>(), effort).unwrap());
        }
    }
    segments
});

fn noise(index: u32) -> u32 {
    (u64::from(index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as u32
}

#[derive(Arbitrary, Debug)]
struct Input {
    which: u8,
    pages: Vec<Change>,
    head: Vec<Change>,
}

#[derive(Arbitrary, Debug)]
struct Change {
    at: u16,
    flip: u8,
}

fn change(bytes: &mut [u8], changes: &[Change]) {
    for Change { at, flip } in changes {
        let at = usize::from(*at) % bytes.len();
        bytes[at] ^= flip;
    }
}

fuzz_target!(|input: Input| {
    let mut segment = SEGMENTS[usize::from(input.which) % SEGMENTS.len()].clone();
    for block in &mut segment.blocks {
        change(block, &input.pages);
    }
    seal(&mut segment);
    change(&mut segment.head, &input.head);
    seal_head(&mut segment.head);
    judge(&segment);
});
