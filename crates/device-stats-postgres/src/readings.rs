//! Readings and their ids: each call has a connection and a time limit. The modules have the statements.

pub(crate) mod append;
pub(crate) mod existing;
pub(crate) mod hot;
pub(crate) mod ids;
pub(crate) mod keyed;
pub(crate) mod locked_devices;
pub(crate) mod parameters;
pub(crate) mod pick_times;
pub(crate) mod reservations;

use std::ops::Range;

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_segment::Row;
use device_stats_store::{Appended, HotDevices, KeyedOutcome, KeyedReadings, ReadingStore, StoreError};

use crate::database::connections::{TimeLimit, call};
use crate::limits::STORE_APPENDS_AT_ONCE;
use crate::readings::keyed::KeyedAppend;
use crate::readings::locked_devices::{LockWait, has_waited_for_lock};
use crate::store::PostgresStore;

impl PostgresStore {
    async fn try_append(&self, readings: &[NewReading], wait: LockWait) -> Result<Vec<Appended>, StoreError> {
        let reservation = self.reservations.of(readings.iter().map(|new| new.id.0))?;
        let appended = async {
            call!(self.connections, TimeLimit::Writes, |client| append::append(
                client,
                readings,
                reservation,
                wait
            ))
        };
        let appended = self.reservations.checked(reservation, appended.await);
        self.name_locked_devices(appended, readings.iter()).await
    }

    async fn try_append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
        wait: LockWait,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        let readings = requests.iter().flat_map(|request| &*request.readings);
        let reservation = self.reservations.of(readings.clone().map(|new| new.id.0))?;
        let call = KeyedAppend { requests, now, clock: self.receipt_clock, reservation, wait };
        let appended =
            async { call!(self.connections, TimeLimit::Writes, |client| keyed::append_keyed(client, call)) };
        let appended = self.reservations.checked(reservation, appended.await);
        self.name_locked_devices(appended, readings).await
    }
}

#[async_trait]
impl ReadingStore for PostgresStore {
    fn append_concurrency(&self) -> usize {
        STORE_APPENDS_AT_ONCE
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        let reservations = &self.reservations;
        call!(self.connections, TimeLimit::Writes, |client| ids::reserve(client, reservations, count))
    }

    fn restores(&self) -> u64 {
        self.reservations.losses()
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        match self.try_append(readings, self.first_wait).await {
            // No deletion holds the lock, but another append, which ends soon.
            Err(error) if has_waited_for_lock(&error) => self.try_append(readings, LockWait::Long).await,
            appended => appended,
        }
    }

    async fn append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        match self.try_append_keyed(requests, now, self.first_wait).await {
            Err(error) if has_waited_for_lock(&error) => {
                self.try_append_keyed(requests, now, LockWait::Long).await
            }
            appended => appended,
        }
    }

    async fn count_hot_readings(&self) -> Result<u64, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| hot::count_readings(client))
    }

    async fn list_hot_devices(&self, after: DeviceKey) -> Result<HotDevices, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| hot::list_devices(client, after))
    }

    async fn list_hot_readings(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| hot::list_readings(client, device, count))
    }
}
