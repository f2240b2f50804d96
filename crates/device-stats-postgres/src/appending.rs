//! Appending readings.
//!
//! No reading is stored twice, although a seal takes rows away from under the unique index that would refuse a repeat:
//! an append **first inserts, and then looks** whether a segment touches what it has inserted, in a later statement,
//! which sees more. For a row goes and its segment comes in one commit. Inserting the same device and time again either
//! comes before that commit, and finds the row (or waits for the commit, where the row is being deleted); or it comes
//! after, and then so does the look, which finds the segment. So a seal needs no lock against appends, neither waits for
//! the other, and a device that is appended to without pause can still be sealed. A segment that was never rows comes
//! under a lock on its device that waits for every append: each row refers to its device, and inserting it takes the
//! weaker lock that this one excludes.
//!
//! Hardly ever does a segment touch new readings, or is the time taken that the server picks. So a call is first made
//! as if it were so, in one round trip. Where it is not, nothing is stored, and it is done carefully: it looks first,
//! reads which times are sealed, picks times that are free, inserts the rest, and looks again whether the segments are
//! still those it knows.

use std::collections::BTreeMap;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{DeviceKey, NewReading, ReadingTime, Timestamp};
use device_stats_store::{AppendOrder, Appended, StoreError};
use futures_util::TryFutureExt;
use futures_util::future::try_join;
use tokio_postgres::Error;

use crate::catalogue::touching;
use crate::errors::{Failure, is_division_by_zero, is_missing_parent, is_taken};
use crate::free_times::{pick_free, pick_named};
use crate::inserting::{Columns, Placed, Spans, Timed, in_order, is_picked, returned};
use crate::sealed_times::SealedTimes;
use crate::transactions::{BEGIN, at_once, begin};

const DEVICE_AND_TIME_UNIQUE: &str = "reading_by_device_and_time";
/// How often a call is done carefully before it is told to come again later.
const TRIES_MAX: u32 = 10;

/// Inserts readings, which are `$1` to `$6`, and says which of them were stored.
macro_rules! insert {
    ($($condition:expr),*) => {
        concat!(
            "INSERT INTO reading (device, time, id, x, y, z)
             SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
                 $4::double precision[], $5::double precision[], $6::double precision[])",
            $(" ", $condition,)*
            " RETURNING device, time"
        )
    };
}

/// Stores nothing where a segment touches one of the spans, which are `$7` to `$9`. As it is when the statement begins.
macro_rules! where_untouched {
    () => {
        "WHERE NOT EXISTS (
             SELECT FROM unnest($7::bigint[], $8::bigint[], $9::bigint[]) AS span (device, earliest, latest)
             JOIN segment ON segment.device = span.device AND last_us >= earliest AND first_us <= latest)"
    };
}

/// Passes over repeats.
macro_rules! but_repeats {
    () => {
        "ON CONFLICT (device, time) DO NOTHING"
    };
}

const INSERT_NEW: &str = insert!(where_untouched!(), but_repeats!());
/// Fails where one is a repeat.
const INSERT_ALL: &str = insert!(where_untouched!());
/// Of readings that are known not to be sealed.
const INSERT_LOOKED_UP: &str = insert!(but_repeats!());
/// Fails on purpose where a segment touches a span, so that a `COMMIT` which is under way already rolls back.
const REQUIRE_UNTOUCHED: &str = "SELECT 1 / (count(*) = 0)::integer
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS span (device, earliest, latest)
    JOIN segment ON segment.device = span.device AND last_us >= earliest AND first_us <= latest";

pub(crate) async fn append(client: &mut Client, readings: &[NewReading]) -> Result<Vec<Appended>, Failure> {
    let mut outcome = vec![Appended::Repeat; readings.len()];
    for (index, _, time) in store(client, readings).await? {
        if let Some(place) = outcome.get_mut(index) {
            *place = Appended::Stored(time);
        }
    }
    Ok(outcome)
}

/// Returns what was stored.
async fn store<'r>(client: &mut Client, readings: &'r [NewReading]) -> Result<Vec<Timed<'r>>, Failure> {
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    let order = AppendOrder::of(readings);
    let placed = |indices: &[usize]| -> Vec<Placed<'r>> {
        indices.iter().filter_map(|&index| readings.get(index).map(|new| (index, new))).collect()
    };
    let given: Vec<Timed<'_>> = placed(&order.given)
        .into_iter()
        .filter_map(|(index, new)| match new.time {
            ReadingTime::Given(time) => Some((index, new, time)),
            ReadingTime::FirstFree(_) => None,
        })
        .collect();
    let first_free = placed(&order.first_free);
    if let Some(picked) = pick_named(&given, &first_free)
        && let Some(stored) = store_swiftly(client, &given, picked).await?
    {
        return Ok(stored);
    }
    for _ in 1..TRIES_MAX {
        match store_carefully(client, &given, &first_free).await {
            Err(Failure::Overtaken) => {}
            done => return done,
        }
    }
    store_carefully(client, &given, &first_free).await
}

/// Returns what was stored; nothing where nothing was, because a segment touches some reading, a picked time is taken,
/// or all are repeats.
async fn store_swiftly<'r>(
    client: &mut Client,
    given: &[Timed<'r>],
    picked: Vec<Timed<'r>>,
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let picked_count = picked.len();
    let all = in_order(given, picked);
    let stored = if given.is_empty() {
        insert_at_once(client, INSERT_ALL, &all).await?
    } else if picked_count == 0 {
        insert_at_once(client, INSERT_NEW, &all).await?
    } else {
        insert_with_picked(client, &all, picked_count).await?
    };
    Ok(stored.filter(|stored| !stored.is_empty()))
}

