//! Statements about hot readings.

use deadpool_postgres::Client;
use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::Row;
use device_stats_store::limits::{HOT_DEVICES_LISTED_MAX, HOT_READINGS_COUNTED_MAX};
use device_stats_store::{HotDevice, HotDevices, StoreError};

use crate::database::columns::{column, count, each, number};
use crate::database::errors::Failure;

/// Visits up to `$2` devices with keys above `$1` that have hot readings, and counts up to `$3` readings of
/// each. Finds each device by one lookup in the index after the previous device, so it never reads the other
/// readings. The count is null if the device does not exist: its readings are being purged. `EXISTS` instead
/// of the comparison with null would make PostgreSQL read all devices.
const HOT_DEVICES: &str = "WITH RECURSIVE hot (device, place) AS (
        (SELECT device, 1::bigint FROM reading WHERE device > $1 ORDER BY device, time LIMIT 1)
        UNION ALL
        SELECT (SELECT reading.device FROM reading WHERE reading.device > hot.device
                ORDER BY reading.device, reading.time LIMIT 1), place + 1
        FROM hot WHERE hot.device IS NOT NULL AND place < $2)
    SELECT device, CASE WHEN (SELECT id FROM devices WHERE id = hot.device) IS NOT NULL THEN (
        SELECT count(*) FROM (SELECT FROM reading WHERE reading.device = hot.device LIMIT $3) AS counted) END
    FROM hot WHERE device IS NOT NULL ORDER BY device";
/// Counts up to `$1` hot readings. If there are more, estimates their number from the statistics that
/// PostgreSQL keeps of the table. Each transaction adds its rows to the statistics, within seconds. They are
/// lost when the server crashes. Until the table is vacuumed or analyzed again, the number of rows at the
/// last vacuum or analysis is used.
const COUNT: &str = "WITH found AS MATERIALIZED (
        SELECT 'reading'::regclass AS table_id, (SELECT count(*) FROM (
            SELECT FROM reading WHERE device > $2 ORDER BY device, time LIMIT $1) AS first) AS counted)
    SELECT CASE WHEN counted < $1 THEN counted ELSE greatest(
        counted, pg_stat_get_live_tuples(table_id),
        CASE WHEN coalesce(
            pg_stat_get_last_autovacuum_time(table_id), pg_stat_get_last_autoanalyze_time(table_id),
            pg_stat_get_last_vacuum_time(table_id), pg_stat_get_last_analyze_time(table_id)) IS NULL
        THEN (SELECT reltuples FROM pg_class WHERE oid = table_id) END::bigint) END
    FROM found";

/// Reads a reading from the columns time, id, x, y, z. The time is at index `first`.
pub(crate) fn reading(row: &tokio_postgres::Row, first: usize) -> Result<Row, StoreError> {
    Ok(Row { time_us: column(row, first)?, id: column(row, first + 1)?, values: values(row, first + 2)? })
}

/// Reads the values of a reading from the columns x, y, z. The first is at index `first`.
pub(crate) fn values(row: &tokio_postgres::Row, first: usize) -> Result<Axes<f64>, StoreError> {
    Ok(Axes {
        x: number(row, first)?.get(),
        y: number(row, first + 1)?.get(),
        z: number(row, first + 2)?.get(),
    })
}

pub(crate) async fn count_readings(client: &Client) -> Result<u64, Failure> {
    let select = client.prepare_cached(COUNT).await?;
    // The condition on the device makes PostgreSQL use the index from its beginning.
    let found = client.query_one(&select, &[&i64::from(HOT_READINGS_COUNTED_MAX), &i64::MIN]).await?;
    Ok(count(&found, 0)?)
}

pub(crate) async fn list_devices(client: &Client, after: DeviceKey) -> Result<HotDevices, Failure> {
    let select = client.prepare_cached(HOT_DEVICES).await?;
    let limits = [HOT_DEVICES_LISTED_MAX, HOT_READINGS_COUNTED_MAX].map(i64::from);
    let visited = client.query(&select, &[&after.0, &limits[0], &limits[1]]).await?;
    let is_full = i64::try_from(visited.len()).is_ok_and(|visited| visited >= limits[0]);
    let next_after = visited.last().filter(|_| is_full).map(|row| column(row, 0)).transpose()?;
    let devices = each(&visited, |row| {
        let readings: Option<i64> = column(row, 1)?;
        let readings = readings.map(|readings| u64::try_from(readings).unwrap_or(0));
        Ok((DeviceKey(column(row, 0)?), readings.unwrap_or(0)))
    })?;
    let devices = devices.into_iter().filter(|(_, readings)| *readings > 0);
    let devices = devices.map(|(device, readings)| HotDevice { device, readings }).collect();
    Ok(HotDevices { devices, next_after: next_after.map(DeviceKey) })
}

pub(crate) async fn list_readings(
    client: &Client,
    device: DeviceKey,
    count: u32,
) -> Result<Vec<Row>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT time, id, x, y, z FROM reading
             WHERE device = $1 AND EXISTS (SELECT FROM devices WHERE id = $1) ORDER BY time LIMIT $2",
        )
        .await?;
    let rows = client.query(&select, &[&device.0, &i64::from(count)]).await?;
    Ok(each(&rows, |row| reading(row, 0))?)
}
