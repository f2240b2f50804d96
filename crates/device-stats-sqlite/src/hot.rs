//! Keeps the hot readings of the journal in memory, and shows each transaction the hot readings of its own
//! moment.
//!
//! Each transaction first looks up the last journal entry that it can see, and applies the entries that are
//! not in memory yet. Such an entry may come from this process, from another process, or from before a
//! restart. With each reading, memory keeps the position of the entry that made it hot and the position of
//! the entry that sealed or deleted it. So an older transaction still sees the hot readings of its own
//! moment.

mod state;
mod time_map;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use device_stats_domain::{DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::{HotDevice, SealedRows, StoreError};
use rusqlite::Connection;
use state::HotState;

use crate::journal::{self, Entry, Found, Position};

/// Maximum number of entries that one commit removes from the journal. It is limited because an entry can be
/// long. It is larger than the number of entries that a commit adds: at most one for each segment of a group,
/// and one that carries readings forward.
const CUT_ENTRIES_MAX: Position = 64;

/// The hot readings of one database.
#[derive(Debug, Default)]
pub(crate) struct HotReadings {
    replica: Mutex<Arc<Replica>>,
    /// Held while the journal is read from its start.
    rebuild: Mutex<()>,
}

/// The journal, as far as it has been read.
#[derive(Debug, Default)]
struct Replica {
    state: RwLock<HotState>,
    /// Number of open views, by the position of the state when they were opened. A view can see readings that
    /// later entries have removed.
    views: Mutex<BTreeMap<Position, usize>>,
}

/// The hot readings at the moment of a transaction.
#[derive(Debug)]
pub(crate) struct HotView {
    replica: Arc<Replica>,
    opened_at: Position,
    position: Position,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // No code under these locks can panic halfway through a change.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl HotReadings {
    /// Opens a view for the transaction of the connection. This must be the first read of the transaction.
    /// The first read fixes the moment of a reading transaction, and the view has to be open by then: memory
    /// drops the readings that no open view can see. In a writing transaction there is no other writer, so
    /// nothing changes before the view is open.
    pub(crate) fn view(&self, connection: &Connection) -> Result<HotView, StoreError> {
        let mut view = HotView::open(self.replica());
        let position = journal::last(connection)?;
        if view.advance(connection, position)? {
            return Ok(view);
        }
        // Memory is new or poisoned, or another process has removed entries that memory has not seen. One
        // rebuild is enough for all waiting callers. The exception is a transaction that is older than the
        // rebuilt memory: that memory lacks the readings that were removed after the transaction began.
        let _rebuild = lock(&self.rebuild);
        view = HotView::open(self.replica());
        if view.advance(connection, position)? {
            return Ok(view);
        }
        // The position of a poisoned memory says nothing about its contents.
        let replaces = view.opened_at < position || view.replica.state.is_poisoned();
        let state = rebuild(connection, position)?;
        let replica = Arc::new(Replica { state: RwLock::new(state), views: Mutex::default() });
        view = HotView::open(Arc::clone(&replica));
        if replaces {
            *lock(&self.replica) = replica;
        }
        Ok(view)
    }

    fn replica(&self) -> Arc<Replica> {
        Arc::clone(&lock(&self.replica))
    }
}

/// Reads the journal from its first entry up to a position, which is the last one that the transaction sees.
/// No view sees the state yet, so the readings that an entry removes are dropped from memory at once. The
/// peak of the memory is that of a running store, however many idle readings the journal has.
fn rebuild(connection: &Connection, position: Position) -> Result<HotState, StoreError> {
    let before = journal::first(connection)?.map_or(position, |first| first - 1);
    let mut state = HotState::new(before);
    apply_next(&mut state, connection, Position::MAX)?;
    if state.position() < position {
        return Err(StoreError::Broken("an entry of the journal is missing".into()));
    }
    Ok(state)
}

/// Applies the entries after the position of a state, up to the first missing one. After each entry, drops
/// the readings that the entries up to `forgotten` have removed.
fn apply_next(state: &mut HotState, connection: &Connection, forgotten: Position) -> Result<(), StoreError> {
    journal::each_after(connection, state.position(), |next, found| {
        let is_next = next == state.position() + 1;
        if is_next {
            match found {
                Found::Entry(entry) => state.apply(next, entry),
                Found::Damaged(devices) => {
                    tracing::error!(entry = next, ?devices, "an entry of the journal is damaged");
                    state.note_damage(next, devices);
                }
            }
            state.forget(forgotten.min(next));
        }
        is_next
    })
}

impl Replica {
    /// Applies the entries up to a position; returns whether memory has all of them. It lacks entries if the
    /// journal does not have them any more, or if applying one has panicked. The caller has a view that was
    /// opened at `opened_at`, and moves it to `position`.
    fn catch_up(
        &self,
        connection: &Connection,
        opened_at: Position,
        position: Position,
    ) -> Result<bool, StoreError> {
        match self.state.read() {
            Ok(state) if state.position() >= position => return Ok(true),
            Ok(_) => {}
            Err(_) => return Ok(false),
        }
        let Ok(mut state) = self.state.write() else { return Ok(false) };
        // No view can be opened while the state is locked.
        let oldest = lock(&self.views)
            .iter()
            .find(|(other, count)| **other != opened_at || **count > 1)
            .map_or(position, |(other, _)| *other);
        apply_next(&mut state, connection, oldest)?;
        Ok(state.position() >= position)
    }

