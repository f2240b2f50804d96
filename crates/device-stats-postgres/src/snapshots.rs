//! What an analysis reads: one transaction that sees one moment.

use std::pin::pin;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{Device, Window};
use device_stats_store::{DeviceSnapshot, Snapshot, StoreError, Subject};
use futures_util::TryStreamExt;
use tokio_postgres::IsolationLevel;
use tokio_postgres::types::ToSql;

use crate::columns::{column, each};
use crate::devices::device;
use crate::errors::Failure;

pub(crate) async fn take(client: &mut Client, subject: Subject, window: Window) -> Result<Snapshot, Failure> {
    let moment = client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
    let moment = moment.start().await?;
    let devices = match subject {
        Subject::Device(key) => {
            let select = "SELECT id, device_id, name, user_id FROM devices WHERE id = $1";
            let devices = select_devices(&moment, select, key.0).await?;
            if devices.is_empty() {
                return Err(StoreError::DeviceMissing.into());
            }
            devices
        }
        Subject::User(id) => {
            let select = moment.prepare_cached("SELECT 1 FROM users WHERE id = $1").await?;
            if moment.query(&select, &[&id.0]).await?.is_empty() {
                return Err(StoreError::UserMissing.into());
            }
            let select = "SELECT id, device_id, name, user_id FROM devices WHERE user_id = $1 ORDER BY id";
            select_devices(&moment, select, id.0).await?
        }
    };
    let snapshot = read(&moment, devices, window).await?;
    moment.commit().await?;
    Ok(snapshot)
}

async fn select_devices(
    moment: &Transaction<'_>,
    select: &str,
    parameter: i64,
) -> Result<Vec<Device>, Failure> {
    let select = moment.prepare_cached(select).await?;
    Ok(each(&moment.query(&select, &[&parameter]).await?, device)?)
}

/// Reads the numbers of the devices, which ascend, row by row into their columns.
async fn read(moment: &Transaction<'_>, devices: Vec<Device>, window: Window) -> Result<Snapshot, Failure> {
    let mut devices: Vec<_> = devices.into_iter().map(DeviceSnapshot::empty).collect();
    let keys: Vec<i64> = devices.iter().map(|device| device.device.key.0).collect();
    let select = moment
        .prepare_cached(
            "SELECT device, x, y, z FROM reading WHERE device = ANY ($1) AND time >= $2 AND time < $3",
        )
        .await?;
    let parameters: [&(dyn ToSql + Sync); 3] = [&keys, &window.from_us, &window.until_us];
    let mut rows = pin!(moment.query_raw(&select, parameters).await?);
    while let Some(row) = rows.try_next().await? {
        let place = keys.binary_search(&column(&row, 0)?).ok();
        let Some(device) = place.and_then(|place| devices.get_mut(place)) else {
            return Err(StoreError::Broken("a reading of a device that was not asked for".into()).into());
        };
        device.push(column(&row, 1)?, column(&row, 2)?, column(&row, 3)?);
    }
    Ok(Snapshot { devices })
}
