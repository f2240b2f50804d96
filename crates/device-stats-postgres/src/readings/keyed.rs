//! Requests that have keys: what became of one is kept in the transaction that stores its readings.
//!
//! Of several nodes that are sent the same request, one inserts its key. The others wait at the unique index until that one
//! has committed, begin again, and find what became of it.

use std::collections::HashMap;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::limits::IDEMPOTENCY_KEYS_FORGOTTEN_MAX;
use device_stats_domain::{DeviceKey, NewReading, ReadingId, Timestamp};
use device_stats_store::{FirstStored, KeyedReadings, Once, Receipt, StoreError};

use crate::database::columns::{column, time};
use crate::database::errors::Failure;
use crate::database::transactions::begin;
use crate::readings::append::append_inside;

/// How often a call is made while others are faster.
const TRIES_MAX: u32 = 8;

const FIND: &str = "SELECT key, fingerprint, stored, repeats, device, reading, time FROM keyed_request
    WHERE key = ANY ($1) AND kept_until > $2";
/// In the place of one that has expired and was not removed yet.
const KEEP: &str = "INSERT INTO keyed_request AS kept
        (key, fingerprint, kept_until, stored, repeats, device, reading, time)
    SELECT * FROM unnest($1::text[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bigint[],
        $6::bigint[], $7::bigint[], $8::bigint[])
    ON CONFLICT (key) DO UPDATE SET (fingerprint, kept_until, stored, repeats, device, reading, time)
        = (excluded.fingerprint, excluded.kept_until, excluded.stored, excluded.repeats,
           excluded.device, excluded.reading, excluded.time)
    WHERE kept.kept_until <= $9";
const FORGET: &str = "DELETE FROM keyed_request WHERE key IN
    (SELECT key FROM keyed_request WHERE kept_until <= $1 ORDER BY kept_until LIMIT $2 FOR UPDATE SKIP LOCKED)";

/// Appends the readings of those requests whose keys are not known.
pub(crate) async fn append_once(
    client: &mut Client,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<Vec<Once>, Failure> {
    for tries in 0..TRIES_MAX {
        match try_once(client, requests, now, tries).await {
            Err(Failure::Overtaken) => {}
            done => return done,
        }
    }
    Err(Failure::Overtaken)
}

async fn try_once(
    client: &mut Client,
    requests: &[KeyedReadings],
    now: Timestamp,
    tries: u32,
) -> Result<Vec<Once>, Failure> {
    let transaction = begin(client).await?;
    let known = find(&transaction, requests, now).await?;
    let is_new = |request: &&KeyedReadings| !known.contains_key(request.key.as_str());
    let new: Vec<&KeyedReadings> = requests.iter().filter(is_new).collect();
    let readings: Vec<NewReading> = new.iter().flat_map(|request| request.readings.iter().copied()).collect();
    let mut outcome = append_inside(&transaction, &readings, tries).await?.into_iter();
    let mut kept = Kept::default();
    let mut done = Vec::with_capacity(requests.len());
    for request in requests {
        done.push(match known.get(request.key.as_str()) {
            Some((fingerprint, receipt)) if *fingerprint == request.fingerprint => Once::Before(*receipt),
            Some(_) => Once::OtherPayload,
            None => {
                let own: Vec<_> = outcome.by_ref().take(request.readings.len()).collect();
                kept.rows.push((request, Receipt::of(&request.readings, &own)));
                Once::Now(own)
            }
        });
    }
    if !new.is_empty() {
        kept.keep(&transaction, now).await?;
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(done)
}

/// What is kept of requests, by their keys.
async fn find(
    transaction: &Transaction<'_>,
    requests: &[KeyedReadings],
    now: Timestamp,
) -> Result<HashMap<String, (Vec<u8>, Receipt)>, Failure> {
    let keys: Vec<&str> = requests.iter().map(|request| request.key.as_str()).collect();
    let find = transaction.prepare_cached(FIND).await?;
    let rows = transaction.query(&find, &[&keys, &now.micros()]).await?;
    let rows = rows.iter().map(|row| {
        let count = |place| column::<i64>(row, place).map(i64::cast_unsigned);
        let first = match (column(row, 4)?, column(row, 5)?) {
            (Some(device), Some(id)) => {
                Some(FirstStored { device: DeviceKey(device), id: ReadingId(id), time: time(row, 6)? })
            }
            _ => None,
        };
        let receipt = Receipt { stored: count(2)?, repeats: count(3)?, first };
        Ok((column(row, 0)?, (column(row, 1)?, receipt)))
    });
    Ok(rows.collect::<Result<_, StoreError>>()?)
}

/// What is to be kept of requests that are done.
#[derive(Default)]
struct Kept<'r> {
    rows: Vec<(&'r KeyedReadings, Receipt)>,
}

impl Kept<'_> {
    /// Keeps it, and removes what has expired.
    async fn keep(mut self, transaction: &Transaction<'_>, now: Timestamp) -> Result<(), Failure> {
        // All calls in one order, so that no two wait for each other in a circle.
        self.rows.sort_unstable_by(|(one, _), (other, _)| one.key.cmp(&other.key));
        let keys = self.each(|request, _| request.key.as_str());
        let fingerprints = self.each(|request, _| request.fingerprint.as_slice());
        let ends = self.each(|request, _| request.kept_until.micros());
        let stored = self.each(|_, receipt| receipt.stored.cast_signed());
        let repeats = self.each(|_, receipt| receipt.repeats.cast_signed());
        let devices = self.each(|_, receipt| receipt.first.map(|first| first.device.0));
        let ids = self.each(|_, receipt| receipt.first.map(|first| first.id.0));
        let times = self.each(|_, receipt| receipt.first.map(|first| first.time.micros()));
        let now = now.micros();
        let keep = transaction.prepare_cached(KEEP).await?;
        let kept = transaction
            .execute(&keep, &[&keys, &fingerprints, &ends, &stored, &repeats, &devices, &ids, &times, &now])
            .await?;
        if kept < self.rows.len() as u64 {
            return Err(Failure::Overtaken);
        }
        let forget = transaction.prepare_cached(FORGET).await?;
        transaction.execute(&forget, &[&now, &i64::from(IDEMPOTENCY_KEYS_FORGOTTEN_MAX)]).await?;
        Ok(())
    }

    fn each<'a, T>(&'a self, column: impl Fn(&'a KeyedReadings, &'a Receipt) -> T) -> Vec<T> {
        self.rows.iter().map(|(request, receipt)| column(request, receipt)).collect()
    }
}
