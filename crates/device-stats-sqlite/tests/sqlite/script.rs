//! What a process does whose calls to the system are counted, so that one of them can be failed: a bit of everything, step by
//! step. All of it, opening too, is done by one thread: whoever counts does so thread by thread.

use std::path::{Path, PathBuf};

use device_stats_domain::{DeviceId, DeviceKey, IdempotencyKey, NewDevice, Timestamp};
use device_stats_segment::{Effort, Row, Segment};
use device_stats_sqlite::SqliteStore;
use device_stats_store::conformance::oracle::Oracle;
use device_stats_store::{
    AccountStore, Appended, KeyedOutcome, KeyedReadings, ReadingStore, Replaced, SealedRows, SegmentEntry,
    SegmentStore, Store, StoreError,
};

use crate::process::{BATCH, reading, say};

/// The device whose readings stay.
pub(crate) const KEPT: &str = "kept";
/// The device that is deleted at last, with its readings.
pub(crate) const DELETED: &str = "deleted";

/// What the process says when the store is open.
pub(crate) const OPEN: &str = "open";
/// What the process says when it has come to the end of the script.
pub(crate) const DONE: &str = "done";
/// What it says of a call that did nothing and is made again.
pub(crate) const REFUSED: &str = "refused";
/// What it says when it ends because nothing is written any more.
pub(crate) const STOPPED: &str = "stopped";
/// What it says when it ends because one call was refused again and again.
pub(crate) const GAVE_UP: &str = "gave up";
/// What it says before the device is deleted, and after.
pub(crate) const DELETING: [&str; 2] = ["deleting", "has deleted"];

/// How often one call is made.
const TRIES: u32 = 3;
/// Rounds of appending and sealing; the last one merges.
const ROUNDS: usize = 3;

/// Behind which readings a request has a key.
pub(crate) const KEYED_BEHIND: [usize; ROUNDS] = [BATCH, 3 * BATCH, 5 * BATCH];
/// The clock when those are sent; their receipts are kept.
pub(crate) const NOW: Timestamp = Timestamp::MIN;

/// The request of a device that has so many readings, whose key is their number.
pub(crate) fn keyed(device: DeviceKey, stored: usize) -> KeyedReadings {
    KeyedReadings {
        key: IdempotencyKey::new(stored.to_string()).unwrap(),
        fingerprint: [1; 32],
        kept_until: Timestamp::MAX,
        readings: (stored..stored + BATCH).map(|n| reading(device, n)).collect(),
    }
}

/// Whether the one request has been done now, and all of its readings are new.
pub(crate) fn is_done_now(once: &[KeyedOutcome]) -> bool {
    let is_new = |appended: &Appended| matches!(appended, Appended::Stored(_));
    matches!(once, [KeyedOutcome::New(appended)] if appended.len() == BATCH && appended.iter().all(is_new))
}

/// Why the script is left before its end.
struct Left(&'static str);

/// The script over a store.
struct Script {
    store: SqliteStore,
    /// Readings of the kept device that were stored.
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
        // The store goes as it came: on the thread that is counted.
        tokio::task::spawn_blocking(move || drop(script)).await.unwrap();
        ended
    });
    say(match outcome {
        Ok(()) => DONE,
        Err(Left(why)) => why,
    });
}

async fn open(path: PathBuf) -> Result<SqliteStore, Left> {
    for _ in 0..TRIES {
        let path = path.clone();
        match tokio::task::spawn_blocking(move || SqliteStore::open(&path, true)).await.unwrap() {
            Ok(store) => return Ok(store),
            Err(_) => say(REFUSED),
        }
    }
    Err(Left(GAVE_UP))
}

impl Script {
    async fn carry_out(&mut self) -> Result<(), Left> {
        let kept = self.create(KEPT).await?;
        for round in 0..ROUNDS {
            self.append(kept).await?;
            self.append_keyed(kept).await?;
            self.seal(kept, if round == 0 { 0 } else { 5 }).await?;
        }
        self.merge(kept).await?;
        self.append_segment(kept).await?;
        self.append(kept).await?;
        self.delete().await
    }

