//! Measures sealing and merging on one thread. The segments are decoded and compared outside of the measured
//! time.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use device_stats_segment::{Effort, READINGS_MAX, Segment};
use device_stats_service::limits::SEGMENT_READINGS;
use serde::Serialize;

use crate::load::segment_bytes;
use crate::manifest::Manifest;

/// Maximum number of readings to seal and merge.
const READINGS_MAX_TOTAL: u64 = 4 * READINGS_MAX as u64;

/// Number of segments that are merged into one.
const SEGMENTS_PER_MERGE: usize = 8;

/// The measured times.
#[derive(Debug, Serialize)]
pub(crate) struct Rates {
    readings: u64,
    /// Time to encode rows as segments of 262,144 readings.
    seal_seconds: f64,
    /// Time to merge segments of 32,768 readings into segments of 262,144, the largest merge of the service.
    merge_seconds: f64,
    /// Time to decode the merged segments.
    read_seconds: f64,
    /// Size of the merged segments.
    segment_bytes: u64,
}

/// Seals and merges the first readings of a device.
///
/// # Errors
/// If a file cannot be read, or a segment does not contain its readings.
pub(crate) fn measure(manifest: &Path, device_id: &str) -> anyhow::Result<Rates> {
    let manifest = Manifest::read(manifest)?;
    let device = manifest.devices.iter().find(|device| device.device_id == device_id);
    let device = device.context("the device is not in the manifest")?;
    let readings = device.readings.min(READINGS_MAX_TOTAL);
    let rows = manifest.rows(device, 0, usize::try_from(readings)?, 1)?;

    let seal = |readings| rows.chunks(readings).map(|rows| Segment::encode(rows, Effort::Small));
    let full = usize::try_from(SEGMENT_READINGS)?;
    let start = Instant::now();
    let sealed = seal(full).collect::<Result<Vec<_>, _>>()?;
    let seal_seconds = start.elapsed().as_secs_f64();

    let small = seal(full / SEGMENTS_PER_MERGE).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let merged = small
        .chunks(SEGMENTS_PER_MERGE)
        .map(|segments| Segment::merge(segments, Effort::Small))
        .collect::<Result<Vec<_>, _>>()?;
    let merge_seconds = start.elapsed().as_secs_f64();
    ensure!(merged == sealed, "merging and sealing give different segments");

    let start = Instant::now();
    let mut read = Vec::with_capacity(rows.len());
    for segment in &merged {
        read.extend(segment.rows()?);
    }
    let read_seconds = start.elapsed().as_secs_f64();
    ensure!(read == rows, "the segments do not contain their readings");

    let segment_bytes = u64::try_from(merged.iter().map(segment_bytes).sum::<usize>())?;
    Ok(Rates { readings, seal_seconds, merge_seconds, read_seconds, segment_bytes })
}
