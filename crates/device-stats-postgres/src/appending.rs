//! Appending readings.
//!
//! Those that bring their time are inserted by one statement that passes over repeats. Times that are left to the server
//! are tried as they are named at first, since hardly ever one is taken. Where one is, everything is rolled back and
//! done again in a transaction that keeps other callers from picking times for these devices meanwhile, and looks which
//! times are free. A caller that brings its times may still take one of them in between; then it is done once more.

use std::collections::HashSet;

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{DeviceKey, NewReading, ReadingTime, Timestamp};
use device_stats_store::{AppendOrder, Appended, StoreError};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Error, GenericClient, Statement};

use crate::columns::column;
use crate::errors::{Failure, is_missing_parent, is_taken};
use crate::free_times::{pick_free, pick_named};

const DEVICE_AND_TIME_UNIQUE: &str = "reading_by_device_and_time";
/// How often times are picked before a call is told to come again later.
const PICKS_MAX: u32 = 10;
/// Passes over repeats, and says what it has stored.
const INSERT_GIVEN: &str = "INSERT INTO reading (device, time, id, x, y, z)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
        $4::double precision[], $5::double precision[], $6::double precision[])
    ON CONFLICT (device, time) DO NOTHING RETURNING device, time";
/// Stores all or nothing.
const INSERT_PICKED: &str = "INSERT INTO reading (device, time, id, x, y, z)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
        $4::double precision[], $5::double precision[], $6::double precision[])";

/// A reading with its place in the call.
pub(crate) type Placed<'r> = (usize, &'r NewReading);
/// The same with the time it is to be stored at.
pub(crate) type Timed<'r> = (usize, &'r NewReading, Timestamp);

pub(crate) async fn append(client: &mut Client, readings: &[NewReading]) -> Result<Vec<Appended>, Failure> {
    let AppendOrder { given, first_free } = AppendOrder::of(readings);
    let given: Vec<Timed<'_>> = placed(readings, &given)
        .into_iter()
        .filter_map(|(index, new)| match new.time {
            ReadingTime::Given(time) => Some((index, new, time)),
            ReadingTime::FirstFree(_) => None,
        })
        .collect();
    let first_free = placed(readings, &first_free);
    let stored = if first_free.is_empty() {
        append_given(client, &given).await?
    } else {
        append_all(client, given, &first_free).await?
    };
    let mut outcome = vec![Appended::Repeat; readings.len()];
    for (index, _, time) in stored {
        if let Some(place) = outcome.get_mut(index) {
            *place = Appended::Stored(time);
        }
    }
    Ok(outcome)
}

fn placed<'r>(readings: &'r [NewReading], indices: &[usize]) -> Vec<Placed<'r>> {
    indices.iter().filter_map(|&index| readings.get(index).map(|new| (index, new))).collect()
}

/// One statement, which commits by itself. Returns what was stored.
async fn append_given<'r>(client: &Client, given: &[Timed<'r>]) -> Result<Vec<Timed<'r>>, Failure> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let statement = client.prepare_cached(INSERT_GIVEN).await?;
    insert_given(&***client, &statement, given, Failure::Committing).await
}

/// Returns what was stored.
async fn append_all<'r>(
    client: &mut Client,
    given: Vec<Timed<'r>>,
    first_free: &[Placed<'r>],
) -> Result<Vec<Timed<'r>>, Failure> {
    if let Some(picked) = pick_named(first_free)
        && let Some(stored) = append_named(client, &given, picked).await?
    {
        return Ok(stored);
    }
    for _ in 0..PICKS_MAX {
        if let Some(stored) = append_free(client, &given, first_free).await? {
            return Ok(stored);
        }
    }
    Err(StoreError::Unavailable("others take every free time first".into()).into())
}

/// Stores the picked readings at the times they name; nothing, and none of the given ones either, where one is taken.
async fn append_named<'r>(
    client: &mut Client,
    given: &[Timed<'r>],
    picked: Vec<Timed<'r>>,
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    if given.is_empty() {
        let statement = client.prepare_cached(INSERT_PICKED).await?;
        let all_free = insert_picked(&***client, &statement, &picked, Failure::Committing).await?;
        return Ok(all_free.then_some(picked));
    }
    let transaction = client.transaction().await?;
    store(transaction, given, picked).await
}

