//! Picking times for readings that leave theirs to the server: each gets the first microsecond from the one it names on
//! at which its device has no reading, hot or sealed or given in the same call, behind the one before it in the call.

use deadpool_postgres::Transaction;
use device_stats_domain::{DeviceKey, ReadingTime, Timestamp};
use device_stats_store::StoreError;
use tokio_postgres::Statement;

use crate::columns::column;
use crate::errors::Failure;
use crate::inserting::{Placed, Timed};
use crate::sealed_times::SealedTimes;

/// How many times of hot readings are read at once.
const HOT_TIMES_MAX: i64 = 4096;

/// The times they get where none of these is stored; nothing where time ends before. Readings of a device follow each
/// other in the order of the call.
pub(crate) fn pick_named<'r>(given: &[Timed<'r>], first_free: &[Placed<'r>]) -> Option<Vec<Timed<'r>>> {
    let mut last: Option<(DeviceKey, Timestamp)> = None;
    let picked = first_free.iter().map(|&(index, new)| {
        let mut time = earliest(last, new.device, new.time).ok()?;
        while is_given(given, new.device, time) {
            time = after(time).ok()?;
        }
        last = Some((new.device, time));
        Some((index, new, time))
    });
    picked.collect()
}

/// The times they get, as the transaction sees the readings of their devices.
pub(crate) async fn pick_free<'r>(
    transaction: &Transaction<'_>,
    sealed: &mut SealedTimes,
    given: &[Timed<'r>],
    first_free: &[Placed<'r>],
) -> Result<Vec<Timed<'r>>, Failure> {
    let select = transaction
        .prepare_cached("SELECT time FROM reading WHERE device = $1 AND time >= $2 ORDER BY time LIMIT $3")
        .await?;
    let mut hot = HotTimes { select, device: None, times: Vec::new(), first: 0, last: i64::MIN };
    let mut picked = Vec::with_capacity(first_free.len());
    let mut last = None;
    for &(index, new) in first_free {
        let mut time = earliest(last, new.device, new.time)?;
        while is_given(given, new.device, time)
            || hot.contain(transaction, new.device, time).await?
            || sealed.have(transaction, new.device, time.micros()).await?
        {
            time = after(time)?;
        }
        last = Some((new.device, time));
        picked.push((index, new, time));
    }
    Ok(picked)
}

/// Whether a reading of the same call, which are in order, brings that time.
fn is_given(given: &[Timed<'_>], device: DeviceKey, time: Timestamp) -> bool {
    given.binary_search_by_key(&(device, time), |(_, new, time)| (new.device, *time)).is_ok()
}

/// The first time a reading may get.
fn earliest(
    last: Option<(DeviceKey, Timestamp)>,
    device: DeviceKey,
    named: ReadingTime,
) -> Result<Timestamp, StoreError> {
    let (ReadingTime::Given(named) | ReadingTime::FirstFree(named)) = named;
    match last {
        Some((of, last)) if of == device => Ok(named.max(after(last)?)),
        _ => Ok(named),
    }
}

/// The microsecond after `time`, unless time ends there.
fn after(time: Timestamp) -> Result<Timestamp, StoreError> {
    Timestamp::from_micros(time.micros() + 1)
        .map_err(|_| StoreError::Broken("no microsecond is free before the end of time".into()))
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
