//! The devices whose locks an append did not get in time. The deletion of a device, or of its readings, locks
//! the device until it is committed.

use std::collections::BTreeSet;

use deadpool_postgres::Client;
use device_stats_domain::{DeviceKey, NewReading};
use device_stats_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::database::columns::column;
use crate::database::connections::{TimeLimit, call};
use crate::database::errors::Failure;
use crate::store::PostgresStore;

/// Selects the devices of a list that exist and that a deletion has locked.
const LOCKED: &str = "WITH free AS MATERIALIZED (
        SELECT id FROM devices WHERE id = ANY ($1) FOR KEY SHARE SKIP LOCKED)
    SELECT id FROM devices WHERE id = ANY ($1) AND id NOT IN (SELECT id FROM free)";

impl PostgresStore {
    /// Turns the error of an append that did not get its locks in time into [`StoreError::DevicesLocked`], if
    /// one of its devices is still locked.
    pub(super) async fn name_locked_devices<'r, T>(
        &self,
        appended: Result<T, StoreError>,
        readings: impl Iterator<Item = &'r NewReading>,
    ) -> Result<T, StoreError> {
        let Err(error) = appended else { return appended };
        if !has_waited_for_lock(&error) {
            return Err(error);
        }
        let devices: BTreeSet<i64> = readings.map(|reading| reading.device.0).collect();
        let devices: Vec<i64> = devices.into_iter().collect();
        match self.find_locked(&devices).await {
            Ok(locked) if !locked.is_empty() => Err(StoreError::DevicesLocked(locked)),
            _ => Err(error),
        }
    }

    async fn find_locked(&self, devices: &[i64]) -> Result<Vec<DeviceKey>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| find(client, devices))
    }
}

/// Returns whether a call failed because it did not get a lock in time.
fn has_waited_for_lock(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    let error = cause.downcast_ref::<Error>();
    error.and_then(Error::code) == Some(&SqlState::LOCK_NOT_AVAILABLE)
}

async fn find(client: &mut Client, devices: &[i64]) -> Result<Vec<DeviceKey>, Failure> {
    let locked = client.prepare_cached(LOCKED).await?;
    let rows = client.query(&locked, &[&devices]).await?;
    Ok(rows.iter().map(|row| column(row, 0).map(DeviceKey)).collect::<Result<_, _>>()?)
}