/// Stores the readings at times that are free; nothing where another caller takes one of them meanwhile.
async fn append_free<'r>(
    client: &mut Client,
    given: &[Timed<'r>],
    first_free: &[Placed<'r>],
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let transaction = client.transaction().await?;
    lock_devices(&transaction, first_free).await?;
    let stored = store_given(&transaction, given).await?;
    let picked = pick_free(&transaction, first_free).await?;
    finish(transaction, stored, picked).await
}

async fn store<'r>(
    transaction: Transaction<'_>,
    given: &[Timed<'r>],
    picked: Vec<Timed<'r>>,
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let stored = store_given(&transaction, given).await?;
    finish(transaction, stored, picked).await
}

async fn store_given<'r>(
    transaction: &Transaction<'_>,
    given: &[Timed<'r>],
) -> Result<Vec<Timed<'r>>, Failure> {
    if given.is_empty() {
        return Ok(Vec::new());
    }
    let statement = transaction.prepare_cached(INSERT_GIVEN).await?;
    insert_given(&**transaction, &statement, given, Failure::Before).await
}

/// Stores the picked readings and commits. Without a commit the transaction is rolled back when it is dropped.
async fn finish<'r>(
    transaction: Transaction<'_>,
    mut stored: Vec<Timed<'r>>,
    picked: Vec<Timed<'r>>,
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let statement = transaction.prepare_cached(INSERT_PICKED).await?;
    if !insert_picked(&*transaction, &statement, &picked, Failure::Before).await? {
        return Ok(None);
    }
    transaction.commit().await.map_err(Failure::Committing)?;
    stored.extend(picked);
    Ok(Some(stored))
}

/// Makes sure that the devices exist, and that no other call that picks times for them does so before this transaction
/// has ended. By ascending key, so that two calls cannot wait for each other.
async fn lock_devices(transaction: &Transaction<'_>, first_free: &[Placed<'_>]) -> Result<(), Failure> {
    let mut keys: Vec<i64> = first_free.iter().map(|(_, new)| new.device.0).collect();
    keys.dedup();
    let lock = transaction
        .prepare_cached("SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE")
        .await?;
    if transaction.query(&lock, &[&keys]).await?.len() == keys.len() {
        Ok(())
    } else {
        Err(StoreError::DeviceMissing.into())
    }
}

/// Returns those that were stored; the other ones are repeats.
async fn insert_given<'r>(
    client: &impl GenericClient,
    statement: &Statement,
    given: &[Timed<'r>],
    failed: fn(Error) -> Failure,
) -> Result<Vec<Timed<'r>>, Failure> {
    let rows = Columns::of(given);
    let rows = client.query(statement, &rows.parameters()).await.map_err(|error| refused(error, failed))?;
    let stored = rows.iter().map(|row| Ok((DeviceKey(column(row, 0)?), column::<i64>(row, 1)?)));
    let stored: HashSet<_> = stored.collect::<Result<_, StoreError>>()?;
    let is_stored = |(_, new, time): &Timed<'_>| stored.contains(&(new.device, time.micros()));
    Ok(given.iter().copied().filter(is_stored).collect())
}

/// Whether they were stored: all, or none because the time of one is taken.
async fn insert_picked(
    client: &impl GenericClient,
    statement: &Statement,
    picked: &[Timed<'_>],
    failed: fn(Error) -> Failure,
) -> Result<bool, Failure> {
    match client.execute(statement, &Columns::of(picked).parameters()).await {
        Ok(_) => Ok(true),
        Err(error) if is_taken(&error, DEVICE_AND_TIME_UNIQUE) => Ok(false),
        Err(error) => Err(refused(error, failed)),
    }
}

fn refused(error: Error, failed: fn(Error) -> Failure) -> Failure {
    if is_missing_parent(&error) { StoreError::DeviceMissing.into() } else { failed(error) }
}

/// Readings column by column, as a statement takes them.
#[derive(Default)]
struct Columns {
    devices: Vec<i64>,
    times: Vec<i64>,
    ids: Vec<i64>,
    x: Vec<f64>,
    y: Vec<f64>,
    z: Vec<f64>,
}

impl Columns {
    fn of(readings: &[Timed<'_>]) -> Self {
        let mut columns = Self::default();
        for (_, new, time) in readings {
            columns.devices.push(new.device.0);
            columns.times.push(time.micros());
            columns.ids.push(new.id.0);
            columns.x.push(new.values.x.get());
            columns.y.push(new.values.y.get());
            columns.z.push(new.values.z.get());
        }
        columns
    }

    fn parameters(&self) -> [&(dyn ToSql + Sync); 6] {
        [&self.devices, &self.times, &self.ids, &self.x, &self.y, &self.z]
    }
}