/// One round trip, and a transaction of its own.
async fn insert_at_once<'r>(
    client: &Client,
    insert: &str,
    readings: &[Timed<'r>],
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let insert = client.prepare_cached(insert).await?;
    let require = client.prepare_cached(REQUIRE_UNTOUCHED).await?;
    let (columns, spans) = (Columns::of(readings), Spans::of(readings));
    let inserted = columns.parameters_within(&spans);
    let required = spans.parameters();
    let work = try_join(client.query(&insert, &inserted), client.query(&require, &required));
    match at_once(client, BEGIN, work).await {
        Ok((rows, _)) => Ok(Some(returned(&rows, readings)?)),
        Err(error) => refused(error, Failure::Committing),
    }
}

/// Of readings of both kinds, repeats are passed over only where they bring their time.
async fn insert_with_picked<'r>(
    client: &mut Client,
    readings: &[Timed<'r>],
    picked_count: usize,
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let transaction = begin(client).await?;
    let insert = transaction.prepare_cached(INSERT_NEW).await?;
    let require = transaction.prepare_cached(REQUIRE_UNTOUCHED).await?;
    let (columns, spans) = (Columns::of(readings), Spans::of(readings));
    let inserted = columns.parameters_within(&spans);
    let required = spans.parameters();
    let work = try_join(transaction.query(&insert, &inserted), transaction.query(&require, &required));
    let stored = match work.await {
        Ok((rows, _)) => returned(&rows, readings)?,
        Err(error) => return refused(error, Failure::Before),
    };
    if count_picked(&stored) < picked_count {
        return Ok(None);
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(Some(stored))
}

/// Returns what was stored, whatever the segments.
async fn store_carefully<'r>(
    client: &mut Client,
    given: &[Timed<'r>],
    first_free: &[Placed<'r>],
) -> Result<Vec<Timed<'r>>, Failure> {
    let transaction = begin(client).await?;
    lock_devices(&transaction, first_free).await?;
    let mut sealed = SealedTimes::look(&transaction, &reach(given, first_free)).await?;
    let new = sealed.without_sealed(&transaction, given).await?;
    let picked = pick_free(&transaction, &mut sealed, given, first_free).await?;
    let all = in_order(&new, picked);
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let insert = transaction.prepare_cached(INSERT_LOOKED_UP).await?;
    let (columns, spans) = (Columns::of(&all), Spans::of(&all));
    let inserted = columns.parameters();
    let insert = transaction.query(&insert, &inserted).map_err(|error| {
        if is_missing_parent(&error) { StoreError::DeviceMissing.into() } else { Failure::Before(error) }
    });
    // The look is polled, and thereby sent, after the insert.
    let (rows, touching) = try_join(insert, touching(&transaction, &spans)).await?;
    let stored = returned(&rows, &all)?;
    if count_picked(&stored) < first_free.len() || !sealed.has_all(&touching) {
        return Err(Failure::Overtaken);
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(stored)
}

/// Where the times of readings may come to lie: one span for each device, as for what is inserted in the end, so that
/// no segment is found then for the first time that was there all along.
fn reach(given: &[Timed<'_>], first_free: &[Placed<'_>]) -> Spans {
    let mut reach: BTreeMap<DeviceKey, (i64, i64)> = BTreeMap::new();
    let times = given.iter().map(|(_, new, time)| (new.device, time.micros(), time.micros()));
    let free = first_free.iter().map(|(_, new)| {
        let (ReadingTime::Given(named) | ReadingTime::FirstFree(named)) = new.time;
        (new.device, named.micros(), Timestamp::MAX.micros())
    });
    for (device, from, until) in times.chain(free) {
        let (earliest, latest) = reach.entry(device).or_insert((from, until));
        *earliest = from.min(*earliest);
        *latest = until.max(*latest);
    }
    let mut spans = Spans::default();
    for (device, (earliest, latest)) in reach {
        spans.add(device, earliest, latest);
    }
    spans
}

/// Makes sure that the devices exist, and that no other call that picks times for them does so before this transaction
/// has ended. By ascending key, so that two calls cannot wait for each other.
async fn lock_devices(transaction: &Transaction<'_>, first_free: &[Placed<'_>]) -> Result<(), Failure> {
    let mut keys: Vec<i64> = first_free.iter().map(|(_, new)| new.device.0).collect();
    keys.dedup();
    if keys.is_empty() {
        return Ok(());
    }
    let lock = transaction
        .prepare_cached("SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE")
        .await?;
    if transaction.query(&lock, &[&keys]).await?.len() == keys.len() {
        Ok(())
    } else {
        Err(StoreError::DeviceMissing.into())
    }
}

fn count_picked(readings: &[Timed<'_>]) -> usize {
    readings.iter().filter(|reading| is_picked(reading)).count()
}

/// The meaning of an error of the statements that insert: nothing where a segment or another reading is in the way.
fn refused<T>(error: Error, failed: fn(Error) -> Failure) -> Result<Option<T>, Failure> {
    if is_division_by_zero(&error) || is_taken(&error, DEVICE_AND_TIME_UNIQUE) {
        Ok(None)
    } else if is_missing_parent(&error) {
        Err(StoreError::DeviceMissing.into())
    } else {
        Err(failed(error))
    }
}
