//! Picks the times of server-timed readings.

use deadpool_postgres::Transaction;
use device_stats_domain::{DeviceKey, Timestamp, Window};
use device_stats_store::{OrderedReading, TimePicker};
use tokio_postgres::Statement;

use crate::database::columns::{column, each};
use crate::database::errors::Failure;
use crate::segments::sealed_times::SealedTimesReader;
use crate::segments::spans::DeviceSpans;

/// Maximum number of times of hot readings that are read at once.
const HOT_TIMES_MAX: i64 = 4096;

/// Picks times as if the devices had no stored readings; `None` if a device has no free time up to
/// [`Timestamp::MAX`].
pub(crate) fn pick_within_call<'r>(
    client_timed: &[OrderedReading<'r>],
    server_timed: &[OrderedReading<'r>],
) -> Option<Vec<OrderedReading<'r>>> {
    if server_timed.is_empty() {
        return Some(Vec::new());
    }
    let mut picker = TimePicker::new(client_timed.iter().copied());
    let with_times = server_timed.iter().map(|new| {
        let time = picker.first_candidate(new.reading.device, new.time, None).ok()?;
        picker.pick(new.reading.device, time);
        Some(OrderedReading { time, ..*new })
    });
    with_times.collect()
}

/// Picks times among the stored readings that the transaction sees. `newest_hot` is the result of
/// [`newest_hot_us`].
pub(crate) async fn pick<'r>(
    transaction: &Transaction<'_>,
    sealed: &mut SealedTimesReader<'_>,
    client_timed: &[OrderedReading<'r>],
    server_timed: &[OrderedReading<'r>],
    newest_hot: Vec<Option<i64>>,
) -> Result<Vec<OrderedReading<'r>>, Failure> {
    if server_timed.is_empty() {
        return Ok(Vec::new());
    }
    let mut hot = HotTimes::new(transaction).await?;
    let mut picker = TimePicker::new(client_timed.iter().copied());
    let mut with_times = Vec::with_capacity(server_timed.len());
    for (new, newest_hot_us) in server_timed.iter().zip(newest_hot) {
        let device = new.reading.device;
        let window = TimePicker::search_window(new.time);
        let newest_sealed_us = sealed.answer(|times| times.newest_us(device, window)).await?;
        let mut time = picker.first_candidate(device, new.time, newest_hot_us.max(newest_sealed_us))?;
        while hot.contains(transaction, device, time).await?
            || sealed.answer(|times| times.contains(device, time.micros())).await?
        {
            time = picker.next_candidate(device, time.micros())?;
        }
        picker.pick(device, time);
        with_times.push(OrderedReading { time, ..*new });
    }
    Ok(with_times)
}

/// Returns for each server-timed reading the time of the newest hot reading of its device in the search
/// window.
pub(crate) async fn newest_hot_us(
    transaction: &Transaction<'_>,
    server_timed: &[OrderedReading<'_>],
) -> Result<Vec<Option<i64>>, Failure> {
    let mut windows = DeviceSpans::default();
    for new in server_timed {
        let Window { from_us, until_us } = TimePicker::search_window(new.time);
        windows.add(new.reading.device, from_us, until_us - 1);
    }
    let select = transaction
        .prepare_cached(
            "SELECT (SELECT max(time) FROM reading
                     WHERE reading.device = span.device AND time BETWEEN earliest AND latest)
             FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])
                 WITH ORDINALITY AS span (device, earliest, latest, place) ORDER BY place",
        )
        .await?;
    let newest = transaction.query(&select, &windows.parameters()).await?;
    Ok(each(&newest, |row| column(row, 0))?)
}

/// Times of the hot readings of a device, read part by part. Ask for times in ascending order.
struct HotTimes {
    select: Statement,
    device: Option<DeviceKey>,
    /// All times from `first_us` to `last_us`, ascending.
    times: Vec<i64>,
    first_us: i64,
    last_us: i64,
}

impl HotTimes {
    async fn new(transaction: &Transaction<'_>) -> Result<Self, Failure> {
        let select = transaction
            .prepare_cached(
                "SELECT time FROM reading WHERE device = $1 AND time >= $2 ORDER BY time LIMIT $3",
            )
            .await?;
        Ok(Self { select, device: None, times: Vec::new(), first_us: 0, last_us: i64::MIN })
    }

    async fn contains(
        &mut self,
        transaction: &Transaction<'_>,
        device: DeviceKey,
        time: Timestamp,
    ) -> Result<bool, Failure> {
        let time_us = time.micros();
        if self.device != Some(device) || time_us < self.first_us || self.last_us < time_us {
            let rows = transaction.query(&self.select, &[&device.0, &time_us, &HOT_TIMES_MAX]).await?;
            self.times = each(&rows, |row| column(row, 0))?;
            self.device = Some(device);
            self.first_us = time_us;
            // An answer with fewer times than the limit has all later times.
            let is_full = i64::try_from(self.times.len()).is_ok_and(|read| read >= HOT_TIMES_MAX);
            self.last_us = self.times.last().copied().filter(|_| is_full).unwrap_or(i64::MAX);
        }
        Ok(self.times.binary_search(&time_us).is_ok())
    }
}
