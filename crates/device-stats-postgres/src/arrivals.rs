//! The arrivals of devices: each call is a transaction.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{ArrivalRecord, DeviceKey, NewArrivals};
use device_stats_store::{ArrivalStore, StoreError};
use tokio_postgres::Row;
use tokio_postgres::types::ToSql;

use crate::database::columns::{column, count, each, time};
use crate::database::connections::{TimeLimit, call};
use crate::database::errors::Failure;
use crate::database::transactions::begin;
use crate::store::PostgresStore;

/// Selects and locks the rows of devices, by ascending key.
const LOCK: &str = "SELECT last_at, arrivals, silence_us, second_silence_us, readings_per_second,
        readings_per_arrival, offset_us, steady_lags, device
    FROM arrival WHERE device = ANY ($1) ORDER BY device FOR NO KEY UPDATE";
/// Inserts rows without arrivals for the devices that exist, so that concurrent calls lock the same row.
/// Leaves out devices that another call has locked: it deletes them, or may lock them for long.
const INSERT: &str = "INSERT INTO arrival (device)
    SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE SKIP LOCKED
    ON CONFLICT (device) DO NOTHING";
/// Updates rows, which exist. `ON CONFLICT` leaves the planner only a lookup in the index for each row.
const UPDATE: &str = "INSERT INTO arrival (device, last_at, arrivals, silence_us, second_silence_us,
        readings_per_second, readings_per_arrival, offset_us, steady_lags)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::double precision[], $7::double precision[], $8::bigint[], $9::smallint[])
    ON CONFLICT (device) DO UPDATE SET last_at = excluded.last_at, arrivals = excluded.arrivals,
        silence_us = excluded.silence_us, second_silence_us = excluded.second_silence_us,
        readings_per_second = excluded.readings_per_second,
        readings_per_arrival = excluded.readings_per_arrival,
        offset_us = excluded.offset_us, steady_lags = excluded.steady_lags";
/// Selects the row of each device, in the order of the devices. `OFFSET 0` leaves the planner only a lookup
/// in the index for each device.
const FIND: &str = "SELECT known.*
    FROM unnest($1::bigint[]) WITH ORDINALITY AS sought (device, place)
    LEFT JOIN LATERAL (
        SELECT id FROM devices WHERE devices.id = sought.device OFFSET 0) AS existing ON true
    LEFT JOIN LATERAL (
        SELECT last_at, arrivals, silence_us, second_silence_us, readings_per_second,
            readings_per_arrival, offset_us, steady_lags
        FROM arrival WHERE arrival.device = existing.id OFFSET 0) AS known ON true
    ORDER BY place";

#[async_trait]
impl ArrivalStore for PostgresStore {
    async fn merge_arrivals(&self, arrivals: &[(DeviceKey, NewArrivals)]) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| merge(client, arrivals))
    }

    async fn find_arrivals(&self, devices: &[DeviceKey]) -> Result<Vec<Option<ArrivalRecord>>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| find(client, devices))
    }
}

/// The records of devices, by key; `None` for a row without arrivals.
type Records = BTreeMap<i64, Option<ArrivalRecord>>;

async fn merge(client: &mut Client, arrivals: &[(DeviceKey, NewArrivals)]) -> Result<(), Failure> {
    let transaction = begin(client).await?;
    let mut devices: Vec<i64> = arrivals.iter().map(|(device, _)| device.0).collect();
    devices.sort_unstable();
    devices.dedup();
    let mut records = lock(&transaction, &devices).await?;
    devices.retain(|device| !records.contains_key(device));
    if !devices.is_empty() {
        let insert = transaction.prepare_cached(INSERT).await?;
        transaction.execute(&insert, &[&devices]).await?;
        records.extend(lock(&transaction, &devices).await?);
    }
    for (device, new) in arrivals {
        // Arrivals of a device that does not exist are ignored.
        if let Some(record) = records.get_mut(&device.0) {
            *record = Some(ArrivalRecord::merge(*record, new));
        }
    }
    let columns = Columns::new(&records);
    let update = transaction.prepare_cached(UPDATE).await?;
    transaction.execute(&update, &columns.parameters()).await?;
    transaction.commit().await.map_err(Failure::Committing)
}

async fn lock(transaction: &Transaction<'_>, devices: &[i64]) -> Result<Records, Failure> {
    let lock = transaction.prepare_cached(LOCK).await?;
    let rows = transaction.query(&lock, &[&devices]).await?;
    let records = each(&rows, |row| Ok((column(row, 8)?, record(row)?)))?;
    Ok(records.into_iter().collect())
}

async fn find(client: &Client, devices: &[DeviceKey]) -> Result<Vec<Option<ArrivalRecord>>, Failure> {
    let find = client.prepare_cached(FIND).await?;
    let keys: Vec<i64> = devices.iter().map(|device| device.0).collect();
    let rows = client.query(&find, &[&keys]).await?;
    Ok(each(&rows, |row| if column::<Option<i64>>(row, 0)?.is_some() { record(row) } else { Ok(None) })?)
}

/// Reads the record of a row; `None` if the row has no arrivals.
fn record(row: &Row) -> Result<Option<ArrivalRecord>, StoreError> {
    let arrivals = u32::try_from(count(row, 1)?).map_err(|error| StoreError::Broken(error.into()))?;
    let steady_lags: i16 = column(row, 7)?;
    let record = ArrivalRecord {
        last_at: time(row, 0)?,
        arrivals,
        silences_us: [column(row, 2)?, column(row, 3)?],
        readings_per_second: column(row, 4)?,
        readings_per_arrival: column(row, 5)?,
        offset_us: column(row, 6)?,
        steady_lags: u8::try_from(steady_lags).map_err(|error| StoreError::Broken(error.into()))?,
    };
    Ok((arrivals > 0).then_some(record))
}

/// Records as one array for each column.
#[derive(Default)]
struct Columns {
    devices: Vec<i64>,
    last_at: Vec<i64>,
    arrivals: Vec<i64>,
    silences: Vec<i64>,
    second_silences: Vec<i64>,
    readings_per_second: Vec<f64>,
    readings_per_arrival: Vec<f64>,
    offsets: Vec<Option<i64>>,
    steady_lags: Vec<i16>,
}

impl Columns {
    fn new(records: &Records) -> Self {
        let mut columns = Self::default();
        for (device, record) in records {
            let Some(record) = record else { continue };
            let [silence_us, second_silence_us] = record.silences_us;
            columns.devices.push(*device);
            columns.last_at.push(record.last_at.micros());
            columns.arrivals.push(record.arrivals.into());
            columns.silences.push(silence_us);
            columns.second_silences.push(second_silence_us);
            columns.readings_per_second.push(record.readings_per_second);
            columns.readings_per_arrival.push(record.readings_per_arrival);
            columns.offsets.push(record.offset_us);
            columns.steady_lags.push(record.steady_lags.into());
        }
        columns
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 9] {
        [
            &self.devices,
            &self.last_at,
            &self.arrivals,
            &self.silences,
            &self.second_silences,
            &self.readings_per_second,
            &self.readings_per_arrival,
            &self.offsets,
            &self.steady_lags,
        ]
    }
}
