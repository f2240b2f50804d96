//! Snapshots for analyses and lists: hot readings and segments of one moment, in one round trip.

use std::collections::HashMap;
use std::pin::pin;

use async_trait::async_trait;
use deadpool_postgres::{Client, ClientWrapper};
use device_stats_domain::{Device, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::{
    DeviceSnapshot, NewestReadings, SegmentEntry, Snapshot, SnapshotStore, StoreError, Subject,
};
use futures_util::TryStreamExt;
use tokio_postgres::Statement;
use tokio_postgres::types::ToSql;

use crate::accounts::devices::device;
use crate::database::columns::{column, each};
use crate::database::connections::{TimeLimit, call};
use crate::database::errors::Failure;
use crate::database::transactions::{BEGIN_MOMENT, at_once, try_join, try_join3};
use crate::readings::hot::reading;
use crate::segments::catalogue::entry;
use crate::store::PostgresStore;

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn snapshot(&self, subject: Subject, window: Window) -> Result<Snapshot, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| take(client, subject, window))
    }

    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| newest(client, device, window, count))
    }
}

type Parameters<'a> = [&'a (dyn ToSql + Sync)];

/// Statements about a subject, `$1`, and a window from `$2` until `$3`.
struct SnapshotStatements {
    /// Selects no row if the subject does not exist, and one row without a key if it is a user without
    /// devices.
    devices: &'static str,
    hot: &'static str,
    segments: &'static str,
}

const DEVICE_SNAPSHOT: SnapshotStatements = SnapshotStatements {
    devices: "SELECT id, device_id, name, user_id FROM devices WHERE id = $1",
    hot: "SELECT device, time, id, x, y, z FROM reading WHERE device = $1 AND time >= $2 AND time < $3",
    segments: "SELECT device, id, first_us, last_us, readings FROM segment
        WHERE device = $1 AND last_us >= $2 AND first_us < $3 AND $2::bigint < $3 ORDER BY first_us, id",
};

const USER_SNAPSHOT: SnapshotStatements = SnapshotStatements {
    devices: "SELECT devices.id, device_id, name, user_id
        FROM users LEFT JOIN devices ON user_id = users.id WHERE users.id = $1 ORDER BY devices.id",
    hot: "SELECT device, time, id, x, y, z FROM reading
        WHERE device = ANY (ARRAY (SELECT id FROM devices WHERE user_id = $1)) AND time >= $2 AND time < $3",
    segments: "SELECT device, id, first_us, last_us, readings FROM segment
        WHERE device = ANY (ARRAY (SELECT id FROM devices WHERE user_id = $1))
            AND last_us >= $2 AND first_us < $3 AND $2::bigint < $3 ORDER BY first_us, id",
};

async fn take(client: &Client, subject: Subject, window: Window) -> Result<Snapshot, Failure> {
    let (statements, key, missing) = match subject {
        Subject::Device(key) => (DEVICE_SNAPSHOT, key.0, StoreError::DeviceMissing),
        Subject::User(id) => (USER_SNAPSHOT, id.0, StoreError::UserMissing),
    };
    let select_devices = client.prepare_cached(statements.devices).await?;
    let select_hot = client.prepare_cached(statements.hot).await?;
    let select_segments = client.prepare_cached(statements.segments).await?;
    let subject_only: &Parameters<'_> = &[&key];
    let in_window: &Parameters<'_> = &[&key, &window.from_us, &window.until_us];
    let work = try_join3(
        devices(client, &select_devices, subject_only),
        hot(client, &select_hot, in_window),
        segments(client, &select_segments, in_window),
    );
    let (devices, mut hot, mut segments) = at_once(client, BEGIN_MOMENT, work).await?;
    let devices = devices.ok_or(missing)?.into_iter().map(|device| DeviceSnapshot {
        hot: hot.remove(&device.key).unwrap_or_default(),
        segments: segments.remove(&device.key).unwrap_or_default(),
        device,
    });
    Ok(Snapshot { devices: devices.collect() })
}

async fn newest(
    client: &Client,
    device: DeviceKey,
    window: Window,
    count: u64,
) -> Result<NewestReadings, Failure> {
    let select_hot = client
        .prepare_cached(
            "SELECT device, time, id, x, y, z FROM reading WHERE device = $1 AND time >= $2 AND time < $3
             ORDER BY time DESC LIMIT $4",
        )
        .await?;
    let select_segments = client.prepare_cached(DEVICE_SNAPSHOT.segments).await?;
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    let newest: &Parameters<'_> = &[&device.0, &window.from_us, &window.until_us, &count];
    let in_window: &Parameters<'_> = &[&device.0, &window.from_us, &window.until_us];
    let work = try_join(hot(client, &select_hot, newest), segments(client, &select_segments, in_window));
    let (mut hot, mut segments) = at_once(client, BEGIN_MOMENT, work).await?;
    Ok(NewestReadings {
        hot: hot.remove(&device).unwrap_or_default(),
        segments: segments.remove(&device).unwrap_or_default(),
    })
}

/// Returns the devices of a subject; `None` if the subject does not exist.
async fn devices(
    client: &ClientWrapper,
    select: &Statement,
    parameters: &Parameters<'_>,
) -> Result<Option<Vec<Device>>, Failure> {
    let rows = client.query(select, parameters).await?;
    if rows.is_empty() {
        return Ok(None);
    }
    let mut devices = Vec::with_capacity(rows.len());
    for row in &rows {
        if column::<Option<i64>>(row, 0)?.is_some() {
            devices.push(device(row)?);
        }
    }
    Ok(Some(devices))
}

/// Returns hot readings by device. Converts each row when it arrives, because there can be many rows.
async fn hot(
    client: &ClientWrapper,
    select: &Statement,
    parameters: &Parameters<'_>,
) -> Result<HashMap<DeviceKey, Vec<Row>>, Failure> {
    let mut rows = pin!(client.query_raw(select, parameters.iter().copied()).await?);
    let mut hot: HashMap<_, Vec<_>> = HashMap::new();
    while let Some(row) = rows.try_next().await? {
        hot.entry(DeviceKey(column(&row, 0)?)).or_default().push(reading(&row, 1)?);
    }
    Ok(hot)
}

async fn segments(
    client: &ClientWrapper,
    select: &Statement,
    parameters: &Parameters<'_>,
) -> Result<HashMap<DeviceKey, Vec<SegmentEntry>>, Failure> {
    let rows = client.query(select, parameters).await?;
    let mut segments: HashMap<_, Vec<_>> = HashMap::new();
    for (device, entry) in each(&rows, |row| Ok((DeviceKey(column(row, 0)?), entry(row, 1)?)))? {
        segments.entry(device).or_default().push(entry);
    }
    Ok(segments)
}
