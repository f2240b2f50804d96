//! The script of a process in which one system call is made to fail. It makes each kind of call to the store,
//! step by step. One thread carries it out, including the opening of the store, because `strace` counts the
//! calls of each thread separately.

use std::path::{Path, PathBuf};

use device_stats_domain::{Author, DeviceId, DeviceKey, IdempotencyKey, NewDevice, Timestamp, Window};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, Appended, CutSegment, Deleted, KeyedOutcome, KeyedReadings, Purged, ReadingStore, Replaced,
    SealedRows, SegmentEntry, SegmentStore, Store, StoreError, Visibility,
};

use crate::process::{BATCH, reading, say};

/// The device whose readings stay.
pub(crate) const KEPT: &str = "kept";
/// The device that the script deletes at its end, with its readings.
pub(crate) const DELETED: &str = "deleted";

/// Line of the process when the store is open.
pub(crate) const OPEN: &str = "open";
/// Line at the end of the script.
pub(crate) const DONE: &str = "done";
/// Line for a call that did nothing and is retried.
pub(crate) const REFUSED: &str = "refused";
/// Line when the script ends because writing is disabled.
pub(crate) const STOPPED: &str = "stopped";
/// Line when the script ends because one call was refused repeatedly.
pub(crate) const GAVE_UP: &str = "gave up";
/// Number of readings that are left of the device to delete, after the deletion of its later readings.
pub(crate) const LEFT: usize = BATCH / 2;
/// Lines before and after the deletion of these readings.
pub(crate) const CUTTING: [&str; 2] = ["cutting", "has cut"];
/// Lines before and after the deletion of the device.
pub(crate) const DELETING: [&str; 2] = ["deleting", "has deleted"];

/// Maximum number of tries of a call.
const TRIES: u32 = 3;
/// Number of rounds of appending and sealing; after the last one, the script merges.
const ROUNDS: usize = 3;

/// Numbers of stored readings after which a keyed request is sent.
pub(crate) const KEYED_AFTER: [usize; ROUNDS] = [BATCH, 3 * BATCH, 5 * BATCH];
/// Clock of the keyed requests; their receipts do not expire.
pub(crate) const NOW: Timestamp = Timestamp::MIN;

/// Returns the keyed request after `stored` readings; the number is its key.
pub(crate) fn keyed(device: DeviceKey, stored: usize) -> KeyedReadings {
    KeyedReadings {
        key: IdempotencyKey::new(stored.to_string()).unwrap(),
        fingerprint: [1; 32],
        kept_until: Timestamp::MAX,
        readings: (stored..stored + BATCH).map(|n| reading(device, n)).collect(),
    }
}

/// Returns whether the request is new, and all its readings are stored.
pub(crate) fn is_stored(outcomes: &[KeyedOutcome]) -> bool {
    let is_new = |appended: &Appended| matches!(appended, Appended::Stored(_));
    matches!(outcomes, [KeyedOutcome::New(appended)] if appended.len() == BATCH && appended.iter().all(is_new))
}

/// Why the script ended early.
struct Ended(&'static str);

/// The script on a store.
struct Script {
    store: SqliteStore,
    /// Number of stored readings of the kept device.
    stored: usize,
}

/// Carries out the script.
pub(crate) fn carry_out(path: &Path) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().max_blocking_threads(1).build().unwrap();
    let outcome = runtime.block_on(async {
        let store = open(path.to_owned()).await?;
        say(OPEN);
        let mut script = Script { store, stored: 0 };
        let ended = script.carry_out().await;
        // The counted thread also closes the store.
        tokio::task::spawn_blocking(move || drop(script)).await.unwrap();
        ended
    });
    say(match outcome {
        Ok(()) => DONE,
        Err(Ended(why)) => why,
    });
}

async fn open(path: PathBuf) -> Result<SqliteStore, Ended> {
    for _ in 0..TRIES {
        let path = path.clone();
        match tokio::task::spawn_blocking(move || SqliteStore::open(&path, true)).await.unwrap() {
            Ok(store) => return Ok(store),
            Err(_) => say(REFUSED),
        }
    }
    Err(Ended(GAVE_UP))
}

impl Script {
    async fn carry_out(&mut self) -> Result<(), Ended> {
        let kept = self.create(KEPT).await?;
        for round in 0..ROUNDS {
            self.append(kept).await?;
            self.append_keyed(kept).await?;
            self.seal(kept, if round == 0 { 0 } else { 5 }).await?;
            self.checkpoint().await?;
        }
        self.merge(kept).await?;
        self.checkpoint().await?;
        self.append_segment(kept).await?;
        self.append(kept).await?;
        self.delete().await
    }

