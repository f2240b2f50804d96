//! The readings in the golden files. They never change.

use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row};

/// The name of a golden file, the effort it was written with, and its rows.
pub(crate) type Golden = (&'static str, Effort, Vec<Row>);

/// Returns all golden files of version 1.
pub(crate) fn golden() -> [Golden; 4] {
    [
        ("version-1-one", Effort::Fast, extreme(1)),
        ("version-1-extreme", Effort::Small, extreme(500)),
        ("version-1-fast", Effort::Fast, plain(10_000)),
        ("version-1-small", Effort::Small, plain(10_000)),
    ]
}

/// Returns readings of three sensors: drifting in steps of 1/100, of full precision, and mostly at rest.
fn plain(count: u32) -> Vec<Row> {
    let mut state = 7_u64;
    let mut random = |below: u32| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(state >> 33).unwrap() % below
    };
    let (mut time_us, mut drift) = (1_767_225_600_000_000, 0_i32);
    (0..count)
        .map(|index| {
            time_us += 10_000 + i64::from(random(300));
            drift += i32::try_from(random(21)).unwrap() - 10;
            let values = Axes {
                x: f64::from(drift) / 100.0,
                y: f64::from(random(u32::MAX)) / 1e7 - 100.0,
                z: if random(10) == 0 { f64::from(random(5)) } else { -9.81 },
            };
            Row { time_us, id: i64::from(index) * 3 + 1_000, values }
        })
        .collect()
}

/// Returns the ends of every range: run sums of 34 words, zeros of both signs, times and ids of any size.
fn extreme(count: u32) -> Vec<Row> {
    let numbers =
        [f64::MAX, -0.0, 5e-324, f64::MIN, 0.0, 1e-300, 1.5, -5e-324, f64::MIN_POSITIVE, 0.1, 1e300];
    let number = |index: u32| numbers[index as usize % numbers.len()];
    (0..count)
        .map(|index| {
            let step = i64::from(index) * (i64::MAX / i64::from(count));
            let values = Axes { x: number(index), y: number(index * index), z: number(0) };
            Row { time_us: i64::MIN + step + step, id: [i64::MIN, i64::MAX, -1][index as usize % 3], values }
        })
        .collect()
}
