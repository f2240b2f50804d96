//! What an analysis and a list read. The caller holds one read transaction, so all of it is of one moment.

use device_stats_domain::{Device, DeviceKey, Window};
use device_stats_store::{DeviceSnapshot, Newest, Snapshot, StoreError, Subject};
use rusqlite::Connection;

use crate::accounts::devices;
use crate::accounts::users;
use crate::hot::View;
use crate::segments::catalogue;

pub(crate) fn take(
    connection: &Connection,
    hot: &View,
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
    let devices = devices.into_iter().map(|device| take_device(connection, hot, device, window));
    Ok(Snapshot { devices: devices.collect::<Result<_, _>>()? })
}

fn take_device(
    connection: &Connection,
    hot: &View,
    device: Device,
    window: Window,
) -> Result<DeviceSnapshot, StoreError> {
    let hot = hot.inside(device.key, window);
    let segments = catalogue::touching(connection, device.key, window)?;
    Ok(DeviceSnapshot { device, hot, segments })
}

pub(crate) fn newest(
    connection: &Connection,
    hot: &View,
    device: DeviceKey,
    window: Window,
    count: u64,
) -> Result<Newest, StoreError> {
    let hot = hot.newest(device, window, count);
    let segments = catalogue::touching(connection, device, window)?;
    Ok(Newest { hot, segments })
}
