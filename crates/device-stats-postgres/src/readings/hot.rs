//! Statements about readings that are rows: ids for them, and the hot ones of a device.

use std::ops::Range;

use deadpool_postgres::Client;
use device_stats_domain::{Axes, DeviceKey};
use device_stats_segment::Row;
use device_stats_store::{HotDevice, StoreError};

use crate::database::columns::{column, each, number};
use crate::database::errors::Failure;

pub(crate) async fn reserve_ids(client: &Client, count: u32) -> Result<Range<i64>, Failure> {
    let update = client
        .prepare_cached("UPDATE id_block SET next = next + $1 WHERE name = 'reading' RETURNING next")
        .await?;
    let updated = client.query(&update, &[&i64::from(count)]).await.map_err(Failure::Committing)?;
    let nothing = || StoreError::Broken("the database has no block of reading ids".into());
    let next: i64 = column(updated.first().ok_or_else(nothing)?, 0)?;
    Ok(next - i64::from(count)..next)
}

/// A reading from the columns time, id, x, y, z, which begin at `place`.
pub(crate) fn reading(row: &tokio_postgres::Row, place: usize) -> Result<Row, StoreError> {
    Ok(Row {
        time_us: column(row, place)?,
        id: column(row, place + 1)?,
        values: Axes {
            x: number(row, place + 2)?.get(),
            y: number(row, place + 3)?.get(),
            z: number(row, place + 4)?.get(),
        },
    })
}

pub(crate) async fn list_hot(client: &Client) -> Result<Vec<HotDevice>, Failure> {
    let select =
        client.prepare_cached("SELECT device, count(*) FROM reading GROUP BY device ORDER BY device").await?;
    let hot = client.query(&select, &[]).await?;
    let hot = each(&hot, |row| {
        let readings = u64::try_from(column::<i64>(row, 1)?);
        let readings = readings.map_err(|error| StoreError::Broken(error.into()))?;
        Ok(HotDevice { device: DeviceKey(column(row, 0)?), readings })
    });
    Ok(hot?)
}

pub(crate) async fn read_hot(client: &Client, device: DeviceKey, count: u32) -> Result<Vec<Row>, Failure> {
    let select = client
        .prepare_cached("SELECT time, id, x, y, z FROM reading WHERE device = $1 ORDER BY time LIMIT $2")
        .await?;
    let rows = client.query(&select, &[&device.0, &i64::from(count)]).await?;
    Ok(each(&rows, |row| reading(row, 0))?)
}
