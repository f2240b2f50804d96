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
//! as if none did, in one statement: a function of the database (`append_untouched`) inserts and looks. Where it does,
//! nothing is stored, and the call is made carefully: it looks first, reads which times are sealed, picks times that are
//! free, inserts the rest, and looks again whether the segments are still those it knows. A call that is overtaken
//! again and again lets the others wait at last.

use std::collections::BTreeMap;

use deadpool_postgres::{Client, GenericClient, Transaction};
use device_stats_domain::{DeviceKey, NewReading, ReadingTime, Timestamp};
use device_stats_store::{AppendOrder, Appended, StoreError};
use futures_util::TryFutureExt;
use tokio_postgres::Error;

use crate::catalogue::touching;
use crate::errors::{Failure, is_missing_parent, is_overtaken};
use crate::free_times::{pick_free, pick_named};
use crate::inserting::{Columns, Placed, Spans, Timed, in_order, is_picked, returned};
use crate::sealed_times::SealedTimes;
use crate::transactions::{begin, try_join};

/// How often a call is done carefully while others may overtake it.
const TRIES_MAX: u32 = 4;

/// Stores what is new of readings that no segment touches, or nothing; whether all have to be new is `$7`.
const APPEND_UNTOUCHED: &str =
    "SELECT device, time FROM append_untouched($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
/// Stores what is new of readings that are known not to be sealed.
const INSERT_LOOKED_UP: &str = "INSERT INTO reading (device, time, id, x, y, z)
    SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
        $4::double precision[], $5::double precision[], $6::double precision[])
    ON CONFLICT (device, time) DO NOTHING RETURNING device, time";

/// What others may do to the devices of a call while it is done.
#[derive(Clone, Copy)]
enum Others {
    /// Append readings with their times, seal and merge.
    GoOn,
    /// Nothing: so many were faster that they have to wait now.
    Wait,
}

pub(crate) async fn append(client: &mut Client, readings: &[NewReading]) -> Result<Vec<Appended>, Failure> {
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    let stored = store(client, &Sorted::of(readings)).await?;
    Ok(outcome(readings.len(), &stored))
}

/// Appends readings in a transaction that has more to do, and with whose commit they are stored. Where others are faster
/// again and again, it waits for them at last: `tries` says how often they were.
///
/// # Errors
/// [`Failure::Overtaken`] where others were faster.
pub(crate) async fn append_inside(
    transaction: &Transaction<'_>,
    readings: &[NewReading],
    tries: u32,
) -> Result<Vec<Appended>, Failure> {
    if readings.is_empty() {
        return Ok(Vec::new());
    }
    let others = if tries < TRIES_MAX { Others::GoOn } else { Others::Wait };
    let stored = insert_carefully(transaction, &Sorted::of(readings), others).await?;
    Ok(outcome(readings.len(), &stored))
}

/// What became of each reading of a call.
fn outcome(count: usize, stored: &[Timed<'_>]) -> Vec<Appended> {
    let mut outcome = vec![Appended::Repeat; count];
    for (index, _, time) in stored {
        if let Some(place) = outcome.get_mut(*index) {
            *place = Appended::Stored(*time);
        }
    }
    outcome
}

/// The readings of a call in the order of [`AppendOrder`].
struct Sorted<'r> {
    /// Those that bring their time.
    given: Vec<Timed<'r>>,
    /// Those whose time the server picks.
    first_free: Vec<Placed<'r>>,
}

impl<'r> Sorted<'r> {
    fn of(readings: &'r [NewReading]) -> Self {
        let order = AppendOrder::of(readings);
        let placed = |indices: &[usize]| -> Vec<Placed<'r>> {
            indices.iter().filter_map(|&index| readings.get(index).map(|new| (index, new))).collect()
        };
        let given = placed(&order.given).into_iter().filter_map(|(index, new)| match new.time {
            ReadingTime::Given(time) => Some((index, new, time)),
            ReadingTime::FirstFree(_) => None,
        });
        Self { given: given.collect(), first_free: placed(&order.first_free) }
    }
}

