//! The statuses of many devices: whether they report, their latest readings and their activity.

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::time::Duration;

use device_stats_domain::{
    Device, DeviceFilter, DeviceKey, DeviceStatus, Evidence, Reading, RecentBuckets, StateFilter, Timestamp,
};
use device_stats_store::NewestReadings;

use super::activity::Activity;
use crate::access::{CursorPage, DeviceSelection, Granted, Read};
use crate::admission::Query;
use crate::arrivals::with_unwritten;
use crate::error::ServiceError;
use crate::limits::{ARRIVALS_INTERVAL, STATUS_DEVICES_AT_ONCE, STATUS_DEVICES_SCANNED_MAX};
use crate::service::Service;

/// Approximate memory of a device and its status, in bytes.
const STATUS_BYTES: u64 = 1_024;

/// A request for the statuses of devices.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusRequest {
    /// The devices. `after` and `limit` apply only to devices that meet conditions, not to listed ones.
    pub selection: DeviceSelection,
    /// Only devices with this status; `None` for all.
    pub state: Option<StateFilter>,
    /// The key after which the page begins.
    pub after: DeviceKey,
    /// Maximum number of devices of the page; 1 and up.
    pub limit: u32,
    /// The buckets of the activity; `None` for no activity.
    pub buckets: Option<RecentBuckets>,
}

/// The status of a device.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusEntry {
    /// The device.
    pub device: Device,
    /// Whether it reports.
    pub status: DeviceStatus,
    /// Time of its last arrival; `None` if none is known.
    pub last_received_at: Option<Timestamp>,
    /// Its newest reading by time.
    pub last_reading: Option<Reading>,
    /// The numbers of its readings in recent buckets, if requested.
    pub activity: Option<Activity>,
}

/// A page of statuses.
#[derive(Clone, Debug, PartialEq)]
pub struct StatusPage {
    /// The statuses, by ascending key of the devices.
    pub entries: Vec<StatusEntry>,
    /// The key after which the next page begins, if there may be one.
    pub next: Option<DeviceKey>,
}

/// A device with its status.
pub(super) struct Judged {
    device: Device,
    pub(super) status: DeviceStatus,
    last_received_at: Option<Timestamp>,
}

impl Service {
    /// Returns the statuses of devices, each at a moment during the call. With a state in the request, a page
    /// may have fewer devices than its limit although there are more: it ends after
    /// [`STATUS_DEVICES_SCANNED_MAX`] devices.
    ///
    /// # Errors
    /// [`ServiceError::TooManyAnalyses`], [`ServiceError::QueryTimedOut`];
    /// [`ServiceError::DevicesMissing`] for a list;
    /// [`StoreError::UserMissing`](device_stats_store::StoreError) if the owner in the conditions does not
    /// exist.
    pub async fn list_status(
        &self,
        granted: Granted<Read>,
        request: &StatusRequest,
    ) -> Result<StatusPage, ServiceError> {
        let query = self.parts.admission.admit_query()?;
        query.run(Box::pin(self.statuses(&query, granted, request))).await
    }

    async fn statuses(
        &self,
        query: &Query,
        granted: Granted<Read>,
        request: &StatusRequest,
    ) -> Result<StatusPage, ServiceError> {
        let (judged, next) = self.judged_page(query, granted, request).await?;
        let keys: Vec<DeviceKey> = judged.iter().map(|one| one.device.key).collect();
        let latest = self.latest_readings(query, &keys).await?;
        let mut activities = match request.buckets {
            Some(buckets) => {
                self.count_activity(query, &keys, buckets).await?.into_iter().map(Some).collect()
            }
            None => Vec::new(),
        };
        activities.resize(keys.len(), None);
        let entries =
            judged.into_iter().zip(latest).zip(activities).map(|((judged, last_reading), activity)| {
                let Judged { device, status, last_received_at } = judged;
                StatusEntry { device, status, last_received_at, last_reading, activity }
            });
        Ok(StatusPage { entries: entries.collect(), next })
    }

