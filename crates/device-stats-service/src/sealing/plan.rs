//! The plan of sealing and merging: pure functions of the hot readings and segments of a device.
//!
//! Segments are sorted by first time. A segment with more than half of [`SEGMENT_READINGS`] is *full* and is
//! not merged. Neighbours that are not full are merged in two cases: together they have [`MERGE_GROWTH`]
//! times as many readings as the largest of them, or they fill a segment because the next one no longer fits.
//! Each merge of a reading therefore puts it into a segment that is eight times as large, or full. If a
//! device is sealed about 4,000 readings at a time, each reading is written three times.
//!
//! Late readings can leave small segments between full ones, where they have no neighbours to merge with.
//! Segments of about the same size (of one *tier*: 1 to 7 readings, 8 to 63, 64 to 511, ...) are therefore
//! also merged across other segments, once a tier has [`MERGE_SIMILAR_SEGMENTS`] of them. The merge takes
//! consecutive segments of the tier, chosen so that the new segment overlaps the fewest others. A device thus
//! has fewer than [`MERGE_SIMILAR_SEGMENTS`] segments in each of the six tiers, besides its full segments.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::limits::{MERGE_GROWTH, MERGE_SIMILAR_SEGMENTS, SEGMENT_READINGS};

use device_stats_segment::Row;
use device_stats_store::SegmentEntry;

/// Goal of merging.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeGoal {
    /// Few segments at low cost, while the device keeps sending.
    Steady,
    /// As few segments as possible: of two neighbours, at least one is full.
    Compact,
}

/// Splits the hot readings of a device into the readings of each new segment. The readings ascend in time.
/// Late readings, with times before the start of the last segment, get their own segments, so that they do
/// not extend the spans of the other new segments.
pub(super) fn split_hot<'r>(rows: &'r [Row], segments: &[SegmentEntry]) -> impl Iterator<Item = &'r [Row]> {
    let last_start = segments.iter().map(|segment| segment.first_us).max().unwrap_or(i64::MIN);
    let (late, others) = rows.split_at(rows.partition_point(|row| row.time_us < last_start));
    let readings_max = SEGMENT_READINGS as usize;
    late.chunks(readings_max).chain(others.chunks(readings_max))
}

/// Returns the segments of a device to merge next, by first time; `None` if there is nothing to merge.
pub(super) fn next_merge(segments: &[SegmentEntry], goal: MergeGoal) -> Option<Vec<SegmentEntry>> {
    let mut sorted = segments.to_vec();
    sorted.sort_unstable_by_key(|segment| (segment.first_us, segment.id));
    let mut neighbours = sorted.chunk_by(|left, right| !is_full(left) && !is_full(right)).peekable();
    while let Some(stretch) = neighbours.next() {
        let run = match goal {
            MergeGoal::Steady => growing_run(stretch, neighbours.peek().is_some()),
            MergeGoal::Compact => fitting_run(stretch),
        };
        if run.is_some() {
            return run.map(<[SegmentEntry]>::to_vec);
        }
    }
    crowded_tier(&sorted)
}

fn is_full(segment: &SegmentEntry) -> bool {
    segment.readings > SEGMENT_READINGS / 2
}

/// Returns neighbours whose merged segment is [`MERGE_GROWTH`] times as large as each of them, or full.
/// `is_final` states that a full segment follows, so that no neighbour will be added.
fn growing_run(stretch: &[SegmentEntry], is_final: bool) -> Option<&[SegmentEntry]> {
    (0..stretch.len()).find_map(|from| {
        let tail = stretch.get(from..)?;
        let (mut readings, mut largest, mut fit) = (0, 0, 0);
        for segment in tail {
            if readings + segment.readings > SEGMENT_READINGS {
                break;
            }
            readings += segment.readings;
            largest = largest.max(segment.readings);
            fit += 1;
            if largest.saturating_mul(MERGE_GROWTH) <= readings {
                return tail.get(..fit);
            }
        }
        let is_complete = fit < tail.len() || is_final;
        (is_complete && fit > 1 && readings > SEGMENT_READINGS / 2).then(|| tail.get(..fit))?
    })
}

/// Returns the first neighbours that fit into one segment.
fn fitting_run(stretch: &[SegmentEntry]) -> Option<&[SegmentEntry]> {
    let mut readings = 0;
    let fit = stretch.iter().take_while(|segment| {
        readings += segment.readings;
        readings <= SEGMENT_READINGS
    });
    let fit = fit.count();
    (fit > 1).then(|| stretch.get(..fit))?
}

/// Returns consecutive segments of a tier that has [`MERGE_SIMILAR_SEGMENTS`] or more. Chooses the run with a
/// merged segment that overlaps the fewest other segments.
fn crowded_tier(sorted: &[SegmentEntry]) -> Option<Vec<SegmentEntry>> {
    let mut tiers: BTreeMap<u32, Vec<SegmentEntry>> = BTreeMap::new();
    for segment in sorted.iter().filter(|segment| !is_full(segment)) {
        let tier = segment.readings.max(1).ilog(MERGE_GROWTH);
        tiers.entry(tier).or_default().push(*segment);
    }
    let tier = tiers.into_values().find(|tier| tier.len() >= MERGE_SIMILAR_SEGMENTS)?;
    let runs = (0..tier.len()).filter_map(|from| {
        let mut readings = 0;
        let tail = tier.get(from..)?;
        let fit = tail.iter().take(MERGE_GROWTH as usize).take_while(|segment| {
            readings += segment.readings;
            readings <= SEGMENT_READINGS
        });
        let fit = fit.count();
        // At the end of the tier, a run may be too short.
        let is_long_enough = fit == MERGE_GROWTH as usize || fit < tail.len();
        (is_long_enough && fit > 1).then(|| tail.get(..fit))?
    });
    runs.min_by_key(|run| count_new_overlaps(run, sorted)).map(<[SegmentEntry]>::to_vec)
}

/// Returns the number of segments that overlap the merged run, but no single segment of the run.
fn count_new_overlaps(run: &[SegmentEntry], all: &[SegmentEntry]) -> usize {
    let first_us = run.iter().map(|segment| segment.first_us).min().unwrap_or(i64::MAX);
    let last_us = run.iter().map(|segment| segment.last_us).max().unwrap_or(i64::MIN);
    let overlap = |left: &SegmentEntry, right: &SegmentEntry| {
        left.first_us <= right.last_us && right.first_us <= left.last_us
    };
    let inside = all.iter().filter(|other| other.first_us <= last_us && first_us <= other.last_us);
    inside.filter(|other| !run.iter().any(|segment| overlap(segment, other))).count()
}
