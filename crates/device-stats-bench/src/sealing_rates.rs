//! How fast one thread seals and merges. What was written is read back and compared, outside of the time taken.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, ensure};
use device_stats_segment::{Effort, READINGS_MAX, Segment, merge};
use serde::Serialize;

use crate::load::{SEGMENT_READINGS, bytes};
use crate::manifest::Manifest;

/// Readings that are sealed, and then merged, at most.
const READINGS: u64 = 4 * READINGS_MAX as u64;

/// Segments that are merged into one.
const MERGED: usize = 8;

/// What one thread did.
#[derive(Debug, Serialize)]
pub(crate) struct Rates {
    readings: u64,
    /// From rows to segments of 262,144 readings.
    seal_seconds: f64,
    /// To such segments from those of 32,768: the last and largest step in which the service merges.
    merge_seconds: f64,
    /// From the latter to rows.
    read_seconds: f64,
    /// The bytes of the merged segments.
    segment_bytes: u64,
}

/// Seals and merges the first readings of a device.
///
/// # Errors
/// Those of the files, and where a segment does not hold what it was made from.
pub(crate) fn rates(manifest: &Path, device_id: &str) -> anyhow::Result<Rates> {
    let manifest = Manifest::read(manifest)?;
    let device = manifest.devices.iter().find(|device| device.device_id == device_id);
    let device = device.context("there is no such device")?;
    let readings = device.readings.min(READINGS);
    let rows = manifest.rows(device, 0, usize::try_from(readings)?, 1)?;

    let seal = |readings| rows.chunks(readings).map(|rows| Segment::encode(rows, Effort::Small));
    let full = usize::try_from(SEGMENT_READINGS)?;
    let start = Instant::now();
    let sealed = seal(full).collect::<Result<Vec<_>, _>>()?;
    let seal_seconds = start.elapsed().as_secs_f64();

    let small = seal(full / MERGED).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let merged =
        small.chunks(MERGED).map(|segments| merge(segments, Effort::Small)).collect::<Result<Vec<_>, _>>()?;
    let merge_seconds = start.elapsed().as_secs_f64();
    ensure!(merged == sealed, "merging gives other segments than sealing");

    let start = Instant::now();
    let mut read = Vec::with_capacity(rows.len());
    for segment in &merged {
        read.extend(segment.rows()?);
    }
    let read_seconds = start.elapsed().as_secs_f64();
    ensure!(read == rows, "the segments do not hold what they were made from");

    let segment_bytes = u64::try_from(merged.iter().map(bytes).sum::<usize>())?;
    Ok(Rates { readings, seal_seconds, merge_seconds, read_seconds, segment_bytes })
}