    /// Returns the devices of a page, and the key after which the next one begins.
    async fn judged_page(
        &self,
        query: &Query,
        granted: Granted<Read>,
        request: &StatusRequest,
    ) -> Result<(Vec<Judged>, Option<DeviceKey>), ServiceError> {
        let StatusRequest { selection, state, after, limit, .. } = request;
        let is_wanted = |one: &Judged| state.is_none_or(|state| state.includes(&one.status));
        let filter = match (selection, state) {
            (DeviceSelection::Listed(_), _) => {
                let devices = self.select_devices(granted, selection).await?;
                let mut judged = self.judge(query, devices).await?;
                judged.retain(is_wanted);
                return Ok((judged, None));
            }
            (DeviceSelection::Matching(filter), None) => {
                let page = self.list_devices_after(granted, *after, filter, *limit).await?;
                let next = page.entries.last().filter(|_| page.has_more).map(|last| last.key);
                return Ok((self.judge(query, page.entries).await?, next));
            }
            (DeviceSelection::Matching(filter), Some(_)) => filter,
        };
        let limit = *limit as usize;
        let mut walk = DeviceWalk { after: *after, has_more: true, scanned: 0 };
        let mut found: Vec<Judged> = Vec::new();
        while walk.has_more && found.len() < limit && walk.scanned < STATUS_DEVICES_SCANNED_MAX as usize {
            let devices = walk.next(self, granted, filter).await?;
            found.extend(self.judge(query, devices).await?.into_iter().filter(is_wanted));
        }
        if found.len() > limit {
            found.truncate(limit);
            let next = found.last().map(|last| last.device.key);
            return Ok((found, next));
        }
        Ok((found, walk.has_more.then_some(walk.after)))
    }

    /// Judges devices by their arrivals. A device without a known arrival is judged by its newest reading.
    pub(super) async fn judge(
        &self,
        query: &Query,
        devices: Vec<Device>,
    ) -> Result<Vec<Judged>, ServiceError> {
        query.grow_to(devices.len() as u64 * STATUS_BYTES)?;
        let keys: Vec<DeviceKey> = devices.iter().map(|device| device.key).collect();
        let unwritten = self.parts.arrivals.unwritten(&keys);
        let records = self.parts.store.find_arrivals(&keys).await?;
        let records: Vec<_> =
            records.into_iter().zip(unwritten).map(|(record, new)| with_unwritten(record, new)).collect();
        let unknown = keys.iter().zip(&records).filter(|(_, record)| record.is_none());
        let unknown: Vec<DeviceKey> = unknown.map(|(key, _)| *key).collect();
        let newest = self.newest_times(&unknown).await?;
        let (now, unseen) = (self.parts.clock.now(), self.unseen_arrivals());
        let judged = devices.into_iter().zip(records).map(|(device, arrivals)| {
            let newest_reading = newest.get(&device.key).copied();
            let evidence = Evidence { set: device.expected_interval, arrivals, newest_reading };
            let status = DeviceStatus::judge(&evidence, now, unseen);
            Judged { device, status, last_received_at: arrivals.map(|record| record.last_at) }
        });
        Ok(judged.collect())
    }

    /// Returns the times of the newest readings of devices that have readings. No segment is read for them.
    async fn newest_times(
        &self,
        devices: &[DeviceKey],
    ) -> Result<HashMap<DeviceKey, Timestamp>, ServiceError> {
        if devices.is_empty() {
            return Ok(HashMap::new());
        }
        let found = self.parts.store.find_latest(devices).await?;
        let newest_us = |found: &NewestReadings| {
            let hot_us = found.hot.first().map(|row| row.time_us);
            hot_us.max(found.segments.first().map(|segment| segment.last_us))
        };
        let times = devices
            .iter()
            .zip(&found)
            .filter_map(|(device, found)| Some((*device, Timestamp::from_micros(newest_us(found)?).ok()?)));
        Ok(times.collect())
    }

    /// Returns the time for which arrivals at other nodes may be unknown.
    fn unseen_arrivals(&self) -> Duration {
        if self.parts.store.exchange().is_some() { ARRIVALS_INTERVAL } else { Duration::ZERO }
    }
}

/// A walk over the devices that meet conditions, [`STATUS_DEVICES_AT_ONCE`] at a time.
pub(super) struct DeviceWalk {
    /// The key of the last device.
    pub(super) after: DeviceKey,
    /// Whether there are devices after it.
    pub(super) has_more: bool,
    /// Number of devices so far.
    pub(super) scanned: usize,
}

impl DeviceWalk {
    /// Returns the next devices.
    ///
    /// # Errors
    /// [`StoreError::UserMissing`](device_stats_store::StoreError) at the first call, if the owner in the
    /// conditions does not exist.
    pub(super) async fn next(
        &mut self,
        service: &Service,
        granted: Granted<Read>,
        filter: &DeviceFilter,
    ) -> Result<Vec<Device>, ServiceError> {
        let page = service.list_devices_after(granted, self.after, filter, STATUS_DEVICES_AT_ONCE).await?;
        let CursorPage { entries, has_more } = page;
        self.after = entries.last().map_or(self.after, |last| last.key);
        self.has_more = has_more;
        self.scanned += entries.len();
        Ok(entries)
    }
}