/// Returns what was stored.
async fn store<'r>(client: &mut Client, sorted: &Sorted<'r>) -> Result<Vec<Timed<'r>>, Failure> {
    let Sorted { given, first_free } = sorted;
    if let Some(picked) = pick_named(given, first_free)
        && let Some(stored) = store_swiftly(client, given, picked).await?
    {
        return Ok(stored);
    }
    for _ in 0..TRIES_MAX {
        match store_carefully(client, sorted, Others::GoOn).await {
            Err(Failure::Overtaken) => {}
            done => return done,
        }
    }
    store_carefully(client, sorted, Others::Wait).await
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
    let stored = if given.is_empty() || picked_count == 0 {
        append_untouched(client, &all, given.is_empty(), Failure::Committing).await?
    } else {
        // Repeats are passed over only where they bring their time.
        let transaction = begin(client).await?;
        let stored = append_untouched(&transaction, &all, false, Failure::Before).await?;
        if count_picked(&stored) < picked_count {
            return Ok(None);
        }
        transaction.commit().await.map_err(Failure::Committing)?;
        stored
    };
    Ok(Some(stored).filter(|stored| !stored.is_empty()))
}

/// Returns what was stored.
async fn append_untouched<'r>(
    client: &impl GenericClient,
    readings: &[Timed<'r>],
    all_new: bool,
    failed: fn(Error) -> Failure,
) -> Result<Vec<Timed<'r>>, Failure> {
    let append = client.prepare_cached(APPEND_UNTOUCHED).await?;
    let (columns, spans) = (Columns::of(readings), Spans::of(readings));
    let [devices, times, ids, x, y, z] = columns.parameters();
    let [of, earliest, latest] = spans.parameters();
    let parameters = [devices, times, ids, x, y, z, &all_new, of, earliest, latest];
    match client.query(&append, &parameters).await {
        Ok(rows) => Ok(returned(&rows, readings)?),
        Err(error) if is_overtaken(&error) => Ok(Vec::new()),
        Err(error) => Err(refused(error, failed)),
    }
}

/// Returns what was stored, whatever the segments.
async fn store_carefully<'r>(
    client: &mut Client,
    sorted: &Sorted<'r>,
    others: Others,
) -> Result<Vec<Timed<'r>>, Failure> {
    let transaction = begin(client).await?;
    let stored = insert_carefully(&transaction, sorted, others).await?;
    transaction.commit().await.map_err(Failure::Committing)?;
    Ok(stored)
}

/// Inserts what is new, whatever the segments, and returns that.
async fn insert_carefully<'r>(
    transaction: &Transaction<'_>,
    sorted: &Sorted<'r>,
    others: Others,
) -> Result<Vec<Timed<'r>>, Failure> {
    let Sorted { given, first_free } = sorted;
    lock_devices(transaction, given, first_free, others).await?;
    let mut sealed = SealedTimes::look(transaction, &reach(given, first_free)).await?;
    let new = sealed.without_sealed(transaction, given).await?;
    let picked = pick_free(transaction, &mut sealed, given, first_free).await?;
    let all = in_order(&new, picked);
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let insert = transaction.prepare_cached(INSERT_LOOKED_UP).await?;
    let (columns, spans) = (Columns::of(&all), Spans::of(&all));
    let inserted = columns.parameters();
    let insert = transaction.query(&insert, &inserted).map_err(|error| refused(error, Failure::Before));
    // The look is polled, and thereby sent, after the insert.
    let (rows, touching) = try_join(insert, touching(transaction, &spans)).await?;
    let stored = returned(&rows, &all)?;
    if count_picked(&stored) < first_free.len() || !sealed.has_all(&touching) {
        return Err(Failure::Overtaken);
    }
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

/// Makes sure that the devices exist, before it can turn out that one has no free time, and that no other call that picks
/// times for them does so before this transaction has ended. All of them by ascending key, so that no two calls can wait
/// for each other. Where every reading brings its time and others may go on, inserting is enough.
async fn lock_devices(
    transaction: &Transaction<'_>,
    given: &[Timed<'_>],
    first_free: &[Placed<'_>],
    others: Others,
) -> Result<(), Failure> {
    let lock = match others {
        Others::GoOn if first_free.is_empty() => return Ok(()),
        Others::GoOn => "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
        Others::Wait => "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR UPDATE",
    };
    let given = given.iter().map(|(_, new, _)| new.device.0);
    let mut keys: Vec<i64> = given.chain(first_free.iter().map(|(_, new)| new.device.0)).collect();
    keys.sort_unstable();
    keys.dedup();
    let lock = transaction.prepare_cached(lock).await?;
    if transaction.query(&lock, &[&keys]).await?.len() == keys.len() {
        Ok(())
    } else {
        Err(StoreError::DeviceMissing.into())
    }
}

fn count_picked(readings: &[Timed<'_>]) -> usize {
    readings.iter().filter(|reading| is_picked(reading)).count()
}

/// The meaning of an error of a statement that inserts.
fn refused(error: Error, failed: fn(Error) -> Failure) -> Failure {
    if is_missing_parent(&error) { StoreError::DeviceMissing.into() } else { failed(error) }
}
