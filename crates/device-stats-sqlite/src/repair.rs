//! Repairs a journal with damaged entries: finds them, and drops them. Their readings are lost. All other hot
//! readings of their devices can then be read again, and new ones can be written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use device_stats_domain::{Actor, AuditEvent, Author, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::StoreError;
use device_stats_store::limits::STORE_CONNECT_TIMEOUT;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};

use crate::accounts::devices;
use crate::audit;
use crate::database::connections::make_durable;
use crate::database::errors::{commit_error, store_error};
use crate::database::open;
use crate::database::uri::uri;
use crate::hot::{HotReadings, HotView};
use crate::journal::{self, Entry, Found, Position};
use crate::limits::MISSING_ENTRIES_MAX;
use crate::segments::sealed_times::SealedTimesReader;

/// A damaged or missing entry of the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedEntry {
    /// Position in the journal.
    pub position: i64,
    /// The kind of the entry as it is stored; `None` if the entry is missing.
    pub kind: Option<i64>,
    /// The devices that the entry concerns; `None` if they are unknown.
    pub devices: Option<Vec<DeviceKey>>,
    /// The damaged bytes; empty if the entry is missing.
    pub bytes: Vec<u8>,
}

impl DamagedEntry {
    /// Returns the readings that the damaged bytes seem to have. At least one number is wrong. Empty if the
    /// entry does not add readings.
    pub fn readings(&self) -> Vec<(DeviceKey, Row)> {
        let adds_readings =
            [Entry::Appended(Vec::new()), Entry::Carried(Vec::new())].map(|entry| entry.kind());
        match self.kind {
            Some(kind) if adds_readings.contains(&kind) => journal::decode_damaged_readings(&self.bytes),
            _ => Vec::new(),
        }
    }
}

/// The changes of a repair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Number of entries that were dropped.
    pub entries: u64,
    /// Number of hot readings that were removed because they are also sealed: the dropped entries had
    /// recorded their sealing.
    pub doubled_readings: u64,
}

/// Finds the damaged and missing entries of the journal of the database at `path`.
///
/// # Errors
/// The common errors of a store.
pub fn find_damaged(path: &Path) -> Result<Vec<DamagedEntry>, StoreError> {
    open::read(path, find)
}

/// Drops damaged entries that [`find_damaged`] has found, in one transaction. Stop the service before: it
/// would keep treating the devices as damaged.
///
/// # Errors
/// [`StoreError::Changed`] if the damaged entries are others than `found`. The common errors of a store.
pub fn drop_damaged(path: &Path, found: &[DamagedEntry]) -> Result<Dropped, StoreError> {
    let mut connection = Connection::open(uri(path, "rw")).map_err(store_error)?;
    connection.busy_timeout(STORE_CONNECT_TIMEOUT).map_err(store_error)?;
    make_durable(&connection).map_err(store_error)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
    let transaction = transaction.map_err(store_error)?;
    if find(&transaction)? != found {
        return Err(StoreError::Changed);
    }
    for entry in found {
        journal::replace(&transaction, entry.position, &Entry::Appended(Vec::new()))?;
    }
    let doubled_readings = remove_contradictions(&transaction, found)?;
    audit::note(&transaction, &Author::new(Actor::Operator), &events(found))?;
    transaction.commit().map_err(commit_error)?;
    Ok(Dropped { entries: found.len() as u64, doubled_readings })
}

/// Returns the events of the audit log about dropped entries, one for each device.
fn events(dropped: &[DamagedEntry]) -> Vec<AuditEvent> {
    let mut by_device: BTreeMap<Option<DeviceKey>, u64> = BTreeMap::new();
    for entry in dropped {
        let devices = entry.devices.as_ref();
        let devices =
            devices.map_or_else(|| vec![None], |devices| devices.iter().copied().map(Some).collect());
        for device in devices {
            *by_device.entry(device).or_default() += 1;
        }
    }
    by_device.into_iter().map(|(device, entries)| AuditEvent::drop_damaged(device, entries)).collect()
}

fn find(connection: &Connection) -> Result<Vec<DamagedEntry>, StoreError> {
    let mut damaged = Vec::new();
    let Some(first) = journal::first(connection)? else { return Ok(damaged) };
    let mut expected = first;
    journal::each_after(connection, first - 1, |position, found| {
        damaged.extend((expected..position).take(MISSING_ENTRIES_MAX + 1).map(missing));
        expected = position + 1;
        if let Found::Damaged(devices) = found {
            damaged.push(DamagedEntry { position, kind: None, devices, bytes: Vec::new() });
        }
        damaged.len() <= MISSING_ENTRIES_MAX
    })?;
    if damaged.len() <= MISSING_ENTRIES_MAX {
        damaged.extend((expected..=journal::last(connection)?).take(MISSING_ENTRIES_MAX + 1).map(missing));
    }
    if damaged.len() > MISSING_ENTRIES_MAX {
        return Err(StoreError::Broken("too many entries of the journal are damaged or missing".into()));
    }
    let mut select =
        connection.prepare("SELECT kind, bytes FROM journal WHERE position = ?1").map_err(store_error)?;
    for entry in &mut damaged {
        let row = select.query_row([entry.position], |row| {
            Ok((row.get(0)?, row.get_ref(1)?.as_blob().unwrap_or_default().to_vec()))
        });
        if let Some((kind, bytes)) = row.optional().map_err(store_error)? {
            (entry.kind, entry.bytes) = (Some(kind), bytes);
        }
    }
    Ok(damaged)
}

fn missing(position: Position) -> DamagedEntry {
    DamagedEntry { position, kind: None, devices: None, bytes: Vec::new() }
}

/// Removes hot readings that contradict the rest of the database: readings that are also sealed, because the
/// entry of their sealing was dropped, and readings of devices that do not exist. Returns the number of the
/// former.
fn remove_contradictions(connection: &Connection, dropped: &[DamagedEntry]) -> Result<u64, StoreError> {
    let concerned: Option<BTreeSet<DeviceKey>> = dropped
        .iter()
        .map(|entry| entry.devices.clone())
        .collect::<Option<Vec<_>>>()
        .map(|devices| devices.into_iter().flatten().collect());
    let hot = HotReadings::default();
    let view = hot.view(connection)?;
    let mut doubled_readings = 0;
    for device in view.list_devices()?.into_iter().map(|hot| hot.device) {
        if concerned.as_ref().is_some_and(|concerned| !concerned.contains(&device)) {
            continue;
        }
        if devices::find_by_key(connection, device)?.is_none() {
            journal::write(connection, &Entry::Deleted(vec![device]))?;
            continue;
        }
        let times = doubled(connection, &view, device)?;
        if !times.is_empty() {
            doubled_readings += times.len() as u64;
            journal::write(connection, &Entry::Removed(device, times))?;
        }
    }
    Ok(doubled_readings)
}

/// Returns the times of hot readings of a device that are also sealed.
fn doubled(connection: &Connection, hot: &HotView, device: DeviceKey) -> Result<Vec<i64>, StoreError> {
    let times: Vec<(DeviceKey, i64)> =
        hot.list(device, Window::ALL)?.iter().map(|row| (device, row.time_us)).collect();
    let mut sealed = SealedTimesReader::new(connection, device, Window::ALL)?;
    let values = sealed.answer(|sealed| sealed.values_each(&times))?;
    let doubled = times.iter().zip(values).filter(|(_, values)| values.is_some());
    Ok(doubled.map(|((_, time_us), _)| *time_us).collect())
}
