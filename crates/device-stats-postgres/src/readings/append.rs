//! Appending readings.
//!
//! No reading is stored twice, although a seal takes rows away from under the unique index that would refuse a repeat:
//! an append **first inserts, and then looks** whether a segment touches what it has inserted, in a later statement,
//! which sees more. For a row goes and its segment comes in one commit. Inserting the same device and time again either
//! comes before that commit, and finds the row (or waits for the commit, where the row is being deleted); or it comes
//! after, and then so does the look, which finds the segment. So a seal needs no lock against appends, neither waits for
//! the other, and a device that is appended to without pause can still be sealed. A segment that was never rows comes
//! under a lock on its device that waits for every append, as does the deletion of a device: each append first takes a
//! weaker lock on its devices that those exclude.
//!
//! Hardly ever does a segment touch new readings, or has the device one behind the time that the server picks. So a call is
//! first made as if that were never so, in one statement: a function of the database (`append_untouched`) inserts and looks.
//! Where it is, nothing is stored, and the call is made carefully: it looks first, reads which times are sealed, picks
//! times, inserts the rest, and looks whether a segment that has come since has one of them. A call that is overtaken
//! again and again lets the others wait at last.

use std::collections::{BTreeMap, HashSet};

use deadpool_postgres::{Client, Transaction};
use device_stats_domain::{DeviceKey, NewReading, ReadingTime, Timestamp};
use device_stats_store::{AppendOrder, Appended, StoreError};
use futures_util::TryFutureExt;
use tokio_postgres::Row;

use crate::database::columns::column;
use crate::database::errors::{Failure, is_missing_parent, is_overtaken, is_taken};
use crate::database::transactions::{begin, try_join};
use crate::readings::parameters::{Columns, Placed, Spans, Timed, in_order, is_picked, returned};
use crate::readings::pick_times::{newest_hot_us, pick, pick_among_given};
use crate::segments::catalogue::touching;
use crate::segments::sealed_times::SealedTimes;

/// How often a call is done carefully while others may overtake it.
const TRIES_MAX: u32 = 4;

/// Stores what is new of readings that no segment touches, and returns the places of the others; or does nothing. Whether all
/// have to be new is `$7`.
const APPEND_UNTOUCHED: &str = "SELECT append_untouched($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
const READING_UNIQUE: &str = "reading_by_device_and_time";
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
    untimed: Vec<Placed<'r>>,
}

impl<'r> Sorted<'r> {
    fn of(readings: &'r [NewReading]) -> Self {
        let order = AppendOrder::of(readings);
        let placed = |indices: &[usize]| -> Vec<Placed<'r>> {
            indices.iter().filter_map(|&index| readings.get(index).map(|new| (index, new))).collect()
        };
        let given = placed(&order.given).into_iter().filter_map(|(index, new)| match new.time {
            ReadingTime::Given(time) => Some((index, new, time)),
            ReadingTime::Picked(_) => None,
        });
        Self { given: given.collect(), untimed: placed(&order.untimed) }
    }
}

/// Returns what was stored.
async fn store<'r>(client: &mut Client, sorted: &Sorted<'r>) -> Result<Vec<Timed<'r>>, Failure> {
    if let Some(stored) = store_untouched(client, sorted).await? {
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

/// Returns what was stored; nothing where nothing was, because a segment touches some reading, or there is another reading
/// where times have to be picked.
async fn store_untouched<'r>(
    client: &Client,
    Sorted { given, untimed }: &Sorted<'r>,
) -> Result<Option<Vec<Timed<'r>>>, Failure> {
    let Some(picked) = pick_among_given(given, untimed) else { return Ok(None) };
    let all = in_order(given, picked);
    let append = client.prepare_cached(APPEND_UNTOUCHED).await?;
    let (columns, spans) = (Columns::of(&all), Spans::of(&all));
    let [devices, times, ids, x, y, z] = columns.parameters();
    let [of, earliest, latest] = spans.parameters();
    let all_new = !untimed.is_empty();
    let parameters = [devices, times, ids, x, y, z, &all_new, of, earliest, latest];
    match client.query(&append, &parameters).await {
        Ok(repeats) => Ok(without(all, &repeats)?),
        Err(error) if is_overtaken(&error) || is_taken(&error, READING_UNIQUE) => Ok(None),
        Err(error) if is_missing_parent(&error) => Err(StoreError::DeviceMissing.into()),
        Err(error) => Err(Failure::Committing(error)),
    }
}

