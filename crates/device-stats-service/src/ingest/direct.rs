//! Direct segments: a request with many readings of one device becomes a segment at once, without hot
//! readings.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use device_stats_domain::{Finite, NewReading, Reading, ReadingTime, Timestamp, error_chain};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::{Appended, Replaced};

use super::append::{BatchOutcome, warn_of_conflicts};
use crate::arrivals::Arrived;
use crate::error::ServiceError;
use crate::limits::{DIRECT_SEAL_READINGS, SEGMENT_READINGS};
use crate::service::Service;

impl Service {
    /// Appends readings as one segment. Each repeat has the same time as an earlier reading of the request.
    ///
    /// Returns `None` and stores nothing if the readings cannot become a segment: they are too few or too
    /// many, belong to several devices, or include a server-timed reading, or the device has a stored reading
    /// inside their span.
    pub(super) async fn append_segment(
        &self,
        new: &Arc<[NewReading]>,
    ) -> Result<Option<BatchOutcome>, ServiceError> {
        let counts = DIRECT_SEAL_READINGS as usize..=SEGMENT_READINGS as usize;
        let Some(device) = new.first().map(|reading| reading.device) else { return Ok(None) };
        if !counts.contains(&new.len()) || new.iter().any(|reading| reading.device != device) {
            return Ok(None);
        }
        let permit = self.parts.admission.admit_readings(new.len())?;
        let readings = Arc::clone(new);
        let encoded = self.parts.compute.run_for_ingest(move || {
            let SortedRows { rows, conflicts } = sorted_rows(&readings)?;
            let is_enough = rows.len() >= DIRECT_SEAL_READINGS as usize;
            let newest = rows.last().and_then(|row| Timestamp::from_micros(row.time_us).ok());
            let arrived = Arrived { device, readings: rows.len() as u64, newest };
            is_enough.then(|| (arrived, conflicts, Segment::encode(&rows, Effort::Fast)))
        });
        let (arrived, conflicts, segment) = match encoded.await.map_err(ServiceError::ComputationFailed)? {
            Some((arrived, conflicts, Ok(segment))) => (arrived, conflicts, segment),
            Some((.., Err(error))) => {
                // This is a bug, but the readings can still be stored as hot readings.
                let causes = error_chain(&error);
                tracing::error!(
                    device = device.0,
                    causes,
                    "encoding a segment failed, appending hot readings"
                );
                return Ok(None);
            }
            None => return Ok(None),
        };
        // The commit runs in its own task. If the caller is cancelled, the readings are still committed and
        // published.
        let (service, new) = (self.clone(), Arc::clone(new));
        let append = async move {
            let _permit = permit;
            let Service { parts } = service;
            let commit = parts.store.append_segment(device, &segment);
            if parts.counters.time_commit(commit).await? == Replaced::Stale {
                return Ok(None);
            }
            parts.backlog.add_segment(device, Instant::now());
            parts.arrivals.note(parts.clock.now(), [arrived]);
            if parts.live.watched_devices().contains(&device) {
                parts.live.publish_later(new.len(), stored_readings(Arc::clone(&new)));
            }
            if let Some(first) = conflicts.first().and_then(|index| new.get(*index)) {
                warn_of_conflicts(first, conflicts.len() as u64);
            }
            let accepted = arrived.readings;
            let (duplicates, conflicts) = (new.len() as u64 - accepted, conflicts.len() as u64);
            parts.counters.readings.add(accepted, duplicates, conflicts);
            Ok(Some(BatchOutcome { accepted, duplicates, conflicts }))
        };
        tokio::spawn(append).await.map_err(|error| ServiceError::ComputationFailed(error.into()))?
    }
}

/// Returns the readings that the segment of a request stores, in the order of the request. Of several
/// readings with the same time, only the first is stored.
fn stored_readings(readings: Arc<[NewReading]>) -> impl Iterator<Item = Reading> {
    let mut times: HashSet<Timestamp> = HashSet::new();
    (0..readings.len()).filter_map(move |index| match readings.get(index)? {
        NewReading { device, id, time: ReadingTime::Given(time), values } if times.insert(*time) => {
            Some(Reading { device: *device, id: *id, time: *time, values: *values })
        }
        _ => None,
    })
}

/// The rows of a segment, and the readings that are not in it.
struct SortedRows {
    /// By ascending time. Of several readings with the same time, only the first is a row.
    rows: Vec<Row>,
    /// Indices of the conflicts: repeats with other values than the first reading of their time.
    conflicts: Vec<usize>,
}

/// Sorts readings by time. Returns `None` if a reading is server-timed.
fn sorted_rows(readings: &[NewReading]) -> Option<SortedRows> {
    let rows = readings.iter().enumerate().map(|(index, reading)| match reading.time {
        ReadingTime::Picked(_) => None,
        ReadingTime::Given(time) => {
            let values = reading.values.map(Finite::get);
            Some((index, Row { time_us: time.micros(), id: reading.id.0, values }))
        }
    });
    let mut rows = rows.collect::<Option<Vec<(usize, Row)>>>()?;
    // The sort is stable: of several rows with the same time, the first one stays first and is kept.
    rows.sort_by_key(|(_, row)| row.time_us);
    let mut conflicts = Vec::new();
    rows.dedup_by(|(index, row), (_, first)| {
        let is_repeat = row.time_us == first.time_us;
        let outcome = readings.get(*index).map(|new| Appended::repeat(new, first.values));
        if is_repeat && outcome == Some(Appended::Conflict) {
            conflicts.push(*index);
        }
        is_repeat
    });
    Some(SortedRows { rows: rows.into_iter().map(|(_, row)| row).collect(), conflicts })
}
