//! The memory of a snapshot: the estimate by which a query is admitted.

use device_stats_domain::RequestedAxes;
use device_stats_segment::Row;
use device_stats_store::SegmentEntry;

/// Memory of a hot reading, in bytes: its row, its values by axis, and their sorted copies.
const HOT_READING_BYTES: usize = size_of::<Row>() + 64;
/// Typical memory of a small segment, in bytes: its entry, its head, and its columns of an analysis. The
/// tables for decompression of a head count towards the cache instead.
const SEGMENT_BYTES: usize = 8 * 1024;
/// Number of readings of a segment for which its head needs one more byte, if all values are distinct.
const READINGS_PER_HEAD_BYTE: u64 = 12;

/// Returns the approximate memory of a snapshot with `hot` hot readings, in bytes, once its segments are
/// open. The pages that a computation reads are not included: few computations run at once.
pub(super) fn snapshot_bytes<'s>(
    hot: usize,
    segments: impl Iterator<Item = &'s SegmentEntry>,
    axes: RequestedAxes,
) -> u64 {
    let layers = match axes {
        RequestedAxes::Measured => 1,
        RequestedAxes::WithMagnitude => 2,
    };
    let segment =
        |entry: &SegmentEntry| SEGMENT_BYTES as u64 + u64::from(entry.readings) / READINGS_PER_HEAD_BYTE;
    (hot * HOT_READING_BYTES) as u64 + layers * segments.map(segment).sum::<u64>()
}