    /// Makes a call until it succeeds.
    async fn insist<T>(&self, mut call: impl AsyncFnMut() -> Result<T, StoreError>) -> Result<T, Left> {
        for _ in 0..TRIES {
            match call().await {
                Ok(answer) => return Ok(answer),
                Err(StoreError::Unavailable(_) | StoreError::OutOfSpace(_)) => say(REFUSED),
                Err(StoreError::OutcomeUnknown(_)) => {
                    self.assert_stopped().await;
                    return Err(Left(STOPPED));
                }
                Err(error) => panic!("{error:?}"),
            }
        }
        Err(Left(GAVE_UP))
    }

    /// KeyedOutcome it is not known what became of a commit, nothing more is written.
    async fn assert_stopped(&self) {
        let id = DeviceId::new("late").unwrap();
        let late = self.store.create_device(NewDevice { device_id: id, name: None, user_id: None }).await;
        for refused in [late.err(), self.store.ping().await.err()] {
            assert!(matches!(refused, Some(StoreError::Unavailable(_))), "{refused:?}");
        }
    }

    async fn create(&self, name: &str) -> Result<DeviceKey, Left> {
        let device_id = DeviceId::new(name).unwrap();
        let new = NewDevice { device_id, name: None, user_id: None };
        self.insist(async || self.store.create_device(new.clone()).await).await.map(|device| device.key)
    }

    async fn append(&mut self, device: DeviceKey) -> Result<(), Left> {
        let readings: Vec<_> = (self.stored..self.stored + BATCH).map(|n| reading(device, n)).collect();
        self.insist(async || self.store.append(&readings).await).await?;
        self.stored += BATCH;
        say(&self.stored.to_string());
        Ok(())
    }

    /// Appends the next readings under a key.
    async fn append_keyed(&mut self, device: DeviceKey) -> Result<(), Left> {
        let request = keyed(device, self.stored);
        let request = std::slice::from_ref(&request);
        let once = self.insist(async || self.store.append_keyed(request, NOW).await).await?;
        assert!(is_done_now(&once), "{once:?}");
        self.stored += BATCH;
        say(&self.stored.to_string());
        Ok(())
    }

    /// Appends the next readings as a segment.
    async fn append_segment(&mut self, device: DeviceKey) -> Result<(), Left> {
        let row = |n| {
            let new = reading(device, n);
            Row { time_us: new.id.0, id: new.id.0, values: new.values.map(device_stats_domain::Finite::get) }
        };
        let rows: Vec<Row> = (self.stored..self.stored + BATCH).map(row).collect();
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let replaced = self.insist(async || self.store.append_segment(device, &segment).await).await?;
        assert!(matches!(replaced, Replaced::Done(_)));
        self.stored += BATCH;
        say(&self.stored.to_string());
        Ok(())
    }

    /// Seals the hot readings, but for the last `left`.
    async fn seal(&self, device: DeviceKey, left: usize) -> Result<(), Left> {
        let mut rows = self.store.list_hot_readings(device, u32::MAX).await.unwrap();
        rows.truncate(rows.len() - left);
        let sealed = SealedRows::encode(&rows, Effort::Fast).unwrap();
        let replaced = self.insist(async || self.store.seal(device, &sealed).await).await?;
        assert!(matches!(replaced, Replaced::Done(_)));
        Ok(())
    }

    /// Makes one segment of all there are.
    async fn merge(&self, device: DeviceKey) -> Result<(), Left> {
        let entries: Vec<SegmentEntry> = self.store.list_segments(device).await.unwrap();
        let mut rows: Vec<Row> = Vec::new();
        for entry in &entries {
            rows.extend(self.store.read_segment(device, *entry).await.unwrap().unwrap().rows().unwrap());
        }
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let merged: Vec<_> = entries.iter().map(|entry| entry.id).collect();
        let replaced = self.insist(async || self.store.merge(device, &merged, &segment).await).await?;
        assert!(matches!(replaced, Replaced::Done(_)));
        Ok(())
    }

    /// A device comes, gets hot and sealed readings, and goes.
    async fn delete(&self) -> Result<(), Left> {
        let device = self.create(DELETED).await?;
        for from in [0, BATCH] {
            let readings: Vec<_> = (from..from + BATCH).map(|n| reading(device, n)).collect();
            self.insist(async || self.store.append(&readings).await).await?;
            if from == 0 {
                self.seal(device, 0).await?;
            }
        }
        let [before, after] = DELETING;
        say(before);
        self.insist(async || self.store.delete_device(device).await).await?;
        say(after);
        Ok(())
    }
}
