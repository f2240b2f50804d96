//! Tests of the plan, without a store: the number of segments of a device, and the number of times that each
//! reading is written.

use device_stats_domain::Axes;
use device_stats_store::SegmentId;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Maximum number of times that a reading is written: once when it is sealed, and once by each merge. Each
/// merge moves it to a higher tier.
const WRITES_MAX: u32 = 8;

/// The segments of a device, each with the number of times that its readings have been written.
#[derive(Default)]
struct Device {
    segments: Vec<(SegmentEntry, u32)>,
    last_id: i64,
    end_us: i64,
}

impl Device {
    fn add(&mut self, first_us: i64, last_us: i64, readings: u32, writes: u32) {
        self.last_id += 1;
        let entry = SegmentEntry { id: SegmentId(self.last_id), first_us, last_us, readings };
        self.segments.push((entry, writes));
        self.end_us = self.end_us.max(last_us);
    }

    /// Seals readings, one per microsecond, after a gap.
    fn seal(&mut self, readings: u32, gap_us: i64) {
        let first_us = self.end_us + gap_us + 1;
        self.add(first_us, first_us + i64::from(readings) - 1, readings, 1);
    }

    fn entries(&self) -> Vec<SegmentEntry> {
        self.segments.iter().map(|(entry, _)| *entry).collect()
    }

    fn readings(&self) -> u64 {
        self.segments.iter().map(|(entry, _)| u64::from(entry.readings)).sum()
    }

    fn most_writes(&self) -> u32 {
        self.segments.iter().map(|(_, writes)| *writes).max().unwrap_or_default()
    }

    fn overlaps(&self) -> usize {
        let mut entries = self.entries();
        entries.sort_by_key(|entry| entry.first_us);
        entries.windows(2).filter(|pair| pair[1].first_us <= pair[0].last_us).count()
    }

    /// Merges until there is nothing to merge.
    fn merge(&mut self, goal: MergeGoal) {
        while let Some(run) = next_merge(&self.entries(), goal) {
            assert!(run.len() > 1, "{run:?}");
            let readings: u32 = run.iter().map(|entry| entry.readings).sum();
            assert!(readings <= SEGMENT_READINGS, "{readings} readings of {run:?}");
            let first_us = run.iter().map(|entry| entry.first_us).min().unwrap();
            let last_us = run.iter().map(|entry| entry.last_us).max().unwrap();
            let is_merged = |entry: &SegmentEntry| run.iter().any(|other| other.id == entry.id);
            let merged: Vec<_> = self.segments.extract_if(.., |(entry, _)| is_merged(entry)).collect();
            assert_eq!(merged.len(), run.len(), "{run:?} is missing");
            let writes = merged.iter().map(|(_, writes)| *writes).max().unwrap();
            self.add(first_us, last_us, readings, writes + 1);
        }
    }

    fn full(&self) -> usize {
        self.segments.iter().filter(|(entry, _)| is_full(entry)).count()
    }

    fn small(&self) -> usize {
        self.segments.len() - self.full()
    }
}

/// The numbers of segments of a steady device are like digits in base eight: eight segments of 4,096 readings
/// become one of 32,768, and eight of these become one of 262,144.
#[test]
fn steady_seals_make_few_segments_and_three_writes() {
    let mut device = Device::default();
    for seals in 1..=1_000_usize {
        device.seal(4_096, 0);
        device.merge(MergeGoal::Steady);
        assert_eq!(device.segments.len(), seals / 64 + seals / 8 % 8 + seals % 8, "after {seals} seals");
        assert_eq!(device.overlaps(), 0);
        assert!(device.most_writes() <= 3);
    }
    assert_eq!(device.readings(), 4_096_000);
}

#[test]
fn one_late_reading_per_seal_leaves_few_segments() {
    let mut device = Device::default();
    let mut state = 1_u64;
    for seals in 1..=2_000_u32 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        device.seal(4_096, 0);
        let late_us = i64::try_from(state >> 33).unwrap() % device.end_us;
        device.add(late_us, late_us, 1, 1);
        device.merge(MergeGoal::Steady);
        assert!(
            device.small() <= 6 * (MERGE_SIMILAR_SEGMENTS - 1),
            "{} small segments after {seals}",
            device.small()
        );
        assert!(device.most_writes() <= WRITES_MAX);
    }
    // The late readings do not prevent full segments of the other readings.
    assert!(device.full() >= 30, "{}", device.full());
}

