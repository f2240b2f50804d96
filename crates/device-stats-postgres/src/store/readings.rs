//! Calls about readings, each on a connection and with a time limit.

use std::ops::Range;

use async_trait::async_trait;
use device_stats_domain::{DeviceKey, NewReading, Timestamp};
use device_stats_segment::Row;
use device_stats_store::{Appended, HotDevice, KeyedOutcome, KeyedReadings, ReadingStore, StoreError};

use super::PostgresStore;
use crate::database::connections::{TimeLimit, call};
use crate::limits::STORE_APPENDS_AT_ONCE;
use crate::readings::{append, hot, ids, keyed};

#[async_trait]
impl ReadingStore for PostgresStore {
    fn append_concurrency(&self) -> usize {
        STORE_APPENDS_AT_ONCE
    }

    async fn reserve_reading_ids(&self, count: u32) -> Result<Range<i64>, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| ids::reserve(client, count))
    }

    async fn append(&self, readings: &[NewReading]) -> Result<Vec<Appended>, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| append::append(client, readings))
    }

    async fn append_keyed(
        &self,
        requests: &[KeyedReadings],
        now: Timestamp,
    ) -> Result<Vec<KeyedOutcome>, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| keyed::append_keyed(client, requests, now))
    }

    async fn list_hot_devices(&self) -> Result<Vec<HotDevice>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| hot::list_devices(client))
    }

    async fn list_hot_readings(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| hot::list_readings(client, device, count))
    }
}