    fn read(&self) -> RwLockReadGuard<'_, HotState> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HotView {
    fn open(replica: Arc<Replica>) -> Self {
        let opened_at = {
            // The lock is held until the view is counted, so that no reading that the view can see is
            // dropped.
            let state = replica.read();
            *lock(&replica.views).entry(state.position()).or_default() += 1;
            state.position()
        };
        Self { replica, opened_at, position: opened_at }
    }

    /// Moves the view to a position; returns whether memory can show the hot readings of that position.
    fn advance(&mut self, connection: &Connection, position: Position) -> Result<bool, StoreError> {
        self.position = position;
        Ok(self.opened_at <= position && self.replica.catch_up(connection, self.opened_at, position)?)
    }

    /// Returns the state, if the hot readings of a device are known.
    ///
    /// # Errors
    /// [`StoreError::HotReadingsDamaged`]; [`StoreError::Broken`] if the devices of a damaged entry are
    /// unknown.
    fn known(&self, device: DeviceKey) -> Result<RwLockReadGuard<'_, HotState>, StoreError> {
        let state = self.replica.read();
        self.check_all_known(&state)?;
        match state.damage(Some(device), self.position) {
            Some(entry) => Err(StoreError::HotReadingsDamaged { device, entry }),
            None => Ok(state),
        }
    }

    fn check_all_known(&self, state: &HotState) -> Result<(), StoreError> {
        match state.damage(None, self.position) {
            Some(entry) => Err(StoreError::Broken(format!("entry {entry} of the journal is damaged").into())),
            None => Ok(()),
        }
    }

    // The methods for one device fail if its hot readings are not known.

    /// Returns the hot readings of a device in the window, by ascending time.
    pub(crate) fn list(&self, device: DeviceKey, window: Window) -> Result<Vec<Row>, StoreError> {
        Ok(self.known(device)?.rows(device, window, self.position).collect())
    }

    /// Returns whether a device has a hot reading in the window.
    pub(crate) fn has_any(&self, device: DeviceKey, window: Window) -> Result<bool, StoreError> {
        Ok(self.known(device)?.rows(device, window, self.position).next().is_some())
    }

    /// Returns the hot reading of a device at a time, if there is one.
    pub(crate) fn find(&self, device: DeviceKey, time_us: i64) -> Result<Option<Row>, StoreError> {
        Ok(self.known(device)?.find(device, time_us, self.position))
    }

    /// Returns the time of the newest hot reading of a device in the window.
    pub(crate) fn newest_us(&self, device: DeviceKey, window: Window) -> Result<Option<i64>, StoreError> {
        Ok(self.known(device)?.rows(device, window, self.position).next_back().map(|row| row.time_us))
    }

    /// Returns up to `count` newest hot readings of a device in the window, newest first.
    pub(crate) fn newest(
        &self,
        device: DeviceKey,
        window: Window,
        count: u64,
    ) -> Result<Vec<Row>, StoreError> {
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        Ok(self.known(device)?.rows(device, window, self.position).rev().take(count).collect())
    }

    /// Returns up to `count` earliest hot readings of a device, by ascending time.
    pub(crate) fn earliest(&self, device: DeviceKey, count: u32) -> Result<Vec<Row>, StoreError> {
        Ok(self.known(device)?.rows(device, Window::ALL, self.position).take(count as usize).collect())
    }

    /// Returns the number of hot readings of all devices, of this moment or a later one. Of devices with
    /// damaged entries, includes the known readings.
    pub(crate) fn count(&self) -> u64 {
        self.replica.read().count()
    }

    /// Returns all devices that have hot readings, by ascending key. Leaves out devices whose hot readings
    /// are not known.
    pub(crate) fn list_devices(&self) -> Result<Vec<HotDevice>, StoreError> {
        let state = self.replica.read();
        self.check_all_known(&state)?;
        Ok(state.devices(self.position))
    }

    /// Returns the devices whose hot readings are not known.
    pub(crate) fn damaged_devices(&self) -> Result<Vec<DeviceKey>, StoreError> {
        let state = self.replica.read();
        self.check_all_known(&state)?;
        Ok(state.damaged_devices(self.position))
    }

    /// Returns whether all rows of a segment are hot. A time alone does not identify a reading: after a
    /// device has been deleted, a later reading can have the same time, but never the same id.
    pub(crate) fn has_all(&self, device: DeviceKey, sealed: &SealedRows) -> Result<bool, StoreError> {
        let state = self.known(device)?;
        let mut rows = sealed.times_us().iter().zip(sealed.ids());
        Ok(rows.all(|(time_us, id)| {
            state.find(device, *time_us, self.position).is_some_and(|row| row.id == *id)
        }))
    }

