//! Compares the lookup, with segments in memory, with a set of times and with the values at these times.

use std::collections::BTreeSet;

use device_stats_domain::Axes;
use device_stats_segment::{Effort, Fault, Row, Segment};

use super::*;
use crate::{SegmentId, open_head};

const DEVICE: DeviceKey = DeviceKey(1);

/// Segments with their ids, in place of a store.
struct Stored(Vec<(SegmentId, Segment)>);

impl Stored {
    fn new(segments: &[&[i64]]) -> Self {
        let segment = |times: &[i64]| {
            let row = |us: &i64| Row { time_us: *us, id: *us, values: values(*us) };
            let rows: Vec<_> = times.iter().map(row).collect();
            Segment::encode(&rows, Effort::Fast).unwrap()
        };
        Self((1..).map(SegmentId).zip(segments.iter().map(|times| segment(times))).collect())
    }

    fn lookup(&self) -> SealedTimes {
        SealedTimes::new(self.0.iter().map(|(id, segment)| {
            let head = open_head(segment).unwrap();
            let (first_us, last_us, readings) = (head.first_us(), head.last_us(), head.readings());
            (DEVICE, SegmentEntry { id: *id, first_us, last_us, readings })
        }))
    }

    fn bytes(&self, key: PieceKey) -> &[u8] {
        let (_, segment) = self.0.iter().find(|(id, _)| *id == key.segment).unwrap();
        match key.piece {
            Piece::Head => &segment.head,
            Piece::Block(number) => &segment.blocks[number as usize],
        }
    }

    /// Returns the answer, and the number of pieces that were read for it.
    fn answer<T>(
        &self,
        times: &mut SealedTimes,
        question: impl Fn(&SealedTimes) -> Result<Lookup<T>, StoreError>,
    ) -> (T, usize) {
        times.trim();
        let mut read = 0;
        for _ in 0..5 {
            match question(times).unwrap() {
                Lookup::Known(answer) => return (answer, read),
                Lookup::Missing(missing) => {
                    assert!(!missing.is_empty());
                    for piece in missing {
                        times.add(&piece, self.bytes(piece.key)).unwrap();
                        read += 1;
                    }
                }
            }
        }
        panic!("a head and pages of times, codes and values do not suffice for an answer");
    }
}

/// Returns the values of the reading at a time: some repeat, and some are on many pages.
fn values(us: i64) -> Axes<f64> {
    let us = f64::from(i32::try_from(us).unwrap());
    Axes { x: us % 7.0, y: -us, z: us / 3.0 }
}

/// Two overlapping segments of several pages, and a short one.
fn times() -> [Vec<i64>; 3] {
    [(0..10_000).map(|n| n * 3).collect(), (0..9_000).map(|n| n * 5 + 7_000).collect(), vec![50_000, 50_010]]
}

#[test]
fn answers_are_those_of_a_set() {
    let segments = times();
    let stored = Stored::new(&segments.each_ref().map(Vec::as_slice));
    let set: BTreeSet<i64> = segments.iter().flatten().copied().collect();
    let mut times = stored.lookup();
    for us in (-10..60_000).step_by(7) {
        let found = stored.answer(&mut times, |times| times.contains(DEVICE, us)).0;
        assert_eq!(found, set.contains(&us), "at {us}");
        for length in [1, 3, 40, 20_000] {
            let (first, last) = (us, us + length - 1);
            let found = stored.answer(&mut times, |times| times.contains_between(DEVICE, first, last)).0;
            assert_eq!(found, set.range(first..=last).next().is_some(), "from {first} to {last}");
            let window = Window { from_us: us, until_us: us + length };
            let found = stored.answer(&mut times, |times| times.newest_us(DEVICE, window)).0;
            assert_eq!(found, set.range(us..us + length).next_back().copied(), "in {window:?}");
        }
    }
    let asked: Vec<_> = (-10..60_000).map(|us| (DEVICE, us)).collect();
    let found = stored.answer(&mut stored.lookup(), |times| times.contains_each(&asked)).0;
    assert!(asked.iter().zip(found).all(|((_, us), is_sealed)| is_sealed == set.contains(us)));
}

