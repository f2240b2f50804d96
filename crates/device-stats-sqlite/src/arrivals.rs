//! The arrivals of devices: each call is a transaction.

use async_trait::async_trait;
use device_stats_domain::{ArrivalRecord, DeviceKey, NewArrivals};
use device_stats_store::{ArrivalStore, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::accounts::devices;
use crate::database::columns::time;
use crate::database::errors::store_error;
use crate::store::SqliteStore;

#[async_trait]
impl ArrivalStore for SqliteStore {
    async fn merge_arrivals(&self, arrivals: &[(DeviceKey, NewArrivals)]) -> Result<(), StoreError> {
        let arrivals = arrivals.to_vec();
        self.connections.write(move |connection| merge(connection, &arrivals)).await
    }

    async fn find_arrivals(&self, devices: &[DeviceKey]) -> Result<Vec<Option<ArrivalRecord>>, StoreError> {
        let devices = devices.to_vec();
        let find = move |connection: &Connection| devices.iter().map(|key| find(connection, *key)).collect();
        self.connections.read(find).await
    }
}

/// A foreign key deletes the row with its device, so a row is inserted only if the device exists.
fn merge(connection: &Connection, arrivals: &[(DeviceKey, NewArrivals)]) -> Result<(), StoreError> {
    let mut replace = connection
        .prepare_cached(
            "INSERT OR REPLACE INTO arrival (device, last_at, arrivals, silence_us, second_silence_us,
                 readings_per_second, readings_per_arrival, offset_us, steady_lags)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )
        .map_err(store_error)?;
    for (device, new) in arrivals {
        let found = find(connection, *device)?;
        if found.is_none() && !devices::exists(connection, *device)? {
            continue;
        }
        let ArrivalRecord {
            last_at,
            arrivals,
            silences_us: [silence_us, second_silence_us],
            readings_per_second,
            readings_per_arrival,
            offset_us,
            steady_lags,
        } = ArrivalRecord::merge(found, new);
        let values = (
            device.0,
            last_at.micros(),
            arrivals,
            silence_us,
            second_silence_us,
            readings_per_second,
            readings_per_arrival,
            offset_us,
            steady_lags,
        );
        replace.execute(values).map_err(store_error)?;
    }
    Ok(())
}

fn find(connection: &Connection, device: DeviceKey) -> Result<Option<ArrivalRecord>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT last_at, arrivals, silence_us, second_silence_us, readings_per_second,
                 readings_per_arrival, offset_us, steady_lags FROM arrival WHERE device = ?1",
        )
        .map_err(store_error)?;
    select.query_row([device.0], record).optional().map_err(store_error)
}

fn record(row: &Row<'_>) -> rusqlite::Result<ArrivalRecord> {
    Ok(ArrivalRecord {
        last_at: time(row, 0)?,
        arrivals: row.get(1)?,
        silences_us: [row.get(2)?, row.get(3)?],
        readings_per_second: row.get(4)?,
        readings_per_arrival: row.get(5)?,
        offset_us: row.get(6)?,
        steady_lags: row.get(7)?,
    })
}
