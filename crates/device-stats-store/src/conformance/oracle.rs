//! Reading of lists and snapshots from any store in the slow and simple way: every segment that touches the
//! window is decoded as a whole. The results that the service computes from pages are compared with this.

use std::cmp::Reverse;

use async_trait::async_trait;
use device_stats_domain::{Device, DeviceKey, Finite, ListPage, Reading, ReadingId, Timestamp, Window};
use device_stats_segment::{Head, Row, Segment};

use crate::{
    DeviceSnapshot, HotDevice, HotDevices, NewestReadings, Piece, PieceKey, SegmentEntry, Snapshot, Store,
    StoreError, Subject,
};

/// Maximum number of retries of a list or snapshot because a segment has been merged in the meantime.
const TRIES_MAX: u32 = 1_000;

/// Reads hot and sealed readings of any [`Store`].
#[async_trait]
pub trait Oracle: Store {
    /// Returns a page of the readings of a device in a window, newest first; none if the device does not
    /// exist.
    ///
    /// # Errors
    /// The errors of the store.
    async fn list_readings(
        &self,
        device: DeviceKey,
        window: Window,
        page: ListPage,
    ) -> Result<Vec<Reading>, StoreError> {
        let end = u64::try_from(page.skip).unwrap().saturating_add(page.limit.into());
        for _ in 0..TRIES_MAX {
            let NewestReadings { hot, segments } = self.list_newest(device, window, end).await?;
            assert!(hot.len() as u64 <= end, "{} of {end}", hot.len());
            assert!(hot.is_sorted_by_key(|row| Reverse(row.time_us)), "not newest first: {hot:?}");
            if let Some(rows) = rows(self, device, window, hot, &segments).await? {
                let skip = usize::try_from(page.skip).unwrap_or(usize::MAX);
                let newest_first = rows.iter().rev().skip(skip).take(page.limit as usize);
                return Ok(newest_first.map(|row| reading(device, row)).collect());
            }
        }
        panic!("a segment disappeared in each of {TRIES_MAX} tries");
    }

    /// Returns all devices that have hot readings, by ascending key.
    ///
    /// # Errors
    /// The errors of the store.
    async fn list_all_hot_devices(&self) -> Result<Vec<HotDevice>, StoreError> {
        let mut all = Vec::new();
        let mut next = Some(DeviceKey(0));
        while let Some(after) = next {
            let HotDevices { devices, next_after } = self.list_hot_devices(after).await?;
            assert!(devices.iter().all(|hot| after < hot.device), "not after {after:?}: {devices:?}");
            assert!(
                next_after.is_none_or(|next| after < next),
                "no progress after {after:?}: {next_after:?}"
            );
            all.extend(devices);
            next = next_after;
        }
        Ok(all)
    }

    /// Returns the reading of a device at a time, if there is one.
    ///
    /// # Errors
    /// The errors of the store.
    async fn find_reading(&self, device: DeviceKey, time: Timestamp) -> Result<Option<Reading>, StoreError> {
        let window = Window { from_us: time.micros(), until_us: time.micros() + 1 };
        let found = self.list_readings(device, window, ListPage { skip: 0, limit: 2 }).await?;
        assert!(found.len() < 2, "two readings of one time: {found:?}");
        Ok(found.first().copied())
    }

    /// Returns the readings of a window at one moment: each device that has one, by ascending key, with its
    /// readings by ascending time.
    ///
    /// # Errors
    /// The errors of the store.
    async fn read_snapshot(
        &self,
        subject: Subject,
        window: Window,
    ) -> Result<Vec<(Device, Vec<Row>)>, StoreError> {
        'again: for _ in 0..TRIES_MAX {
            let Snapshot { devices } = self.snapshot(subject.clone(), window).await?;
            let mut all = Vec::with_capacity(devices.len());
            for DeviceSnapshot { device, hot, segments } in devices {
                match rows(self, device.key, window, hot, &segments).await? {
                    Some(rows) if rows.is_empty() => {}
                    Some(rows) => all.push((device, rows)),
                    None => continue 'again,
                }
            }
            return Ok(all);
        }
        panic!("a segment disappeared in each of {TRIES_MAX} tries");
    }

    /// Returns a segment as it was written; `None` if it does not exist, or is merged or deleted in the
    /// meantime.
    ///
    /// # Errors
    /// The errors of the store.
    async fn read_segment(
        &self,
        device: DeviceKey,
        entry: SegmentEntry,
    ) -> Result<Option<Segment>, StoreError> {
        let key = |piece| PieceKey { device, segment: entry.id, piece };
        let Some(head) = self.read_pieces(&[key(Piece::Head)]).await?.pop().flatten() else {
            return Ok(None);
        };
        let opened = Head::open(&head).expect("the head is not as it was written");
        assert_eq!(
            (opened.first_us(), opened.last_us(), opened.readings()),
            (entry.first_us, entry.last_us, entry.readings),
            "the head of {entry:?}"
        );
        let blocks = 0..u32::try_from(opened.block_bytes().len()).unwrap();
        let keys: Vec<_> = blocks.map(|index| key(Piece::Block(index))).collect();
        let blocks: Option<Vec<_>> = self.read_pieces(&keys).await?.into_iter().collect();
        Ok(blocks.map(|blocks| Segment { head, blocks }))
    }
}

impl<S: Store + ?Sized> Oracle for S {}

/// Returns the hot and sealed readings in the window, by ascending time; `None` if a segment no longer
/// exists. Asserts that no time occurs twice.
async fn rows<S: Store + ?Sized>(
    store: &S,
    device: DeviceKey,
    window: Window,
    hot: Vec<Row>,
    segments: &[SegmentEntry],
) -> Result<Option<Vec<Row>>, StoreError> {
    assert!(hot.iter().all(|row| contains(window, row)), "{window:?} does not hold all of {hot:?}");
    assert!(segments.iter().all(|entry| entry.touches(window)), "{window:?} does not touch {segments:?}");
    assert!(segments.is_sorted_by_key(|entry| (entry.first_us, entry.id)), "not in order: {segments:?}");
    let mut rows = hot;
    for entry in segments {
        let Some(segment) = store.read_segment(device, *entry).await? else { return Ok(None) };
        let sealed = segment.rows().expect("a segment is not as it was written");
        assert_eq!(sealed.len(), entry.readings as usize, "the readings of {entry:?}");
        rows.extend(sealed.into_iter().filter(|row| contains(window, row)));
    }
    let count = rows.len();
    rows.sort_by_key(|row| row.time_us);
    rows.dedup_by_key(|row| row.time_us);
    assert_eq!(rows.len(), count, "a reading is returned twice");
    Ok(Some(rows))
}

fn contains(window: Window, row: &Row) -> bool {
    window.from_us <= row.time_us && row.time_us < window.until_us
}

fn reading(device: DeviceKey, row: &Row) -> Reading {
    Reading {
        device,
        id: ReadingId(row.id),
        time: Timestamp::from_micros(row.time_us).unwrap(),
        values: row.values.map(|number| Finite::new(number).unwrap()),
    }
}
