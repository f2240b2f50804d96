//! Snapshots for analyses and lists: hot readings and segments of one moment, in one round trip.

use std::collections::{BTreeSet, HashMap};
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
        call!(self.connections, TimeLimit::Reads, |client| take(client, &subject, window))
    }

    async fn list_newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<NewestReadings, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| newest(client, device, window, count))
    }

    async fn find_latest(&self, devices: &[DeviceKey]) -> Result<Vec<NewestReadings>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| latest(client, devices))
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
    devices: "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE id = $1",
    hot: "SELECT device, time, id, x, y, z FROM reading WHERE device = $1 AND time >= $2 AND time < $3",
    segments: "SELECT device, id, first_us, last_us, readings FROM segment
        WHERE device = $1 AND last_us >= $2 AND first_us < $3 AND $2::bigint < $3
            AND EXISTS (SELECT FROM devices WHERE id = $1) ORDER BY first_us, id",
};

const DEVICES_SNAPSHOT: SnapshotStatements = SnapshotStatements {
    devices: "SELECT id, device_id, name, user_id, created_at, expected_interval_us FROM devices WHERE id = ANY ($1) ORDER BY id",
    hot: "SELECT device, time, id, x, y, z FROM reading WHERE device = ANY ($1) AND time >= $2 AND time < $3",
    segments:
        "SELECT device, id, first_us, last_us, readings FROM segment
        WHERE device = ANY ($1) AND last_us >= $2 AND first_us < $3 AND $2::bigint < $3 ORDER BY first_us, id",
};

const USER_SNAPSHOT: SnapshotStatements = SnapshotStatements {
    devices: "SELECT devices.id, device_id, name, user_id, devices.created_at, expected_interval_us
        FROM users LEFT JOIN devices ON user_id = users.id WHERE users.id = $1 ORDER BY devices.id",
    hot: "SELECT device, time, id, x, y, z FROM reading
        WHERE device = ANY (ARRAY (SELECT id FROM devices WHERE user_id = $1)) AND time >= $2 AND time < $3",
    segments: "SELECT device, id, first_us, last_us, readings FROM segment
        WHERE device = ANY (ARRAY (SELECT id FROM devices WHERE user_id = $1))
            AND last_us >= $2 AND first_us < $3 AND $2::bigint < $3 ORDER BY first_us, id",
};

/// Selects the newest hot reading and the last segment of each device, in the order of the devices. Neither
/// of a device that does not exist. `OFFSET 0` leaves the planner only a lookup in the index for each device.
const LATEST: &str = "SELECT hot.*, last.*
    FROM unnest($1::bigint[]) WITH ORDINALITY AS sought (device, place)
    LEFT JOIN LATERAL (
        SELECT id FROM devices WHERE devices.id = sought.device OFFSET 0) AS existing ON true
    LEFT JOIN LATERAL (
        SELECT time, id, x, y, z FROM reading WHERE reading.device = existing.id
        ORDER BY time DESC LIMIT 1) AS hot ON true
    LEFT JOIN LATERAL (
        SELECT id, first_us, last_us, readings FROM segment WHERE segment.device = existing.id
        ORDER BY last_us DESC LIMIT 1) AS last ON true
    ORDER BY place";

async fn take(client: &Client, subject: &Subject, window: Window) -> Result<Snapshot, Failure> {
    let keys = distinct_keys(subject);
    let (statements, key, missing): (_, &(dyn ToSql + Sync), _) = match subject {
        Subject::Device(key) => (DEVICE_SNAPSHOT, &key.0, StoreError::DeviceMissing),
        Subject::Devices(_) => (DEVICES_SNAPSHOT, &keys, StoreError::DeviceMissing),
        Subject::User(id) => (USER_SNAPSHOT, &id.0, StoreError::UserMissing),
    };
    let select_devices = client.prepare_cached(statements.devices).await?;
    let select_hot = client.prepare_cached(statements.hot).await?;
    let select_segments = client.prepare_cached(statements.segments).await?;
    let subject_only: &Parameters<'_> = &[key];
    let in_window: &Parameters<'_> = &[key, &window.from_us, &window.until_us];
    let work = try_join3(
        devices(client, &select_devices, subject_only),
        hot(client, &select_hot, in_window),
        segments(client, &select_segments, in_window),
    );
    let (devices, mut hot, mut segments) = at_once(client, BEGIN_MOMENT, work).await?;
    let devices = match (devices, subject) {
        (found, Subject::Devices(_)) => {
            let found = found.unwrap_or_default();
            if found.len() < keys.len() {
                return Err(missing.into());
            }
            found
        }
        (found, _) => found.ok_or(missing)?,
    };
    let devices = devices.into_iter().map(|device| DeviceSnapshot {
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
            "SELECT device, time, id, x, y, z FROM reading
             WHERE device = $1 AND time >= $2 AND time < $3 AND EXISTS (SELECT FROM devices WHERE id = $1)
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

/// Returns the keys of the devices that a subject lists, each once.
fn distinct_keys(subject: &Subject) -> Vec<i64> {
    let listed = if let Subject::Devices(listed) = subject { &**listed } else { &[] };
    let distinct: BTreeSet<i64> = listed.iter().map(|key| key.0).collect();
    distinct.into_iter().collect()
}

/// One statement sees one moment.
async fn latest(client: &Client, devices: &[DeviceKey]) -> Result<Vec<NewestReadings>, Failure> {
    let select = client.prepare_cached(LATEST).await?;
    let keys: Vec<i64> = devices.iter().map(|key| key.0).collect();
    let rows = client.query(&select, &[&keys]).await?;
    let latest = each(&rows, |row| {
        let has_hot = column::<Option<i64>>(row, 0)?.is_some();
        let has_segment = column::<Option<i64>>(row, 5)?.is_some();
        Ok(NewestReadings {
            hot: has_hot.then(|| reading(row, 0)).transpose()?.into_iter().collect(),
            segments: has_segment.then(|| entry(row, 5)).transpose()?.into_iter().collect(),
        })
    });
    Ok(latest?)
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
