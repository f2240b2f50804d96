//! Short constructors of users, devices, readings, segments and windows for the cases.

use std::sync::Arc;

use device_stats_domain::{
    Author, Axes, Device, DeviceId, DeviceKey, DeviceName, Email, ExpectedInterval, Finite, ListPage,
    NewDevice, NewReading, NewUser, Reading, ReadingId, ReadingTime, Timestamp, User, UserId, Username,
    Window,
};
use device_stats_segment::{Effort, Row, Segment};

use super::oracle::Oracle;
use crate::{
    Appended, CutSegment, Deleted, Replaced, SealedRows, SegmentEntry, SegmentId, Store, Visibility,
};

/// The store under test.
pub(super) type Opened = Arc<dyn Store>;

/// Texts with different bytes. Some texts look alike. A careless store could treat them as equal, as a
/// pattern or as a statement.
pub(super) const TEXTS: [&str; 16] = [
    "pump",
    "PUMP",
    "Pump",
    "p\u{fc}mp",
    "pu\u{308}mp",
    "pump7",
    "pump%",
    "pum_",
    "\u{1f6b0}\u{1f3fd}",
    "it's",
    "\"quoted\"",
    "'; DROP TABLE users; --",
    "back\\slash",
    "$1 ?1 :a {}",
    "\u{65e5}\u{672c}",
    "\u{202e}evil",
];

/// Keys and ids that do not exist in a store of a few rows.
pub(super) const UNUSED_IDS: [i64; 5] = [i64::MIN, -1, 0, 1_000_000, i64::MAX];

pub(super) fn username(name: &str) -> Username {
    Username::new(name).unwrap()
}

pub(super) fn email(local: &str) -> Email {
    Email::parse(&format!("{local}@example.com")).unwrap()
}

pub(super) fn new_user(name: &str, local: &str) -> NewUser {
    NewUser { username: username(name), email: email(local) }
}

pub(super) async fn user(store: &Opened, name: &str) -> User {
    store.create_user(&Author::SERVICE, new_user(name, name)).await.unwrap()
}

pub(super) fn device_id(id: &str) -> DeviceId {
    DeviceId::new(id).unwrap()
}

pub(super) fn device_name(name: &str) -> DeviceName {
    DeviceName::new(name).unwrap()
}

pub(super) fn new_device(id: &str, owner: Option<UserId>) -> NewDevice {
    NewDevice { user_id: owner, ..NewDevice::new(device_id(id)) }
}

/// Returns an expected interval of this number of microseconds.
pub(super) fn interval(us: i64) -> ExpectedInterval {
    ExpectedInterval::from_micros(us).unwrap()
}

pub(super) async fn device(store: &Opened, id: &str) -> Device {
    store.create_device(&Author::SERVICE, new_device(id, None), None).await.unwrap()
}

pub(super) async fn owned_device(store: &Opened, id: &str, owner: &User) -> Device {
    store.create_device(&Author::SERVICE, new_device(id, Some(owner.id)), None).await.unwrap()
}

pub(super) fn page(skip: i64, limit: u32) -> ListPage {
    ListPage { skip, limit }
}

pub(super) fn window(from_us: i64, until_us: i64) -> Window {
    Window { from_us, until_us }
}

pub(super) fn at(us: i64) -> Timestamp {
    Timestamp::from_micros(us).unwrap()
}

pub(super) fn values(x: f64, y: f64, z: f64) -> Axes<Finite> {
    Axes { x, y, z }.map(|number| Finite::new(number).unwrap())
}

/// Returns a client-timed reading at `us`; its id and numbers are derived from `n`.
pub(super) fn given(device: &Device, us: i64, n: i32) -> NewReading {
    let x = f64::from(n);
    NewReading {
        device: device.key,
        id: ReadingId(i64::from(n)),
        time: ReadingTime::Given(at(us)),
        values: values(x, x + 0.5, -x),
    }
}

/// Returns a server-timed reading; the clock says `us`.
pub(super) fn server_timed(device: &Device, us: i64, n: i32) -> NewReading {
    NewReading { time: ReadingTime::Picked(at(us)), ..given(device, us, n) }
}

/// Returns the stored form of [`given`], or of [`server_timed`] if its picked time is `us`.
pub(super) fn stored(device: &Device, us: i64, n: i32) -> Reading {
    let NewReading { device, id, values, .. } = given(device, us, n);
    Reading { device, id, time: at(us), values }
}

pub(super) fn stored_at(us: i64) -> Appended {
    Appended::Stored(at(us))
}

