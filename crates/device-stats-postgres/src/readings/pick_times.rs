//! Picking times for readings that leave theirs to the server: each gets one behind the newest reading of its device, hot or
//! sealed or given in the same call, and behind the one before it in the call, but none before what the clock says.

use deadpool_postgres::Transaction;
use device_stats_domain::{DeviceKey, NewReading, ReadingTime, Timestamp, Window};
use device_stats_store::{behind_which_to_pick, earliest_to_pick, microsecond_after};
use tokio_postgres::Statement;

use crate::database::columns::{column, each};
use crate::database::errors::Failure;
use crate::readings::parameters::{Placed, Spans, Timed};
use crate::segments::sealed_times::SealedTimes;

/// How many times of hot readings are read at once.
const HOT_TIMES_MAX: i64 = 4096;

/// The times they get where their devices have no other readings there; nothing where time ends before. Readings of a device
/// follow each other in the order of the call.
pub(crate) fn pick_among_given<'r>(given: &[Timed<'r>], untimed: &[Placed<'r>]) -> Option<Vec<Timed<'r>>> {
    let mut last = None;
    let picked = untimed.iter().map(|&(index, new)| {
        let newest_us = newest_given_us(given, new.device, behind_which_to_pick(clock(new)));
        let mut time = earliest_to_pick(clock(new), newest_us, last_of(last, new.device)).ok()?;
        while is_given(given, new.device, time) {
            time = microsecond_after(time.micros()).ok()?;
        }
        last = Some((new.device, time));
        Some((index, new, time))
    });
    picked.collect()
}

/// The times they get, as the transaction sees the readings of their devices; of each, `newest_hot` says what
/// [`newest_hot_us`] has found.
pub(crate) async fn pick<'r>(
    transaction: &Transaction<'_>,
    sealed: &mut SealedTimes,
    given: &[Timed<'r>],
    untimed: &[Placed<'r>],
    newest_hot: Vec<Option<i64>>,
) -> Result<Vec<Timed<'r>>, Failure> {
    let select = transaction
        .prepare_cached("SELECT time FROM reading WHERE device = $1 AND time >= $2 ORDER BY time LIMIT $3")
        .await?;
    let mut hot = HotTimes { select, device: None, times: Vec::new(), first: 0, last: i64::MIN };
    let mut picked = Vec::with_capacity(untimed.len());
    let mut last = None;
    for (&(index, new), newest_hot_us) in untimed.iter().zip(newest_hot) {
        let window = behind_which_to_pick(clock(new));
        let newest_us = newest_given_us(given, new.device, window)
            .max(newest_hot_us)
            .max(sealed.newest_us(transaction, new.device, window).await?);
        let mut time = earliest_to_pick(clock(new), newest_us, last_of(last, new.device))?;
        while is_given(given, new.device, time)
            || hot.contain(transaction, new.device, time).await?
            || sealed.have(transaction, new.device, time.micros()).await?
        {
            time = microsecond_after(time.micros())?;
        }
        last = Some((new.device, time));
        picked.push((index, new, time));
    }
    Ok(picked)
}

/// What the clock said for a reading that leaves its time to the server.
fn clock(new: &NewReading) -> Timestamp {
    let (ReadingTime::Given(now) | ReadingTime::Picked(now)) = new.time;
    now
}

/// The time that was picked last, if it was for that device.
fn last_of(last: Option<(DeviceKey, Timestamp)>, device: DeviceKey) -> Option<Timestamp> {
    last.filter(|(of, _)| *of == device).map(|(_, time)| time)
}

/// Whether a reading of the same call, which are in order, brings that time.
fn is_given(given: &[Timed<'_>], device: DeviceKey, time: Timestamp) -> bool {
    given.binary_search_by_key(&(device, time), |(_, new, time)| (new.device, *time)).is_ok()
}

/// The newest time that a reading of the same call, which are in order, brings for a device before the end of a window.
fn newest_given_us(given: &[Timed<'_>], device: DeviceKey, window: Window) -> Option<i64> {
    let until = (device, window.until_us);
    let before = given.partition_point(|(_, new, time)| (new.device, time.micros()) < until);
    let (_, new, time) = given.get(before.checked_sub(1)?)?;
    (new.device == device).then_some(time.micros())
}

/// For each reading, when the newest hot one of its device was taken behind which its time has to lie.
pub(crate) async fn newest_hot_us(
    transaction: &Transaction<'_>,
    untimed: &[Placed<'_>],
) -> Result<Vec<Option<i64>>, Failure> {
    let mut asked = Spans::default();
    for (_, new) in untimed {
        let Window { from_us, until_us } = behind_which_to_pick(clock(new));
        asked.add(new.device, from_us, until_us - 1);
    }
    let select = transaction
        .prepare_cached(
            "SELECT (SELECT max(time) FROM reading
                     WHERE reading.device = span.device AND time BETWEEN earliest AND latest)
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
                 WITH ORDINALITY AS span (device, earliest, latest, place) ORDER BY place",
        )
        .await?;
    let newest = transaction.query(&select, &asked.parameters()).await?;
    Ok(each(&newest, |row| column(row, 0))?)
}

/// The times of hot readings of a device, of which a stretch is known. They are asked for in ascending order.
struct HotTimes {
    select: Statement,
    device: Option<DeviceKey>,
    /// Those from `first` to `last`, ascending.
    times: Vec<i64>,
    first: i64,
    last: i64,
}

impl HotTimes {
    async fn contain(
        &mut self,
        transaction: &Transaction<'_>,
        device: DeviceKey,
        time: Timestamp,
    ) -> Result<bool, Failure> {
        let time = time.micros();
        if self.device != Some(device) || time < self.first || self.last < time {
            let rows = transaction.query(&self.select, &[&device.0, &time, &HOT_TIMES_MAX]).await?;
            self.times = rows.iter().map(|row| column(row, 0)).collect::<Result<_, _>>()?;
            self.device = Some(device);
            self.first = time;
            // Fewer than asked for are all there are.
            let is_full = i64::try_from(self.times.len()).is_ok_and(|read| read >= HOT_TIMES_MAX);
            self.last = self.times.last().copied().filter(|_| is_full).unwrap_or(i64::MAX);
        }
        Ok(self.times.binary_search(&time).is_ok())
    }
}
