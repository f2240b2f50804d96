//! A valid segment of which some bytes were changed, with the right checksums.

#![no_main]

use arbitrary::Arbitrary;
use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_segment_fuzz::{judge, seal, seal_head};
use libfuzzer_sys::fuzz_target;

/// More readings only take longer.
const READINGS_MAX: usize = 600;

#[derive(Arbitrary, Debug)]
struct Input {
    small: bool,
    rows: Vec<Reading>,
    /// How often all of them come, one after another.
    repeated: u8,
    pages: Vec<Change>,
    head: Vec<Change>,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Reading {
    step: u16,
    id: i16,
    x: f64,
    y: f32,
    z: i8,
}

#[derive(Arbitrary, Debug)]
struct Change {
    at: u16,
    flip: u8,
}

fn rows(input: &Input) -> Vec<Row> {
    let mut time_us = 0;
    let readings = input.rows.iter().cycle().take(input.rows.len() * (1 + usize::from(input.repeated)));
    let finite = |number: f64| if number.is_finite() { number } else { 0.0 };
    let rows = readings.take(READINGS_MAX).map(|reading| {
        time_us += 1 + i64::from(reading.step);
        let values = Axes { x: finite(reading.x), y: finite(reading.y.into()), z: reading.z.into() };
        Row { time_us, id: reading.id.into(), values }
    });
    rows.collect()
}

fn change(bytes: &mut [u8], changes: &[Change]) {
    for Change { at, flip } in changes {
        if !bytes.is_empty() {
            let at = usize::from(*at) % bytes.len();
            bytes[at] ^= flip;
        }
    }
}

fuzz_target!(|input: Input| {
    let effort = if input.small { Effort::Small } else { Effort::Fast };
    let Ok(mut segment) = Segment::encode(&rows(&input), effort) else { return };
    for block in &mut segment.blocks {
        change(block, &input.pages);
    }
    seal(&mut segment);
    change(&mut segment.head, &input.head);
    seal_head(&mut segment.head);
    judge(&segment);
});
