//! Statements about devices.

use device_stats_domain::{
    Device, DeviceChange, DeviceFilter, DeviceId, DeviceKey, DeviceName, ExpectedInterval, ListPage,
    NewDevice, SearchText, UserId, Window,
};
use device_stats_store::{SqlConditions, StoreError, Visibility, VisibleRows};
use rusqlite::{Connection, OptionalExtension, Row, ToSql};

use crate::accounts::now_us;
use crate::database::columns::{optional_interval, optional_text, optional_time, text};
use crate::database::errors::{is_missing_parent, store_error};
use crate::hot::HotView;
use crate::journal::{self, Entry};

fn device(row: &Row<'_>) -> rusqlite::Result<Device> {
    let user_id: Option<i64> = row.get(3)?;
    Ok(Device {
        key: DeviceKey(row.get(0)?),
        device_id: text(row, 1, DeviceId::new)?,
        name: optional_text(row, 2, DeviceName::new)?,
        user_id: user_id.map(UserId),
        expected_interval: optional_interval(row, 5)?,
        created_at: optional_time(row, 4)?,
    })
}

/// Converts an error of a statement that sets an owner.
fn owner_error(error: rusqlite::Error) -> StoreError {
    if is_missing_parent(&error) { StoreError::UserMissing } else { store_error(error) }
}

pub(crate) fn create(connection: &Connection, new: &NewDevice) -> Result<Device, StoreError> {
    let mut insert = connection
        .prepare_cached(
            "INSERT INTO devices (device_id, name, user_id, created_at, expected_interval_us)
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING
             RETURNING id, device_id, name, user_id, created_at, expected_interval_us",
        )
        .map_err(store_error)?;
    let name = new.name.as_ref().map(DeviceName::as_str);
    let interval_us = new.expected_interval.map(ExpectedInterval::micros);
    let values = (new.device_id.as_str(), name, new.user_id.map(|id| id.0), now_us(), interval_us);
    let created = insert.query_row(values, device);
    created.optional().map_err(owner_error)?.ok_or(StoreError::DeviceIdTaken)
}

/// Returns the created devices.
pub(crate) fn create_missing(
    connection: &Connection,
    owner: Option<UserId>,
    device_ids: &[DeviceId],
    owned_max: Option<u32>,
) -> Result<Vec<Device>, StoreError> {
    let mut created = Vec::new();
    for device_id in device_ids {
        let new = NewDevice { user_id: owner, ..NewDevice::new(device_id.clone()) };
        match create(connection, &new) {
            Ok(device) => created.push(device),
            Err(StoreError::DeviceIdTaken) => {}
            Err(error) => return Err(error),
        }
    }
    if !created.is_empty() {
        check_owned(connection, owner, owned_max)?;
    }
    Ok(created)
}

/// Checks that the owner of devices that the transaction has created has at most this number of devices. One
/// transaction writes at a time, so the number is exact.
pub(crate) fn check_owned(
    connection: &Connection,
    owner: Option<UserId>,
    owned_max: Option<u32>,
) -> Result<(), StoreError> {
    let (Some(owner), Some(devices_max)) = (owner, owned_max) else { return Ok(()) };
    let mut count =
        connection.prepare_cached("SELECT count(*) FROM devices WHERE user_id = ?1").map_err(store_error)?;
    let device_count: u32 = count.query_row([owner.0], |row| row.get(0)).map_err(store_error)?;
    if device_count > devices_max { Err(StoreError::TooManyOwnedDevices { devices_max }) } else { Ok(()) }
}

pub(crate) fn find(
    connection: &Connection,
    visible: Visibility,
    device_ids: &[DeviceId],
) -> Result<Vec<Option<Device>>, StoreError> {
    // Each id has its own lookup: a statement cannot have thousands of parameters.
    let mut select = connection
        .prepare_cached(
            "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE device_id = ?1
             AND (?2 IS NULL OR user_id = ?2) AND (?3 IS NULL OR id = ?3)",
        )
        .map_err(store_error)?;
    let VisibleRows { owner, device: key, .. } = visible.rows();
    let found = device_ids.iter().map(|id| select.query_row((id.as_str(), owner, key), device).optional());
    found.collect::<rusqlite::Result<_>>().map_err(store_error)
}

pub(crate) fn find_by_key(connection: &Connection, key: DeviceKey) -> Result<Option<Device>, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE id = ?1")
        .map_err(store_error)?;
    select.query_row([key.0], device).optional().map_err(store_error)
}

/// Returns whether a device exists. The segments of a device that does not exist are being purged.
pub(crate) fn exists(connection: &Connection, key: DeviceKey) -> Result<bool, StoreError> {
    let mut select = connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM devices WHERE id = ?1)")
        .map_err(store_error)?;
    select.query_row([key.0], |row| row.get(0)).map_err(store_error)
}

pub(crate) fn list(
    connection: &Connection,
    visible: Visibility,
    page: ListPage,
) -> Result<Vec<Device>, StoreError> {
    let VisibleRows { owner, device: key, .. } = visible.rows();
    let mut conditions: SqlConditions<'_, dyn ToSql> = SqlConditions::new('?');
    add_visible(&mut conditions, owner.as_ref(), key.as_ref());
    let (limit, skip) = (conditions.value(&page.limit), conditions.value(&page.skip));
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices {} ORDER BY id LIMIT {limit} OFFSET {skip}",
        conditions.clause()
    );
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let devices = select.query_map(conditions.values(), device);
    devices.and_then(Iterator::collect).map_err(store_error)
}

/// Adds the conditions of [`Visibility`].
fn add_visible<'v>(
    conditions: &mut SqlConditions<'v, dyn ToSql + 'v>,
    owner: Option<&'v i64>,
    key: Option<&'v i64>,
) {
    if let Some(owner) = owner {
        conditions.add("user_id = @", owner);
    }
    if let Some(key) = key {
        conditions.add("id = @", key);
    }
}

