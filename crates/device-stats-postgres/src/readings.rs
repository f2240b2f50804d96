//! Statements about readings: ids, finding, listing.

use std::ops::Range;

use deadpool_postgres::Client;
use device_stats_domain::{Axes, DeviceKey, Page, Reading, ReadingId, Timestamp, Window};
use device_stats_store::StoreError;
use tokio_postgres::Row;

use crate::columns::{column, each, number, time};
use crate::errors::Failure;

pub(crate) async fn reserve_ids(client: &Client, count: u32) -> Result<Range<i64>, Failure> {
    let update = client
        .prepare_cached("UPDATE id_block SET next = next + $1 WHERE name = 'reading' RETURNING next")
        .await?;
    let updated = client.query(&update, &[&i64::from(count)]).await.map_err(Failure::Committing)?;
    let nothing = || StoreError::Broken("the database has no block of reading ids".into());
    let next: i64 = column(updated.first().ok_or_else(nothing)?, 0)?;
    Ok(next - i64::from(count)..next)
}

fn reading(row: &Row) -> Result<Reading, StoreError> {
    Ok(Reading {
        device: DeviceKey(column(row, 0)?),
        time: time(row, 1)?,
        id: ReadingId(column(row, 2)?),
        values: Axes { x: number(row, 3)?, y: number(row, 4)?, z: number(row, 5)? },
    })
}

pub(crate) async fn find(
    client: &Client,
    device: DeviceKey,
    time: Timestamp,
) -> Result<Option<Reading>, Failure> {
    let select = client
        .prepare_cached("SELECT device, time, id, x, y, z FROM reading WHERE device = $1 AND time = $2")
        .await?;
    let found = client.query(&select, &[&device.0, &time.micros()]).await?;
    Ok(found.first().map(reading).transpose()?)
}

pub(crate) async fn list(
    client: &Client,
    device: DeviceKey,
    window: Window,
    page: Page,
) -> Result<Vec<Reading>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT device, time, id, x, y, z FROM reading WHERE device = $1 AND time >= $2 AND time < $3
             ORDER BY time DESC LIMIT $4 OFFSET $5",
        )
        .await?;
    let limit = i64::from(page.limit);
    let readings =
        client.query(&select, &[&device.0, &window.from_us, &window.until_us, &limit, &page.skip]).await?;
    Ok(each(&readings, reading)?)
}
