//! The readings that a reconnecting client missed. Those that the hub keeps are copied in small parts; others
//! are read from the store, for few streams at once.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Instant;

use device_stats_domain::{DeviceId, DeviceKey, ListPage, Reading, ReadingId, Timestamp, Window};
use tokio::time::timeout;

use super::hub::Replay;
use super::inbox::SequencedReading;
use crate::admission::AdmissionPermit;
use crate::error::ServiceError;
use crate::limits::{CHOSEN_DEVICES_MAX, LIVE_READINGS_RESUMED_MAX, LIVE_RESUME_WAIT_MAX, LIVE_RETENTION};
use crate::service::Service;

/// The devices of a live stream.
type Devices = HashMap<DeviceKey, DeviceId>;

/// The missed readings of one client.
pub(super) struct MissedReadings {
    source: MissedSource,
    /// The next readings.
    next: VecDeque<SequencedReading>,
    /// The readings that were read from the store. They may also arrive in the inbox.
    from_store: Option<FromStore>,
}

/// The missed readings that were not read yet.
enum MissedSource {
    /// There are none.
    Nothing,
    /// Kept readings of the hub, with sequence numbers above `after`, up to `until`.
    Kept { epoch: u64, after: u64, until: u64 },
    /// Stored readings with times after this one.
    Stored(Timestamp),
}

/// Readings that were read from the store.
struct FromStore {
    ids: HashSet<ReadingId>,
    read_at: Instant,
    _permit: AdmissionPermit,
}

/// Reason why a client cannot get the readings that it missed. It reconnects and tries again.
#[derive(Debug, thiserror::Error)]
pub(super) enum MissedError {
    /// The hub had them when the stream began.
    #[error("the node no longer keeps the missed readings")]
    NoLongerKept,
    /// Other streams hold too many readings.
    #[error("the stream waited too long for its missed readings")]
    WaitedTooLong,
    /// They cannot be read from the store.
    #[error("the store cannot be read")]
    Unreadable(#[from] ServiceError),
}

impl MissedReadings {
    /// The client missed nothing.
    pub(super) fn none() -> Self {
        Self::from(MissedSource::Nothing)
    }

    /// The client missed readings that the hub keeps: those with sequence numbers above `after`, up to
    /// `until`.
    pub(super) fn kept(epoch: u64, after: u64, until: u64) -> Self {
        Self::from(MissedSource::Kept { epoch, after, until })
    }

    /// The client missed stored readings with times after `newest`.
    pub(super) fn stored(newest: Timestamp) -> Self {
        Self::from(MissedSource::Stored(newest))
    }

    fn from(source: MissedSource) -> Self {
        Self { source, next: VecDeque::new(), from_store: None }
    }

    /// Returns the next missed reading; `None` after the last one.
    pub(super) async fn next(
        &mut self,
        service: &Service,
        devices: &Devices,
    ) -> Result<Option<SequencedReading>, MissedError> {
        loop {
            if let Some(next) = self.next.pop_front() {
                return Ok(Some(next));
            }
            match self.source {
                MissedSource::Nothing => return Ok(None),
                MissedSource::Kept { after, until, .. } if after >= until => {
                    self.source = MissedSource::Nothing;
                }
                MissedSource::Kept { epoch, after, until } => {
                    let is_wanted = |device| devices.contains_key(&device);
                    let replay = service.parts.live.replay(epoch, after, until, is_wanted);
                    let Replay { readings, after } = replay.ok_or(MissedError::NoLongerKept)?;
                    self.next = readings.into();
                    self.source = MissedSource::Kept { epoch, after, until };
                }
                MissedSource::Stored(newest) => {
                    self.read_stored(service, devices, newest).await?;
                    self.source = MissedSource::Nothing;
                }
            }
        }
    }

    /// Returns whether a reading that arrived in the inbox was read from the store before.
    pub(super) fn has_delivered(&mut self, reading: ReadingId) -> bool {
        self.from_store.as_mut().is_some_and(|from_store| from_store.ids.remove(&reading))
    }

    /// Forgets the readings that were read from the store so long ago that they no longer arrive in the
    /// inbox.
    pub(super) fn forget_old(&mut self) {
        self.from_store.take_if(|from_store| from_store.read_at.elapsed() > LIVE_RETENTION);
    }

    /// Reads the newest stored readings with times after `newest`.
    async fn read_stored(
        &mut self,
        service: &Service,
        devices: &Devices,
        newest: Timestamp,
    ) -> Result<(), MissedError> {
        let permit = timeout(LIVE_RESUME_WAIT_MAX, service.parts.admission.admit_resume()).await;
        let permit = permit.map_err(|_| MissedError::WaitedTooLong)?;
        let [per_device, total] = LIVE_READINGS_RESUMED_MAX;
        let mut window = Window { from_us: newest.micros() + 1, until_us: i64::MAX };
        let mut missed: Vec<Reading> = Vec::new();
        for (last_us, device) in devices_by_last_reading(service, devices).await? {
            if last_us < window.from_us {
                break;
            }
            let page = ListPage { skip: 0, limit: per_device };
            missed.extend(service.newest_readings(None, device, window, page).await?);
            missed.sort_unstable_by_key(|reading| (std::cmp::Reverse(reading.time), reading.id));
            missed.truncate(total as usize);
            if let Some(oldest) = missed.get(total as usize - 1) {
                // Older readings of the other devices would be cut off.
                window.from_us = oldest.time.micros();
            }
        }
        let ids = missed.iter().map(|reading| reading.id).collect();
        let permit = permit.keep(missed.len());
        self.from_store = Some(FromStore { ids, read_at: Instant::now(), _permit: permit });
        let ascending = missed.into_iter().rev();
        self.next = ascending.map(|reading| SequencedReading { sequence: 0, reading }).collect();
        Ok(())
    }
}

/// Returns the devices with the times of their last readings, by descending time. Most devices have missed
/// nothing, so looking up all last readings at once saves a call of the store for each of them. Readings that
/// are committed after this lookup arrive in the inbox.
async fn devices_by_last_reading(
    service: &Service,
    devices: &Devices,
) -> Result<Vec<(i64, DeviceKey)>, ServiceError> {
    let devices: Vec<DeviceKey> = devices.keys().copied().collect();
    let mut by_last = Vec::with_capacity(devices.len());
    for devices in devices.chunks(CHOSEN_DEVICES_MAX as usize) {
        let latest = service.parts.store.find_latest(devices).await?;
        by_last.extend(devices.iter().zip(latest).filter_map(|(device, latest)| {
            let hot = latest.hot.first().map(|row| row.time_us);
            let sealed = latest.segments.first().map(|segment| segment.last_us);
            Some((hot.max(sealed)?, *device))
        }));
    }
    by_last.sort_unstable_by_key(|(last_us, device)| (std::cmp::Reverse(*last_us), *device));
    Ok(by_last)
}