/// A unary plus keeps SQLite from reading the devices by id: with a prefix, the index of the device ids finds
/// the few devices with it.
pub(crate) fn list_after(
    connection: &Connection,
    visible: Visibility,
    after: DeviceKey,
    filter: &DeviceFilter,
    limit: u32,
) -> Result<Vec<Device>, StoreError> {
    let DeviceFilter { user_id, prefix, text } = filter;
    let id = if prefix.is_some() { "+id" } else { "id" };
    let owner = user_id.map(|id| id.0);
    let range = prefix.as_ref().map(|prefix| (prefix.as_str(), prefix.end()));
    let text = text.as_ref().map(SearchText::as_lower_case);
    let mut conditions: SqlConditions<'_, dyn ToSql> = SqlConditions::new('?');
    conditions.add(&format!("{id} > @"), &after.0);
    let VisibleRows { owner: visible_owner, device: key, .. } = visible.rows();
    add_visible(&mut conditions, visible_owner.as_ref(), key.as_ref());
    if let Some(owner) = &owner {
        conditions.add("user_id = @", owner);
    }
    if let Some((first, end)) = &range {
        conditions.add("device_id >= @", first);
        if let Some(end) = end {
            conditions.add("device_id < @", end);
        }
    }
    if let Some(text) = &text {
        conditions.add("(instr(lower(device_id), @) > 0 OR instr(lower(name), @) > 0)", text);
    }
    let limit = conditions.value(&limit);
    let select = format!(
        "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices {} ORDER BY {id} LIMIT {limit}",
        conditions.clause()
    );
    let mut select = connection.prepare_cached(&select).map_err(store_error)?;
    let devices = select.query_map(conditions.values(), device);
    devices.and_then(Iterator::collect).map_err(store_error)
}

pub(crate) fn list_by_user(connection: &Connection, user: UserId) -> Result<Vec<Device>, StoreError> {
    let mut select = connection
        .prepare_cached(
            "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE user_id = ?1 ORDER BY id",
        )
        .map_err(store_error)?;
    let devices = select.query_map([user.0], device);
    devices.and_then(Iterator::collect).map_err(store_error)
}

pub(crate) fn update(
    connection: &Connection,
    visible: Visibility,
    key: DeviceKey,
    change: &DeviceChange,
) -> Result<Device, StoreError> {
    let mut update = connection
        .prepare_cached(
            "UPDATE devices SET name = iif(?2, ?3, name), user_id = iif(?4, ?5, user_id),
                 expected_interval_us = iif(?8, ?9, expected_interval_us) WHERE id = ?1
             AND (?6 IS NULL OR user_id = ?6) AND (?7 IS NULL OR id = ?7)
             RETURNING id, device_id, name, user_id, created_at, expected_interval_us",
        )
        .map_err(store_error)?;
    let name = change.name.as_ref().and_then(Option::as_ref).map(DeviceName::as_str);
    let owner = change.user_id.flatten().map(|id| id.0);
    let VisibleRows { owner: visible_owner, device: visible_key, .. } = visible.rows();
    let interval_us = change.expected_interval.flatten().map(ExpectedInterval::micros);
    let changes = (
        key.0,
        change.name.is_some(),
        name,
        change.user_id.is_some(),
        owner,
        visible_owner,
        visible_key,
        change.expected_interval.is_some(),
        interval_us,
    );
    update.query_row(changes, device).optional().map_err(owner_error)?.ok_or(StoreError::DeviceMissing)
}

/// Checks that a device exists and is visible, and equals the expected one, if there is one. Returns it.
pub(crate) fn check(
    connection: &Connection,
    visible: Visibility,
    key: DeviceKey,
    expected: Option<&Device>,
) -> Result<Device, StoreError> {
    let device = find_by_key(connection, key)?.filter(|device| visible.includes_device(device));
    let device = device.ok_or(StoreError::DeviceMissing)?;
    if expected.is_none_or(|expected| device == *expected) { Ok(device) } else { Err(StoreError::Changed) }
}

/// Deletes the hot readings of devices that the same transaction deletes.
pub(crate) fn delete_hot_readings(
    connection: &Connection,
    hot: &HotView,
    devices: impl IntoIterator<Item = DeviceKey>,
) -> Result<(), StoreError> {
    let devices: Vec<DeviceKey> =
        // A device with unknown hot readings may have some.
        devices.into_iter().filter(|device| hot.has_any(*device, Window::ALL).unwrap_or(true)).collect();
    if devices.is_empty() { Ok(()) } else { journal::write(connection, &Entry::Deleted(devices)) }
}

/// Deletes a device, and returns it. A journal entry deletes its hot readings. A trigger notes that its
/// segments are left to [`purge`](crate::accounts::purge).
pub(crate) fn delete(
    connection: &Connection,
    hot: &HotView,
    visible: Visibility,
    key: DeviceKey,
) -> Result<Device, StoreError> {
    let mut delete = connection
        .prepare_cached(
            "DELETE FROM devices WHERE id = ?1 AND (?2 IS NULL OR user_id = ?2) AND (?3 IS NULL OR id = ?3)
             RETURNING id, device_id, name, user_id, created_at, expected_interval_us",
        )
        .map_err(store_error)?;
    let VisibleRows { owner, device: visible, .. } = visible.rows();
    let deleted = delete.query_row((key.0, owner, visible), device).optional().map_err(store_error)?;
    let deleted = deleted.ok_or(StoreError::DeviceMissing)?;
    delete_hot_readings(connection, hot, [key])?;
    Ok(deleted)
}
