//! What an analysis reads. The caller holds one read transaction, so all of it is of one moment.

use device_stats_domain::{Device, Window};
use device_stats_store::{DeviceSnapshot, Snapshot, StoreError, Subject};
use rusqlite::Connection;

use crate::errors::store_error;
use crate::{devices, users};

pub(crate) fn take(
    connection: &Connection,
    subject: Subject,
    window: Window,
) -> Result<Snapshot, StoreError> {
    let devices = match subject {
        Subject::Device(key) => {
            vec![devices::find_by_key(connection, key)?.ok_or(StoreError::DeviceMissing)?]
        }
        Subject::User(id) if users::find(connection, id)?.is_none() => return Err(StoreError::UserMissing),
        Subject::User(id) => devices::list_of(connection, id)?,
    };
    let devices = devices.into_iter().map(|device| take_device(connection, device, window));
    Ok(Snapshot { devices: devices.collect::<Result<_, _>>()? })
}

fn take_device(
    connection: &Connection,
    device: Device,
    window: Window,
) -> Result<DeviceSnapshot, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT x, y, z FROM reading WHERE device = ?1 AND time >= ?2 AND time < ?3")
        .map_err(store_error)?;
    let mut rows = select.query((device.key.0, window.from_us, window.until_us)).map_err(store_error)?;
    let mut snapshot = DeviceSnapshot::empty(device);
    while let Some(row) = rows.next().map_err(store_error)? {
        let number = |column| row.get(column).map_err(store_error);
        snapshot.push(number(0)?, number(1)?, number(2)?);
    }
    Ok(snapshot)
}