    /// Retries a call until it succeeds.
    async fn retry<T>(&self, mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, Ended> {
        for _ in 0..TRIES {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(StoreError::Unavailable(_) | StoreError::OutOfSpace(_)) => say(REFUSED),
                Err(StoreError::OutcomeUnknown(_)) => {
                    self.assert_stopped().await;
                    return Err(Ended(STOPPED));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        Err(Ended(GAVE_UP))
    }

    /// Runs a checkpoint. After one that the disk failed, nothing may be written.
    async fn checkpoint(&self) -> Result<(), Ended> {
        for _ in 0..TRIES {
            match self.store.empty_log().await {
                Ok(()) => return Ok(()),
                Err(StoreError::OutOfSpace(_)) => say(REFUSED),
                Err(StoreError::Unavailable(_)) => {
                    self.assert_stopped().await;
                    return Err(Ended(STOPPED));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        Err(Ended(GAVE_UP))
    }

    /// Asserts that nothing is written after a failed commit or checkpoint.
    async fn assert_stopped(&self) {
        let id = DeviceId::new("late").unwrap();
        let late = self.store.create_device(&Author::SERVICE, NewDevice::new(id), None).await;
        for refused in [late.err(), self.store.ping().await.err()] {
            assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
        }
    }

    async fn create(&self, name: &str) -> Result<DeviceKey, Ended> {
        let device_id = DeviceId::new(name).unwrap();
        let new = NewDevice::new(device_id);
        self.retry(async || self.store.create_device(&Author::SERVICE, new.clone(), None).await)
            .await
            .map(|device| device.key)
    }

    async fn append(&mut self, device: DeviceKey) -> Result<(), Ended> {
        let readings: Vec<_> = (self.stored..self.stored + BATCH).map(|n| reading(device, n)).collect();
        self.retry(async || self.store.append(&readings).await).await?;
        self.stored += BATCH;
        say(&self.stored.to_string());
        Ok(())
    }

    /// Appends the next readings as a keyed request.
    async fn append_keyed(&mut self, device: DeviceKey) -> Result<(), Ended> {
        let request = keyed(device, self.stored);
        let request = std::slice::from_ref(&request);
        let outcomes = self.retry(async || self.store.append_keyed(request, NOW).await).await?;
        assert!(is_stored(&outcomes), "{outcomes:?}");
        self.stored += BATCH;
        say(&self.stored.to_string());
        Ok(())
    }

    /// Appends the next readings as a segment.
    async fn append_segment(&mut self, device: DeviceKey) -> Result<(), Ended> {
        let row = |n| {
            let new = reading(device, n);
            Row { time_us: new.id.0, id: new.id.0, values: new.values.map(device_stats_domain::Finite::get) }
        };
        let rows: Vec<Row> = (self.stored..self.stored + BATCH).map(row).collect();
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let replaced = self.retry(async || self.store.append_segment(device, &segment).await).await?;
        assert!(matches!(replaced, Replaced::Done(_)));
        self.stored += BATCH;
        say(&self.stored.to_string());
        Ok(())
    }

    /// Seals the hot readings except the last `left`.
    async fn seal(&self, device: DeviceKey, left: usize) -> Result<(), Ended> {
        let mut rows = self.store.list_hot_readings(device, u32::MAX).await.unwrap();
        rows.truncate(rows.len() - left);
        let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
        let replaced = self.retry(async || self.store.seal(device, &sealed).await).await?;
        assert!(matches!(replaced, Replaced::Done(_)));
        Ok(())
    }

    /// Merges all segments.
    async fn merge(&self, device: DeviceKey) -> Result<(), Ended> {
        let entries: Vec<SegmentEntry> = self.store.list_segments(device).await.unwrap();
        let mut rows: Vec<Row> = Vec::new();
        for entry in &entries {
            rows.extend(self.store.read_segment(device, *entry).await.unwrap().unwrap().rows().unwrap());
        }
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let merged: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let replaced = self.retry(async || self.store.merge(device, &merged, &segment).await).await?;
        assert!(matches!(replaced, Replaced::Done(_)));
        Ok(())
    }

    /// Deletes the readings of a device from a number on: hot ones, and a part of its only segment.
    async fn cut(&self, device: DeviceKey, from: usize) -> Result<(), Ended> {
        let window = Window { from_us: i64::try_from(from).unwrap(), until_us: i64::MAX };
        let entry = self.store.list_segments(device).await.unwrap().remove(0);
        let segment = self.store.read_segment(device, entry).await.unwrap().unwrap();
        let mut rows = segment.rows().unwrap();
        rows.retain(|row| row.time_us < window.from_us);
        let cut = [CutSegment { id: entry.id, rest: Some(Segment::encode(&rows, Effort::Fast).unwrap()) }];
        let deleted = self
            .retry(async || {
                self.store.delete_readings(&Author::SERVICE, Visibility::All, device, window, &cut).await
            })
            .await?;
        assert_eq!(deleted, Deleted::Done(u64::try_from(2 * BATCH - from).unwrap()));
        Ok(())
    }

    /// Creates a device with hot and sealed readings, deletes most of its readings, and then the device.
    async fn delete(&self) -> Result<(), Ended> {
        let device = self.create(DELETED).await?;
        for from in [0, BATCH] {
            let readings: Vec<_> = (from..from + BATCH).map(|n| reading(device, n)).collect();
            self.retry(async || self.store.append(&readings).await).await?;
            if from == 0 {
                self.seal(device, 0).await?;
            }
        }
        let [before, after] = CUTTING;
        say(before);
        self.cut(device, LEFT).await?;
        say(after);
        let [before, after] = DELETING;
        say(before);
        self.retry(async || self.store.delete_device(&Author::SERVICE, Visibility::All, device, None).await)
            .await?;
        say(after);
        while self.retry(async || self.store.purge_slice(device, 1).await).await? != Purged::Nothing {}
        Ok(())
    }
}