/// Returns [`given`] as a row, hot or in a segment.
pub(super) fn row(us: i64, n: i32) -> Row {
    let x = f64::from(n);
    Row { time_us: us, id: i64::from(n), values: Axes { x, y: x + 0.5, z: -x } }
}

pub(super) fn segment(rows: &[Row]) -> Segment {
    Segment::encode(rows, Effort::Fast).unwrap()
}

pub(super) fn sealed_rows(rows: &[Row]) -> SealedRows {
    SealedRows::encode(rows, Effort::Fast).unwrap()
}

/// Seals the hot readings at these times, which ascend.
pub(super) async fn seal(store: &Opened, device: &Device, times: &[i64]) -> SegmentId {
    let mut rows = store.list_hot_readings(device.key, u32::MAX).await.unwrap();
    rows.retain(|row| times.contains(&row.time_us));
    assert_eq!(rows.iter().map(|row| row.time_us).collect::<Vec<_>>(), times, "not all of them are hot");
    match store.seal(device.key, &sealed_rows(&rows)).await.unwrap() {
        Replaced::Done(id) => id,
        Replaced::Stale => panic!("{times:?} were not sealed"),
    }
}

/// Appends readings at these times, each with its time as `n`, and seals them.
pub(super) async fn sealed(store: &Opened, device: &Device, times: &[i64]) -> SegmentId {
    let call: Vec<_> = times.iter().map(|us| given(device, *us, i32::try_from(*us).unwrap())).collect();
    store.append(&call).await.unwrap();
    seal(store, device, times).await
}

/// Returns the rows of segments, by ascending time; `None` if a segment no longer exists.
pub(super) async fn read_rows(
    store: &Opened,
    device: DeviceKey,
    entries: &[SegmentEntry],
) -> Option<Vec<Row>> {
    let mut rows = Vec::new();
    for entry in entries {
        rows.extend(store.read_segment(device, *entry).await.unwrap()?.rows().unwrap());
    }
    rows.sort_by_key(|row| row.time_us);
    Some(rows)
}

/// Returns the segments of a device that a window cuts, each with its readings outside the window; `None` if
/// a segment no longer exists.
pub(super) async fn cut_segments(
    store: &Opened,
    device: DeviceKey,
    window: Window,
) -> Option<Vec<CutSegment>> {
    let mut cut = Vec::new();
    for entry in store.list_segments(device).await.unwrap() {
        if !entry.touches(window) || entry.is_inside(window) {
            continue;
        }
        let mut rows = read_rows(store, device, &[entry]).await?;
        let count = rows.len();
        rows.retain(|row| row.time_us < window.from_us || window.until_us <= row.time_us);
        let rest = (rows.len() < count).then(|| segment(&rows));
        cut.push(CutSegment { id: entry.id, rest });
    }
    Some(cut)
}

/// Deletes the readings of a device in a window, and returns their number. Tries again while other callers
/// seal and merge.
pub(super) async fn delete(store: &Opened, device: &Device, window: Window) -> u64 {
    for _ in 0..1_000 {
        if let Some(cut) = cut_segments(store, device.key, window).await
            && let Deleted::Done(readings) = store
                .delete_readings(&Author::SERVICE, Visibility::All, device.key, window, &cut)
                .await
                .unwrap()
        {
            return readings;
        }
        tokio::task::yield_now().await;
    }
    panic!("other callers were faster in each of 1,000 tries");
}

/// Returns the segments of a device: id, first and last time, number of readings.
pub(super) async fn entries(store: &Opened, device: &Device) -> Vec<(SegmentId, i64, i64, u32)> {
    let all = store.list_segments(device.key).await.unwrap();
    all.iter().map(|entry| (entry.id, entry.first_us, entry.last_us, entry.readings)).collect()
}

/// Returns the times of the hot readings of a device, oldest first, in microseconds.
pub(super) async fn hot_times(store: &Opened, device: &Device) -> Vec<i64> {
    let rows = store.list_hot_readings(device.key, u32::MAX).await.unwrap();
    rows.iter().map(|row| row.time_us).collect()
}

/// Returns all readings of a device, newest first.
pub(super) async fn all_readings(store: &Opened, device: DeviceKey) -> Vec<Reading> {
    let mut all = Vec::new();
    loop {
        let skip = i64::try_from(all.len()).unwrap();
        let more = store.list_readings(device, Window::ALL, page(skip, 100)).await.unwrap();
        if more.is_empty() {
            return all;
        }
        all.extend(more);
    }
}

/// Returns the times of all readings of a device, oldest first, in microseconds.
pub(super) async fn all_times(store: &Opened, device: &Device) -> Vec<i64> {
    all_readings(store, device.key).await.iter().rev().map(|reading| reading.time.micros()).collect()
}
