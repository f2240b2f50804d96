//! Readings that become a segment at once: so many of one device in one request that they need not be rows first.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use device_stats_domain::limits::{DIRECT_SEAL_READINGS, SEGMENT_READINGS};
use device_stats_domain::{Finite, NewReading, Reading, ReadingTime, Timestamp};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::Replaced;

use crate::live::hub::Origin;
use crate::{Ingested, Service, ServiceError};
use device_stats_domain::error_chain;

impl Service {
    /// Appends readings as one segment, where they are enough, of one device, and all bring their times; `None` where
    /// they are not, or the device has a reading among them already: then nothing has been done.
    pub(crate) async fn append_segment(
        &self,
        new: &Arc<[NewReading]>,
    ) -> Result<Option<Ingested>, ServiceError> {
        let counts = DIRECT_SEAL_READINGS as usize..=SEGMENT_READINGS as usize;
        let Some(device) = new.first().map(|reading| reading.device) else { return Ok(None) };
        if !counts.contains(&new.len()) || new.iter().any(|reading| reading.device != device) {
            return Ok(None);
        }
        let room = self.lanes.take_room(new.len())?;
        let readings = Arc::clone(new);
        let written = self.compute.run_long(move || {
            let rows = rows(&readings).filter(|rows| rows.len() >= DIRECT_SEAL_READINGS as usize)?;
            Some((rows.len() as u64, Segment::encode(&rows, Effort::Fast)))
        });
        let (accepted, segment) = match written.await.map_err(ServiceError::Died)? {
            Some((accepted, Ok(segment))) => (accepted, segment),
            Some((_, Err(error))) => {
                // A bug, but no reason to refuse readings: rows will do.
                tracing::error!(device = device.0, causes = error_chain(&error), "readings make no segment");
                return Ok(None);
            }
            None => return Ok(None),
        };
        // Goes on where nobody waits for the answer any more: it is committed then, too, and others are to know.
        let (service, new) = (self.clone(), Arc::clone(new));
        let append = async move {
            let _room = room;
            if service.store.append_segment(device, &segment).await? == Replaced::Stale {
                return Ok(None);
            }
            service.backlog.note_segment(device, Instant::now());
            if service.live.is_watched() {
                service.live.publish(stored(&new), Origin::Here);
            }
            Ok(Some(Ingested { accepted, duplicates: new.len() as u64 - accepted }))
        };
        tokio::spawn(append).await.map_err(|died| ServiceError::Died(died.into()))?
    }
}

/// The readings of a batch that was stored as a segment, in its order; of equal times the first.
fn stored(readings: &[NewReading]) -> impl Iterator<Item = Reading> {
    let mut times: HashSet<Timestamp> = HashSet::with_capacity(readings.len());
    readings.iter().filter_map(move |new| match new.time {
        ReadingTime::Given(time) if times.insert(time) => {
            Some(Reading { device: new.device, id: new.id, time, values: new.values })
        }
        ReadingTime::Given(_) | ReadingTime::Picked(_) => None,
    })
}

/// The readings by ascending time, of equal times the first; `None` where one leaves its time to the server.
fn rows(readings: &[NewReading]) -> Option<Vec<Row>> {
    let rows = readings.iter().map(|reading| match reading.time {
        ReadingTime::Picked(_) => None,
        ReadingTime::Given(time) => {
            Some(Row { time_us: time.micros(), id: reading.id.0, values: reading.values.map(Finite::get) })
        }
    });
    let mut rows = rows.collect::<Option<Vec<Row>>>()?;
    // Stable: among equal times the first stays in front.
    rows.sort_by_key(|row| row.time_us);
    rows.dedup_by_key(|row| row.time_us);
    Some(rows)
}