/// The readings without those whose places, counted from 1, the database has returned in order; nothing where it returned
/// that it did nothing.
fn without<'r>(all: Vec<Timed<'r>>, places: &[Row]) -> Result<Option<Vec<Timed<'r>>>, StoreError> {
    let places = places.iter().map(|row| column(row, 0));
    let Some(repeats) = places.collect::<Result<Option<HashSet<i64>>, _>>()? else { return Ok(None) };
    let places = (1..).zip(all).filter(|(place, _)| !repeats.contains(place));
    Ok(Some(places.map(|(_, reading)| reading).collect()))
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
    let Sorted { given, untimed } = sorted;
    lock_devices(transaction, given, untimed, others).await?;
    // Before the segments: a row goes with the commit with which its segment comes.
    let newest_hot = newest_hot_us(transaction, untimed).await?;
    let mut sealed = SealedTimes::look(transaction, &reach(given, untimed)).await?;
    let new = sealed.without_sealed(transaction, given).await?;
    let picked = pick(transaction, &mut sealed, given, untimed, newest_hot).await?;
    let all = in_order(&new, picked);
    if all.is_empty() {
        return Ok(Vec::new());
    }
    let insert = transaction.prepare_cached(INSERT_LOOKED_UP).await?;
    let (columns, spans) = (Columns::of(&all), Spans::of(&all));
    let inserted = columns.parameters();
    // The look is polled, and thereby sent, after the insert.
    let insert = transaction.query(&insert, &inserted).map_err(Failure::from);
    let (rows, touching) = try_join(insert, touching(transaction, &spans)).await?;
    let stored = returned(&rows, &all)?;
    // One that has come meanwhile matters only if it has taken along, as a row, what was inserted again.
    let mut newer = sealed.others(touching);
    let is_doubled = newer.without_sealed(transaction, &stored).await?.len() < stored.len();
    if is_doubled || stored.iter().filter(|reading| is_picked(reading)).count() < untimed.len() {
        return Err(Failure::Overtaken);
    }
    Ok(stored)
}

/// Where the times of readings may come to lie: one span for each device, as for what is inserted in the end, so that
/// no segment is found then for the first time that was there all along.
fn reach(given: &[Timed<'_>], untimed: &[Placed<'_>]) -> Spans {
    let mut reach: BTreeMap<DeviceKey, (i64, i64)> = BTreeMap::new();
    let times = given.iter().map(|(_, new, time)| (new.device, time.micros(), time.micros()));
    let free = untimed.iter().map(|(_, new)| {
        let (ReadingTime::Given(named) | ReadingTime::Picked(named)) = new.time;
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

/// Makes sure that the devices exist and stay, and that no other call that picks times for them does so before this
/// transaction has ended. All of them by ascending key, so that no two calls can wait for each other.
async fn lock_devices(
    transaction: &Transaction<'_>,
    given: &[Timed<'_>],
    untimed: &[Placed<'_>],
    others: Others,
) -> Result<(), Failure> {
    let lock = match others {
        Others::GoOn if untimed.is_empty() => {
            "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR KEY SHARE"
        }
        Others::GoOn => "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE",
        Others::Wait => "SELECT id FROM devices WHERE id = ANY ($1) ORDER BY id FOR UPDATE",
    };
    let given = given.iter().map(|(_, new, _)| new.device.0);
    let mut keys: Vec<i64> = given.chain(untimed.iter().map(|(_, new)| new.device.0)).collect();
    keys.sort_unstable();
    keys.dedup();
    let lock = transaction.prepare_cached(lock).await?;
    if transaction.query(&lock, &[&keys]).await?.len() == keys.len() {
        Ok(())
    } else {
        Err(StoreError::DeviceMissing.into())
    }
}