    /// Removes entries without hot readings from the front of the journal. If a few old hot readings keep
    /// many entries in the journal, carries these readings forward to a new entry. Call it in a writing
    /// transaction.
    pub(crate) fn tidy(&self, connection: &Connection) -> Result<(), StoreError> {
        let (first_needed, carried) = {
            let state = self.replica.read();
            (state.first_needed(), state.to_carry())
        };
        if let Some(first) = journal::first(connection)?.filter(|first| *first < first_needed) {
            journal::cut(connection, first_needed.min(first + CUT_ENTRIES_MAX))?;
        }
        if carried.is_empty() { Ok(()) } else { journal::write(connection, &Entry::Carried(carried)) }
    }
}

impl Drop for HotView {
    fn drop(&mut self) {
        let mut views = lock(&self.replica.views);
        if let Some(count) = views.get_mut(&self.opened_at) {
            *count -= 1;
            if *count == 0 {
                views.remove(&self.opened_at);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::Axes;

    use super::*;
    use crate::database::{open, uri};

    const DEVICE: DeviceKey = DeviceKey(1);
    const ROW: Row = Row { time_us: 7, id: 1, values: Axes { x: 1.0, y: 2.0, z: 3.0 } };

    /// Creates a database whose journal has one hot reading.
    fn database(folder: &tempfile::TempDir) -> impl Fn() -> Connection {
        let path = folder.path().join("a.db");
        open::migrate(&path).unwrap();
        let connect = move || Connection::open(uri::uri(&path, "rw")).unwrap();
        journal::write(&connect(), &Entry::Appended(vec![(DEVICE, ROW)])).unwrap();
        connect
    }

    /// A transaction began, then its hot readings were sealed and their entries removed, and then another
    /// thread rebuilt memory. The transaction found the readings neither in memory nor in a segment.
    #[test]
    fn a_transaction_older_than_memory_sees_its_own_moment() {
        let folder = tempfile::tempdir().unwrap();
        let connect = database(&folder);
        let (mut early, late) = (connect(), connect());
        let early = early.transaction().unwrap();
        assert_eq!(journal::last(&early).unwrap(), 1);
        journal::write(&late, &Entry::Removed(DEVICE, vec![ROW.time_us])).unwrap();
        journal::cut(&late, 2).unwrap();

        let hot = HotReadings::default();
        assert_eq!(hot.view(&late).unwrap().list_devices().unwrap(), []);
        assert_eq!(hot.view(&early).unwrap().list(DEVICE, Window::ALL).unwrap(), [ROW]);
        // The older transaction has read the journal for itself only. Other transactions keep the newer
        // memory.
        assert_eq!(hot.view(&late).unwrap().list_devices().unwrap(), []);
    }

    /// At a start, memory held all readings of the journal, also those that later entries had removed.
    #[test]
    fn a_start_keeps_no_removed_reading_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let connection = database(&folder)();
        let times = |round: i64| (0..100).map(move |n| 10_000 + round * 1_000 + n);
        for round in 0..20 {
            let rows = times(round).map(|time_us| (DEVICE, Row { time_us, ..ROW })).collect();
            journal::write(&connection, &Entry::Appended(rows)).unwrap();
            journal::write(&connection, &Entry::Removed(DEVICE, times(round).collect())).unwrap();
        }
        let kept_max = |hot: &HotReadings| hot.replica().read().kept_max;
        // The journal begins with its first entry, and then with a later one.
        for first in [1, 2] {
            journal::cut(&connection, first).unwrap();
            let hot = HotReadings::default();
            let expected = if first == 1 { vec![ROW] } else { Vec::new() };
            assert_eq!(hot.view(&connection).unwrap().list(DEVICE, Window::ALL).unwrap(), expected);
            assert!(kept_max(&hot) <= 101, "{} readings", kept_max(&hot));
            assert_eq!(hot.replica().read().count(), expected.len() as u64);
        }
    }

    /// After a panic halfway through an entry, every call failed until a restart.
    #[test]
    fn poisoned_memory_is_rebuilt_from_the_journal() {
        let folder = tempfile::tempdir().unwrap();
        let connection = database(&folder)();
        let hot = HotReadings::default();
        assert_eq!(hot.view(&connection).unwrap().list(DEVICE, Window::ALL).unwrap(), [ROW]);
        let poisoned = hot.replica();
        let panicked = std::thread::scope(|scope| {
            let apply = || {
                let mut state = poisoned.state.write().unwrap();
                *state = HotState::new(state.position());
                panic!("halfway through an entry");
            };
            scope.spawn(apply).join()
        });
        assert!(panicked.is_err() && poisoned.state.is_poisoned());
        assert_eq!(hot.view(&connection).unwrap().list(DEVICE, Window::ALL).unwrap(), [ROW]);
        let rebuilt = hot.replica();
        assert!(!Arc::ptr_eq(&rebuilt, &poisoned));
        journal::write(&connection, &Entry::Removed(DEVICE, vec![ROW.time_us])).unwrap();
        assert_eq!(hot.view(&connection).unwrap().list_devices().unwrap(), []);
        assert!(Arc::ptr_eq(&hot.replica(), &rebuilt), "one rebuild is enough");
    }
}