#[test]
fn many_segments_at_once_are_merged_in_order() {
    let mut device = Device::default();
    (0..640).for_each(|_| device.seal(4_096, 3));
    device.merge(MergeGoal::Steady);
    assert_eq!((device.full(), device.small(), device.overlaps()), (10, 0, 0));
    assert!(device.most_writes() <= 3);
}

/// A late segment between two of the same size is a neighbour of both, whether they overlap or not.
#[test]
fn an_overlapping_segment_is_merged_with_its_neighbours() {
    let mut device = Device::default();
    (0..7).for_each(|_| device.seal(4_096, 0));
    device.add(5_000, 20_000, 4_096, 1);
    device.merge(MergeGoal::Steady);
    assert_eq!(device.segments.len(), 1);
}

#[test]
fn late_readings_get_their_own_segments() {
    let row = |time_us| Row { time_us, id: 1, values: Axes { x: 0.0, y: 0.0, z: 0.0 } };
    let rows = [1, 5, 10, 11, 30].map(row);
    let segment =
        |first_us, last_us| SegmentEntry { id: SegmentId(first_us), first_us, last_us, readings: 2 };
    let split = |segments: &[SegmentEntry]| {
        let chunks = split_hot(&rows, segments);
        chunks.map(|chunk| chunk.iter().map(|row| row.time_us).collect()).collect::<Vec<Vec<_>>>()
    };
    assert_eq!(split(&[]), [[1, 5, 10, 11, 30]]);
    assert_eq!(split(&[segment(0, 9), segment(10, 20)]), [&[1, 5][..], &[10, 11, 30]]);
    assert_eq!(split(&[segment(0, 100)]), [[1, 5, 10, 11, 30]]);
    assert_eq!(split(&[segment(40, 50), segment(0, 100)]), [[1, 5, 10, 11, 30]]);
    assert_eq!(split_hot(&[], &[segment(0, 9)]).count(), 0);
    let many: Vec<_> = (0..=i64::from(SEGMENT_READINGS)).map(row).collect();
    let counts: Vec<_> = split_hot(&many, &[]).map(<[Row]>::len).collect();
    assert_eq!(counts, [SEGMENT_READINGS as usize, 1]);
}

/// A seal of readings in order, or of late readings.
#[derive(Clone, Debug)]
enum Seal {
    InOrder { readings: u32, gap_us: i64 },
    Late { readings: u32, from: f64, span_us: i64 },
}

fn seal() -> impl Strategy<Value = Seal> {
    let readings =
        || prop_oneof![4 => 1..100_u32, 4 => 1..9_000_u32, 2 => Just(4_096_u32), 1 => 1..=SEGMENT_READINGS];
    prop_oneof![
        4 => (readings(), 0..1_000_i64).prop_map(|(readings, gap_us)| Seal::InOrder { readings, gap_us }),
        1 => (readings(), 0.0..1.0, 0..1_000_000_i64)
            .prop_map(|(readings, from, span_us)| Seal::Late { readings, from, span_us }),
    ]
}

proptest! {
    #[test]
    fn any_seals_leave_few_segments_and_bounded_writes(seals in vec(seal(), 1..300), every in 1..40_usize) {
        let mut device = Device::default();
        let mut readings = 0;
        for (n, seal) in seals.into_iter().enumerate() {
            match seal {
                Seal::InOrder { readings: count, gap_us } => {
                    device.seal(count, gap_us);
                    readings += u64::from(count);
                }
                Seal::Late { readings: count, from, span_us } => {
                    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any will do")]
                    let first_us = (device.end_us as f64 * from) as i64;
                    device.add(first_us, first_us + span_us, count, 1);
                    readings += u64::from(count);
                }
            }
            if n % every == 0 {
                device.merge(MergeGoal::Steady);
                prop_assert!(device.small() <= 6 * (MERGE_SIMILAR_SEGMENTS - 1), "{} small segments", device.small());
            }
        }
        device.merge(MergeGoal::Steady);
        prop_assert!(device.most_writes() <= WRITES_MAX, "{} writes", device.most_writes());
        prop_assert_eq!(device.readings(), readings);
        let full = device.full() as u64;
        prop_assert!(full <= readings / u64::from(SEGMENT_READINGS / 2), "{full} full segments of {readings}");

        device.merge(MergeGoal::Compact);
        prop_assert_eq!(device.readings(), readings);
        let mut entries = device.entries();
        entries.sort_by_key(|entry| (entry.first_us, entry.id));
        prop_assert!(entries.windows(2).all(|pair| is_full(&pair[0]) || is_full(&pair[1])));
    }
}
