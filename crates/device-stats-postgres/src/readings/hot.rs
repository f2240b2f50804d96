//! Statements about hot readings.

use deadpool_postgres::Client;
use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::Row;
use device_stats_store::{HotDevice, StoreError};

use crate::database::columns::{column, count, each, number};
use crate::database::errors::Failure;

/// Selects the devices with hot readings, and the number of these. The readings of a device that does not
/// exist are being purged.
const HOT_DEVICES: &str = "SELECT device, readings
    FROM (SELECT device, count(*) AS readings FROM reading GROUP BY device) AS hot
    WHERE EXISTS (SELECT FROM devices WHERE id = device) ORDER BY device";

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

pub(crate) async fn list_devices(client: &Client) -> Result<Vec<HotDevice>, Failure> {
    let select = client.prepare_cached(HOT_DEVICES).await?;
    let hot = client.query(&select, &[]).await?;
    let hot =
        each(&hot, |row| Ok(HotDevice { device: DeviceKey(column(row, 0)?), readings: count(row, 1)? }));
    Ok(hot?)
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
