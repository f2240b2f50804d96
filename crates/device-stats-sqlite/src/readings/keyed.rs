//! Requests that have keys: what became of one is kept in the transaction that stores its readings.

use device_stats_domain::limits::IDEMPOTENCY_KEYS_FORGOTTEN_MAX;
use device_stats_domain::{DeviceKey, NewReading, ReadingId, Timestamp};
use device_stats_store::{Fingerprint, FirstStored, KeyedReadings, Once, Receipt, StoreError};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::database::columns::time;
use crate::database::errors::store_error;
use crate::hot::View;
use crate::readings::append::append;

const FORGET: &str = "DELETE FROM keyed_request WHERE key IN
    (SELECT key FROM keyed_request WHERE kept_until <= ?1 ORDER BY kept_until LIMIT ?2)";
const FIND: &str = "SELECT fingerprint, stored, repeats, device, reading, time FROM keyed_request
    WHERE key = ?1 AND kept_until > ?2";
/// In the place of one that has expired and was not removed yet.
const KEEP: &str = "INSERT OR REPLACE INTO keyed_request
    (key, fingerprint, kept_until, stored, repeats, device, reading, time)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Appends the readings of those requests whose keys are not known.
pub(crate) fn append_once(
    connection: &Connection,
    hot: &View,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<Vec<Once>, StoreError> {
    let known = find(connection, requests, now)?;
    let is_new = |(request, known): (_, &Option<_>)| known.is_none().then_some(request);
    let new: Vec<&KeyedReadings> = requests.iter().zip(&known).filter_map(is_new).collect();
    let readings: Vec<NewReading> = new.iter().flat_map(|request| request.readings.iter().copied()).collect();
    let mut outcome = append(connection, hot, &readings)?.into_iter();
    let mut keep = connection.prepare_cached(KEEP).map_err(store_error)?;
    let done = requests.iter().zip(known).map(|(request, known)| match known {
        Some((fingerprint, receipt)) if fingerprint == request.fingerprint => Ok(Once::Before(receipt)),
        Some(_) => Ok(Once::OtherPayload),
        None => {
            let own: Vec<_> = outcome.by_ref().take(request.readings.len()).collect();
            let KeyedReadings { key, fingerprint, kept_until, readings } = request;
            let Receipt { stored, repeats, first } = Receipt::of(readings, &own);
            let of_first = |column: fn(&FirstStored) -> i64| first.as_ref().map(column);
            keep.execute((
                key.as_str(),
                fingerprint,
                kept_until.micros(),
                stored.cast_signed(),
                repeats.cast_signed(),
                of_first(|first| first.device.0),
                of_first(|first| first.id.0),
                of_first(|first| first.time.micros()),
            ))
            .map_err(store_error)?;
            Ok(Once::Now(own))
        }
    });
    let done = done.collect::<Result<_, StoreError>>()?;
    let mut forget = connection.prepare_cached(FORGET).map_err(store_error)?;
    forget.execute((now.micros(), IDEMPOTENCY_KEYS_FORGOTTEN_MAX)).map_err(store_error)?;
    Ok(done)
}

/// What is kept of each request.
fn find(
    connection: &Connection,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<Vec<Option<(Fingerprint, Receipt)>>, StoreError> {
    let mut find = connection.prepare_cached(FIND).map_err(store_error)?;
    let known =
        requests.iter().map(|request| find.query_row((request.key.as_str(), now.micros()), kept).optional());
    known.collect::<rusqlite::Result<_>>().map_err(store_error)
}

fn kept(row: &Row<'_>) -> rusqlite::Result<(Fingerprint, Receipt)> {
    let (stored, repeats): (i64, i64) = (row.get(1)?, row.get(2)?);
    let first = match (row.get(3)?, row.get(4)?) {
        (Some(device), Some(id)) => {
            Some(FirstStored { device: DeviceKey(device), id: ReadingId(id), time: time(row, 5)? })
        }
        _ => None,
    };
    let receipt = Receipt { stored: stored.cast_unsigned(), repeats: repeats.cast_unsigned(), first };
    Ok((row.get(0)?, receipt))
}