#[test]
fn values_are_those_of_the_readings_at_their_times() {
    let segments = times();
    let stored = Stored::new(&segments.each_ref().map(Vec::as_slice));
    let set: BTreeSet<i64> = segments.iter().flatten().copied().collect();
    let asked: Vec<_> = (-10..60_000).map(|us| (DEVICE, us)).collect();
    let found = stored.answer(&mut stored.lookup(), |times| times.values_each(&asked)).0;
    for ((_, us), found) in asked.iter().zip(found) {
        assert_eq!(found, set.contains(us).then(|| values(*us)), "at {us}");
    }
    // A question about one reading needs at most the head, one page of times, and two pages of each axis.
    let mut times = stored.lookup();
    for us in (0..60_000).step_by(997) {
        let (found, read) = stored.answer(&mut times, |times| times.values_each(&[(DEVICE, us)]));
        assert_eq!(found, [set.contains(&us).then(|| values(us))], "at {us}");
        assert!(read <= 2 * 8, "{read} pieces");
    }
    let other = DeviceKey(2);
    assert_eq!(stored.answer(&mut times, |times| times.values_each(&[(other, 3)])), (vec![None], 0));
}

#[test]
fn the_catalogue_alone_answers_outside_of_spans_and_at_their_ends() {
    let segments = times();
    let stored = Stored::new(&segments.each_ref().map(Vec::as_slice));
    let mut times = stored.lookup();
    for (us, expected) in [(-1, false), (0, true), (60_000, false), (50_010, true)] {
        assert_eq!(stored.answer(&mut times, |times| times.contains(DEVICE, us)), (expected, 0), "at {us}");
    }
    let other = DeviceKey(2);
    assert_eq!(stored.answer(&mut times, |times| times.contains(other, 3)), (false, 0));
    assert_eq!(stored.answer(&mut times, |times| times.contains_between(DEVICE, -5, 0)), (true, 0));
    assert_eq!(stored.answer(&mut times, |times| times.newest_us(DEVICE, Window::ALL)), (Some(51_995), 0));
}

#[test]
fn pages_are_kept_until_they_take_too_much_memory() {
    let segments = times();
    let stored = Stored::new(&[&segments[0]]);
    let mut times = stored.lookup();
    let mut ask = |us| stored.answer(&mut times, |times| times.contains(DEVICE, us));
    assert_eq!(ask(4), (false, 2));
    assert_eq!(ask(9), (true, 0));
    times.kept_bytes = KEPT_BYTES_MAX + 1;
    assert_eq!(stored.answer(&mut times, |times| times.contains(DEVICE, 9)), (true, 2));
}

#[test]
fn a_lookup_of_new_segments_leaves_out_the_known_ones() {
    let segments = times();
    let stored = Stored::new(&segments.each_ref().map(Vec::as_slice));
    let all = stored.lookup();
    let listed = || all.segments.iter().map(|segment| (segment.device, segment.entry));
    assert!(all.with_unknown(listed()).segments.is_empty());
    let first = SealedTimes::new(listed().take(1));
    assert_eq!(first.with_unknown(listed()).segments.len(), 2);
}

#[test]
fn wrong_bytes_are_corrupt_and_foreign_pieces_are_broken() {
    let segments = times();
    let stored = Stored::new(&segments.each_ref().map(Vec::as_slice));
    let missing = |times: &SealedTimes| match times.contains(DEVICE, 4).unwrap() {
        Lookup::Missing(mut missing) => missing.remove(0),
        Lookup::Known(answer) => panic!("{answer} without a read"),
    };
    let fault = |added: Result<(), StoreError>| match added {
        Err(StoreError::Corrupt { device: DEVICE, segment: SegmentId(1), fault }) => fault,
        added => panic!("{added:?}"),
    };
    let mut times = stored.lookup();
    let head = missing(&times);
    assert!(matches!(fault(times.add(&head, &stored.0[1].1.head)), Fault::Inconsistent { .. }));
    times.add(&head, stored.bytes(head.key)).unwrap();
    let block = missing(&times);
    let bytes = stored.bytes(block.key);
    assert!(matches!(fault(times.add(&block, &bytes[..1])), Fault::WrongLength { .. }));
    let mut flipped = bytes.to_vec();
    flipped[5] ^= 1;
    assert!(matches!(fault(times.add(&block, &flipped)), Fault::WrongChecksum { .. }));
    assert!(matches!(SealedTimes::new([]).add(&block, bytes), Err(StoreError::Broken(_))));
    assert!(matches!(stored.lookup().add(&block, bytes), Err(StoreError::Broken(_))));
}
