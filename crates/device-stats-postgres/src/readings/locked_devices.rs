//! The time for which an append waits for locks, and the devices whose locks it did not get in time. The
//! deletion of a device, or of its readings, locks the device until it is committed.

use std::collections::BTreeSet;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{DeviceKey, NewReading};
use device_stats_store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

use crate::database::columns::column;
use crate::database::connections::{TimeLimit, call};
use crate::database::errors::Failure;
use crate::limits::{STORE_APPEND_LOCK_TIMEOUT, STORE_LOCK_TIMEOUT};
use crate::store::PostgresStore;

/// Selects the devices of a list that exist and that a deletion has locked.
const LOCKED: &str = "WITH free AS MATERIALIZED (
        SELECT id FROM devices WHERE id = ANY ($1) FOR KEY SHARE SKIP LOCKED)
    SELECT id FROM devices WHERE id = ANY ($1) AND id NOT IN (SELECT id FROM free)";

/// Time for which each statement of an append waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockWait {
    /// [`STORE_APPEND_LOCK_TIMEOUT`]: a deletion may hold the lock for long.
    Short,
    /// [`STORE_LOCK_TIMEOUT`]: no deletion holds the lock, but another append, which ends soon.
    Long,
}

impl LockWait {
    /// Returns the time in milliseconds, as a setting of PostgreSQL.
    pub(super) fn millis(self) -> String {
        let time = match self {
            Self::Short => STORE_APPEND_LOCK_TIMEOUT,
            Self::Long => STORE_LOCK_TIMEOUT,
        };
        time.as_millis().to_string()
    }

    /// Sets the time for the rest of a transaction.
    pub(super) async fn set(self, transaction: &Transaction<'_>) -> Result<(), Failure> {
        let set = format!("SET LOCAL lock_timeout = {}", self.millis());
        Ok(transaction.batch_execute(&set).await?)
    }
}

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
pub(super) fn has_waited_for_lock(error: &StoreError) -> bool {
    let StoreError::Unavailable(cause) = error else { return false };
    let error = cause.downcast_ref::<Error>();
    error.and_then(Error::code) == Some(&SqlState::LOCK_NOT_AVAILABLE)
}

async fn find(client: &mut Client, devices: &[i64]) -> Result<Vec<DeviceKey>, Failure> {
    let locked = client.prepare_cached(LOCKED).await?;
    let rows = client.query(&locked, &[&devices]).await?;
    Ok(rows.iter().map(|row| column(row, 0).map(DeviceKey)).collect::<Result<_, _>>()?)
}
