//! Encodes any rows. The segment returns them and can be verified; merging segments of some of the rows gives
//! the same bytes.

#![no_main]

use arbitrary::Arbitrary;
use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_segment_fuzz::judge;
use libfuzzer_sys::fuzz_target;

/// Maximum number of readings. A larger number only takes longer.
const READINGS_MAX: usize = 600;

#[derive(Arbitrary, Debug)]
struct Input {
    small: bool,
    readings: Vec<Reading>,
    /// Number of times that all readings are repeated.
    again: u8,
    /// Every n-th reading goes to another segment, to be merged.
    apart: u8,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Reading {
    step: u16,
    id: i64,
    x: f64,
    y: f32,
    z: i8,
}

fn rows(input: &Input) -> Vec<Row> {
    let mut time_us = 0;
    let readings = input.readings.iter().cycle().take(input.readings.len() * (1 + usize::from(input.again)));
    let finite = |number: f64| if number.is_finite() { number } else { 0.0 };
    let rows = readings.take(READINGS_MAX).map(|reading| {
        time_us += 1 + i64::from(reading.step);
        let values = Axes { x: finite(reading.x), y: finite(reading.y.into()), z: reading.z.into() };
        Row { time_us, id: reading.id, values }
    });
    rows.collect()
}

fuzz_target!(|input: Input| {
    let effort = if input.small { Effort::Small } else { Effort::Fast };
    let rows = rows(&input);
    let Ok(segment) = Segment::encode(&rows, effort) else { return };
    assert_eq!(segment.rows().unwrap(), rows);
    judge(&segment);
    let (left, right): (Vec<Row>, Vec<Row>) =
        rows.iter().partition(|row| row.time_us % (i64::from(input.apart) + 2) == 0);
    let parts = [left, right].into_iter().filter(|rows| !rows.is_empty());
    let parts: Vec<Segment> = parts.map(|rows| Segment::encode(&rows, Effort::Fast).unwrap()).collect();
    assert_eq!(Segment::merge(&parts, effort).unwrap(), segment);
});
