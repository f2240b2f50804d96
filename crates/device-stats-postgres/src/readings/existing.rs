//! The readings of a call that exist already, hot or sealed, with the values of the stored readings.

use std::collections::HashMap;

use deadpool_postgres::Transaction;
use device_stats_domain::{Axes, DeviceKey};
use device_stats_store::{AppendResult, OrderedReading, StoreError};
use tokio_postgres::Row;

use crate::database::columns::{column, each};
use crate::database::errors::Failure;
use crate::readings::hot::values;
use crate::segments::sealed_times::SealedTimesReader;

/// Selects the positions and values of readings that are hot. `OFFSET 0` leaves the planner only a lookup in
/// the index for each reading.
const EXISTING: &str = "SELECT place, x, y, z
    FROM unnest($1::bigint[], $2::bigint[]) WITH ORDINALITY AS sent (device, time, place)
    CROSS JOIN LATERAL (
        SELECT x, y, z FROM reading
        WHERE reading.device = sent.device AND reading.time = sent.time OFFSET 0) AS found";

/// Splits readings into the stored and the existing ones. The rows hold the positions of the existing ones,
/// counted from 1, and their values. Returns `None` if a position is null, because nothing was done.
pub(crate) fn split_existing<'r>(
    all: Vec<OrderedReading<'r>>,
    existing: &[Row],
) -> Result<Option<AppendResult<'r>>, StoreError> {
    let mut by_position = HashMap::with_capacity(existing.len());
    for row in existing {
        let Some(position) = column::<Option<i64>>(row, 0)? else { return Ok(None) };
        by_position.insert(position, values(row, 1)?);
    }
    let mut result = AppendResult::default();
    for (position, new) in (1..).zip(all) {
        match by_position.remove(&position) {
            Some(values) => result.existing.push((new, values)),
            None => result.stored.push(new),
        }
    }
    Ok(Some(result))
}

/// Returns device and time of each reading.
pub(crate) fn times(readings: &[OrderedReading<'_>]) -> Vec<(DeviceKey, i64)> {
    readings.iter().map(|new| (new.reading.device, new.time.micros())).collect()
}

/// Splits readings into those that are not sealed and those that exist as sealed readings. The given readings
/// are in insert order.
pub(crate) async fn split_sealed<'r>(
    sealed: &mut SealedTimesReader<'_>,
    readings: &[OrderedReading<'r>],
) -> Result<AppendResult<'r>, Failure> {
    let mut split = AppendResult::default();
    let mut repeats = Vec::new();
    for (new, is_sealed) in readings.iter().zip(sealed.contains_each(&times(readings)).await?) {
        let side = if is_sealed { &mut repeats } else { &mut split.stored };
        side.push(*new);
    }
    for (new, values) in repeats.iter().zip(sealed.values_each(&times(&repeats)).await?) {
        let values = values.ok_or_else(|| StoreError::Broken("a sealed reading has no values".into()))?;
        split.existing.push((*new, values));
    }
    Ok(split)
}

/// Adds the values of the hot readings with the same devices and times.
///
/// # Errors
/// [`Failure::Overtaken`] if one of them has been sealed in the meantime.
pub(crate) async fn with_hot_values<'r>(
    transaction: &Transaction<'_>,
    repeats: Vec<OrderedReading<'r>>,
) -> Result<Vec<(OrderedReading<'r>, Axes<f64>)>, Failure> {
    let (devices, times): (Vec<i64>, Vec<i64>) =
        repeats.iter().map(|new| (new.reading.device.0, new.time.micros())).unzip();
    let select = transaction.prepare_cached(EXISTING).await?;
    let rows = transaction.query(&select, &[&devices, &times]).await?;
    let found = each(&rows, |row| Ok((column::<i64>(row, 0)?, values(row, 1)?)))?;
    let found: HashMap<i64, Axes<f64>> = found.into_iter().collect();
    let with_values = (1..).zip(repeats).map(|(position, new)| Some((new, *found.get(&position)?)));
    with_values.collect::<Option<Vec<_>>>().ok_or(Failure::Overtaken)
}
