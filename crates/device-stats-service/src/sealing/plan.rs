//! What of a device to seal and what to merge: pure functions of what it has.
//!
//! Segments are looked at in order of their first times. One with more than half of [`SEGMENT_READINGS`] is *full* and
//! stays as it is. Neighbours that are not full become one segment where together they have [`MERGE_GROWTH`] times as
//! many readings as the largest of them, or fill a segment because the next one does not fit any more. So whenever a
//! reading is written anew, its segment grows eightfold or is full then: of a device that is sealed some
//! four thousand readings at a time, each reading is written three times.
//!
//! Late readings can leave small segments between full ones, where they have no neighbours. Therefore segments of about
//! the same size (of one *tier*: 1 to 7 readings, 8 to 63, 64 to 511, ...) are also merged across others, but only once
//! [`MERGE_WAITING`] have gathered, and those whose new span meets the fewest others. So a device has fewer than
//! that many segments in each of the six tiers, besides the full ones.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use device_stats_domain::limits::{MERGE_GROWTH, MERGE_WAITING, SEGMENT_READINGS};
use device_stats_segment::Row;
use device_stats_store::SegmentEntry;

/// What merging is to end with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Few segments at little cost, while more readings are to come.
    Steady,
    /// As few segments as possible: no two neighbours that are not full.
    Compact,
}

/// Cuts the hot readings of a device, which ascend in time, into those that become one segment each. Late ones, from
/// before the segment that begins last, are sealed apart, so that one of them does not stretch the segment of all
/// others.
pub(super) fn cut_hot<'r>(rows: &'r [Row], segments: &[SegmentEntry]) -> impl Iterator<Item = &'r [Row]> {
    let begins_last = segments.iter().map(|segment| segment.first_us).max().unwrap_or(i64::MIN);
    let (late, others) = rows.split_at(rows.partition_point(|row| row.time_us < begins_last));
    let most = SEGMENT_READINGS as usize;
    late.chunks(most).chain(others.chunks(most))
}

/// The segments of a device that become one next, by first time; `None` where all may stay as they are.
pub(super) fn next_merge(segments: &[SegmentEntry], goal: Goal) -> Option<Vec<SegmentEntry>> {
    let mut sorted = segments.to_vec();
    sorted.sort_unstable_by_key(|segment| (segment.first_us, segment.id));
    let mut neighbours = sorted.chunk_by(|left, right| !is_full(left) && !is_full(right)).peekable();
    while let Some(stretch) = neighbours.next() {
        let run = match goal {
            Goal::Steady => grown(stretch, neighbours.peek().is_some()),
            Goal::Compact => fitting(stretch),
        };
        if run.is_some() {
            return run.map(<[SegmentEntry]>::to_vec);
        }
    }
    of_one_tier(&sorted)
}

fn is_full(segment: &SegmentEntry) -> bool {
    segment.readings > SEGMENT_READINGS / 2
}

/// Neighbours whose merging lets each of them grow enough, or fills a segment. `ends` says that no neighbour is to come.
fn grown(stretch: &[SegmentEntry], ends: bool) -> Option<&[SegmentEntry]> {
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
        let is_last_chance = fit < tail.len() || ends;
        (is_last_chance && fit > 1 && readings > SEGMENT_READINGS / 2).then(|| tail.get(..fit))?
    })
}

/// The first neighbours that fit into one segment.
fn fitting(stretch: &[SegmentEntry]) -> Option<&[SegmentEntry]> {
    let mut readings = 0;
    let fit = stretch.iter().take_while(|segment| {
        readings += segment.readings;
        readings <= SEGMENT_READINGS
    });
    let fit = fit.count();
    (fit > 1).then(|| stretch.get(..fit))?
}

/// Segments of a tier in which too many have gathered: those consecutive ones that meet the fewest others when they are
/// one.
fn of_one_tier(sorted: &[SegmentEntry]) -> Option<Vec<SegmentEntry>> {
    let mut tiers: BTreeMap<u32, Vec<SegmentEntry>> = BTreeMap::new();
    for segment in sorted.iter().filter(|segment| !is_full(segment)) {
        let tier = segment.readings.max(1).ilog(MERGE_GROWTH);
        tiers.entry(tier).or_default().push(*segment);
    }
    let crowded = tiers.into_values().find(|tier| tier.len() >= MERGE_WAITING)?;
    let runs = (0..crowded.len()).filter_map(|from| {
        let mut readings = 0;
        let tail = crowded.get(from..)?;
        let fit = tail.iter().take(MERGE_GROWTH as usize).take_while(|segment| {
            readings += segment.readings;
            readings <= SEGMENT_READINGS
        });
        let fit = fit.count();
        // At the end of the tier there may be too few.
        let is_whole = fit == MERGE_GROWTH as usize || fit < tail.len();
        (is_whole && fit > 1).then(|| tail.get(..fit))?
    });
    runs.min_by_key(|run| meets(run, sorted)).map(<[SegmentEntry]>::to_vec)
}

/// How many segments the merged run would overlap that none of its parts overlaps.
fn meets(run: &[SegmentEntry], all: &[SegmentEntry]) -> usize {
    let first_us = run.iter().map(|segment| segment.first_us).min().unwrap_or(i64::MAX);
    let last_us = run.iter().map(|segment| segment.last_us).max().unwrap_or(i64::MIN);
    let overlap = |left: &SegmentEntry, right: &SegmentEntry| {
        left.first_us <= right.last_us && right.first_us <= left.last_us
    };
    let inside = all.iter().filter(|other| other.first_us <= last_us && first_us <= other.last_us);
    inside.filter(|other| !run.iter().any(|part| overlap(part, other))).count()
}
