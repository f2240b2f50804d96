//! Statements about the catalogue of segments.

use deadpool_postgres::{Client, GenericClient};
use device_stats_domain::DeviceKey;
use device_stats_store::{SegmentEntry, SegmentId, StoreError};
use tokio_postgres::Row;

use crate::database::columns::{column, each};
use crate::database::errors::Failure;
use crate::segments::spans::DeviceSpans;

/// Selects the devices and entries of the segments that touch a span. `OFFSET 0` leaves the planner only a
/// lookup in the index for each span.
const TOUCHING: &str = "SELECT DISTINCT span.device, id, first_us, last_us, readings
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS span (device, earliest, latest)
    CROSS JOIN LATERAL (
        SELECT id, first_us, last_us, readings FROM segment
        WHERE segment.device = span.device AND last_us >= earliest AND first_us <= latest OFFSET 0) AS touching
    ORDER BY device, first_us, id";

/// Reads an entry from the columns id, first time, last time and number of readings. The id is at index
/// `first`.
pub(crate) fn entry(row: &Row, first: usize) -> Result<SegmentEntry, StoreError> {
    let readings: i32 = column(row, first + 3)?;
    let readings = u32::try_from(readings).map_err(|error| StoreError::Broken(error.into()))?;
    Ok(SegmentEntry {
        id: SegmentId(column(row, first)?),
        first_us: column(row, first + 1)?,
        last_us: column(row, first + 2)?,
        readings,
    })
}

pub(crate) async fn list(client: &Client, device: DeviceKey) -> Result<Vec<SegmentEntry>, Failure> {
    let select = client
        .prepare_cached(
            "SELECT id, first_us, last_us, readings FROM segment WHERE device = $1 ORDER BY first_us, id",
        )
        .await?;
    let segments = client.query(&select, &[&device.0]).await?;
    Ok(each(&segments, |row| entry(row, 0))?)
}

/// Returns the segments that touch a span of their device, by device, first time and id.
pub(crate) async fn touching(
    client: &impl GenericClient,
    spans: &DeviceSpans,
) -> Result<Vec<(DeviceKey, SegmentEntry)>, Failure> {
    let select = client.prepare_cached(TOUCHING).await?;
    let segments = client.query(&select, &spans.parameters()).await?;
    Ok(each(&segments, |row| Ok((DeviceKey(column(row, 0)?), entry(row, 1)?)))?)
}
