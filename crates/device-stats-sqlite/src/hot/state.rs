//! The set of hot readings, built from the entries of the journal.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque, btree_map};

use device_stats_domain::{Axes, DeviceKey, Window};
use device_stats_segment::Row;
use device_stats_store::HotDevice;

use super::time_map::TimeMap;
use crate::journal::{Entry, Position};

/// Number of idle readings in the journal up to which no reading is carried forward. An idle reading is no
/// longer hot.
const IDLE_READINGS: u64 = 1024 * 1024;
/// Approximate number of readings that one commit carries forward.
const CARRIED_READINGS: u64 = 16 * 1024;
/// Ratio of idle to hot readings in the journal up to which no reading is carried forward.
const IDLE_RATIO: u64 = 4;

/// The hot readings after the last applied entry, and earlier hot readings that open views can still see.
#[derive(Debug, Default)]
pub(super) struct HotState {
    position: Position,
    devices: HashMap<DeviceKey, DeviceReadings>,
    /// The entries that hold hot readings.
    entries: BTreeMap<Position, Holding>,
    /// The positions of damaged entries, by the device that they concern; `None` if the devices of an entry
    /// are unknown.
    damaged: BTreeMap<Option<DeviceKey>, BTreeSet<Position>>,
    /// Deleted devices with damaged entries, in the order of the deletions, for views of earlier positions:
    /// the position of the deletion, the device, and the position of its first damaged entry.
    deleted_damage: VecDeque<(Position, DeviceKey, Position)>,
    /// Number of readings in all entries so far.
    arrived: u64,
    /// Number of hot readings.
    live: u64,
    /// Readings that are no longer hot, in the order of the entries that removed them. They are dropped when
    /// no view can see them.
    gone: VecDeque<(Position, DeviceKey, Vec<i64>)>,
    /// Maximum number of readings in memory after an entry, including those that are no longer hot.
    #[cfg(test)]
    pub(super) kept_max: u64,
}

/// The readings of a device.
#[derive(Debug, Default)]
struct DeviceReadings {
    /// The newest reading of each time.
    by_time: TimeMap<HotReading>,
    /// Earlier readings of these times, which open views can still see. A time has several readings if the
    /// earlier ones were deleted.
    superseded: BTreeMap<i64, Vec<HotReading>>,
    /// Number of hot readings of the device.
    live: u64,
}

/// A reading that is or was hot.
#[derive(Clone, Copy, Debug)]
struct HotReading {
    id: i64,
    values: Axes<f64>,
    /// The entry with which it became hot.
    hot_from: Position,
    /// The entry with which it ceased to be hot; [`Position::MAX`] if it is hot.
    hot_until: Position,
    /// The entry of the journal that holds it.
    holder: Position,
}

/// The hot readings that an entry holds.
#[derive(Clone, Copy, Debug)]
struct Holding {
    live: u64,
    /// Number of readings in all earlier entries.
    arrived_before: u64,
}

impl HotReading {
    fn is_visible_at(&self, position: Position) -> bool {
        self.hot_from <= position && position < self.hot_until
    }
}

impl DeviceReadings {
    /// Returns the reading of a time that was hot at a position. `newest` is the newest reading of the time.
    fn visible_at<'r>(
        &'r self,
        time_us: i64,
        newest: &'r HotReading,
        position: Position,
    ) -> Option<&'r HotReading> {
        if newest.is_visible_at(position) {
            return Some(newest);
        }
        self.superseded.get(&time_us)?.iter().find(|reading| reading.is_visible_at(position))
    }
}

impl HotState {
    /// Returns the position of the last applied entry.
    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Creates the state of a journal that begins after a position.
    pub(super) fn new(position: Position) -> Self {
        Self { position, ..Self::default() }
    }

    /// Returns the number of hot readings after the last applied entry.
    pub(super) fn count(&self) -> u64 {
        self.live
    }

    /// Applies the next entry.
    pub(super) fn apply(&mut self, position: Position, entry: Entry) {
        self.position = position;
        match entry {
            Entry::Appended(readings) => {
                for (device, row) in readings {
                    self.add(position, device, row);
                }
            }
            Entry::Removed(device, times) => self.remove(position, device, times),
            Entry::Deleted(devices) => {
                for device in devices {
                    let damaged = self.damaged.remove(&Some(device));
                    if let Some(first) = damaged.and_then(|all| all.first().copied()) {
                        self.deleted_damage.push_back((position, device, first));
                    }
                    self.clear(position, device, Window::ALL);
                }
            }
            Entry::Cleared(device, window) => self.clear(position, device, window),
            Entry::Carried(readings) => {
                for (device, row) in readings {
                    self.carry(position, device, row);
                }
            }
        }
        #[cfg(test)]
        {
            let gone: u64 = self.gone.iter().map(|(_, _, times)| times.len() as u64).sum();
            self.kept_max = self.kept_max.max(self.live + gone);
        }
    }

    /// Notes that the next entry is damaged. The hot readings of its devices are not known from then on.
    pub(super) fn note_damage(&mut self, position: Position, devices: Option<Vec<DeviceKey>>) {
        self.position = position;
        match devices {
            Some(devices) => {
                for device in devices {
                    self.damaged.entry(Some(device)).or_default().insert(position);
                }
            }
            None => _ = self.damaged.entry(None).or_default().insert(position),
        }
    }

    /// Returns the first damaged entry up to a position that concerns a device; with `None`, the first one of
    /// unknown devices.
    pub(super) fn damage(&self, device: Option<DeviceKey>, position: Position) -> Option<Position> {
        let deleted =
            self.deleted_damage.iter().filter(|(until, of, _)| Some(*of) == device && position < *until);
        let deleted = deleted.map(|(.., first)| *first);
        let current = self.damaged.get(&device).and_then(|all| all.first().copied());
        deleted.chain(current).find(|first| *first <= position)
    }

    /// Returns the devices that damaged entries up to a position concern, by ascending key.
    pub(super) fn damaged_devices(&self, position: Position) -> Vec<DeviceKey> {
        let deleted = self.deleted_damage.iter().map(|(_, device, _)| *device);
        let devices: BTreeSet<DeviceKey> = self.damaged.keys().copied().flatten().chain(deleted).collect();
        devices.into_iter().filter(|device| self.damage(Some(*device), position).is_some()).collect()
    }

    fn add(&mut self, position: Position, device: DeviceKey, row: Row) {
        let Row { time_us, id, values } = row;
        // The entry that removed the earlier reading of this time is damaged. Otherwise the time is not hot.
        if self.is_hot(device, time_us) {
            self.remove(position, device, vec![time_us]);
        }
        let reading =
            HotReading { id, values, hot_from: position, hot_until: Position::MAX, holder: position };
        let readings = self.devices.entry(device).or_default();
        if let Some(before) = readings.by_time.insert(time_us, reading) {
            readings.superseded.entry(time_us).or_default().push(before);
        }
        readings.live += 1;
        self.live += 1;
        self.hold(position);
        self.arrived += 1;
    }

    fn is_hot(&self, device: DeviceKey, time_us: i64) -> bool {
        let reading = self.devices.get(&device).and_then(|readings| readings.by_time.get(time_us));
        reading.is_some_and(|reading| reading.hot_until == Position::MAX)
    }

    /// Moves a reading to another entry. Adds the reading if memory does not know it, because its first entry
    /// has already been removed.
    fn carry(&mut self, position: Position, device: DeviceKey, row: Row) {
        let readings = self.devices.get_mut(&device);
        match readings.and_then(|readings| readings.by_time.get_mut(row.time_us)) {
            Some(reading) if reading.hot_until == Position::MAX => {
                let before = std::mem::replace(&mut reading.holder, position);
                self.release(before);
                self.hold(position);
                self.arrived += 1;
            }
            Some(_) => {}
            None => self.add(position, device, row),
        }
    }

    /// Removes all hot readings of a device in a window.
    fn clear(&mut self, position: Position, device: DeviceKey, window: Window) {
        let times = self.rows(device, window, position).map(|row| row.time_us).collect();
        self.remove(position, device, times);
    }

    fn remove(&mut self, position: Position, device: DeviceKey, mut times: Vec<i64>) {
        times.sort_unstable();
        let Some(readings) = self.devices.get_mut(&device) else { return };
        let mut released = Vec::with_capacity(times.len());
        for time_us in &times {
            if let Some(reading) = readings.by_time.get_mut(*time_us)
                && reading.hot_until == Position::MAX
            {
                reading.hot_until = position;
                released.push(reading.holder);
            }
        }
        subtract(&mut readings.live, released.len() as u64);
        subtract(&mut self.live, released.len() as u64);
        self.gone.push_back((position, device, times));
        for holder in released {
            self.release(holder);
        }
    }

    fn hold(&mut self, position: Position) {
        let arrived_before = self.arrived;
        self.entries.entry(position).or_insert(Holding { live: 0, arrived_before }).live += 1;
    }

    fn release(&mut self, position: Position) {
        if let Some(holding) = self.entries.get_mut(&position) {
            subtract(&mut holding.live, 1);
            if holding.live == 0 {
                self.entries.remove(&position);
            }
        }
    }

    /// Drops the readings that the entries up to a position have removed, and the damage of the devices that
    /// they have deleted.
    pub(super) fn forget(&mut self, position: Position) {
        while self.deleted_damage.pop_front_if(|(until, ..)| *until <= position).is_some() {}
        while let Some((_, device, times)) = self.gone.pop_front_if(|(until, ..)| *until <= position) {
            let Some(readings) = self.devices.get_mut(&device) else { continue };
            readings.by_time.remove(&times, |reading| reading.hot_until <= position);
            for time_us in &times {
                if let btree_map::Entry::Occupied(mut earlier) = readings.superseded.entry(*time_us) {
                    earlier.get_mut().retain(|reading| position < reading.hot_until);
                    if earlier.get().is_empty() {
                        earlier.remove();
                    }
                }
            }
            if readings.by_time.is_empty() {
                self.devices.remove(&device);
            }
        }
    }

    /// Returns the readings of a device in the window that were hot at a position, by ascending time.
    pub(super) fn rows(
        &self,
        device: DeviceKey,
        window: Window,
        position: Position,
    ) -> impl DoubleEndedIterator<Item = Row> {
        let Window { from_us, until_us } = window;
        let readings = self.devices.get(&device).filter(|_| from_us < until_us);
        readings.into_iter().flat_map(move |readings| {
            readings.by_time.range(from_us, until_us).filter_map(move |(time_us, newest)| {
                let HotReading { id, values, .. } = *readings.visible_at(time_us, newest, position)?;
                Some(Row { time_us, id, values })
            })
        })
    }

    /// Returns the reading at a time that was hot at a position.
    pub(super) fn find(&self, device: DeviceKey, time_us: i64, position: Position) -> Option<Row> {
        let readings = self.devices.get(&device)?;
        let newest = readings.by_time.get(time_us)?;
        let HotReading { id, values, .. } = *readings.visible_at(time_us, newest, position)?;
        Some(Row { time_us, id, values })
    }

    /// Returns the devices that had hot readings at a position, by ascending key. Leaves out devices whose
    /// hot readings are not known.
    pub(super) fn devices(&self, position: Position) -> Vec<HotDevice> {
        let count = |readings: &DeviceReadings| {
            if position >= self.position {
                return readings.live;
            }
            let all = readings.by_time.iter();
            all.filter(|(time_us, newest)| readings.visible_at(*time_us, newest, position).is_some()).count()
                as u64
        };
        let devices = self.devices.iter();
        let devices =
            devices.map(|(device, readings)| HotDevice { device: *device, readings: count(readings) });
        let is_known = |hot: &HotDevice| self.damage(Some(hot.device), position).is_none();
        let mut devices: Vec<HotDevice> = devices.filter(|hot| hot.readings > 0 && is_known(hot)).collect();
        devices.sort_unstable_by_key(|hot| hot.device);
        devices
    }

    /// Returns the position of the first entry that holds a hot reading or is damaged. If there is none,
    /// returns the position of the next entry to be written.
    pub(super) fn first_needed(&self) -> Position {
        let held = self.entries.keys().next().copied();
        let damaged = self.damaged.values().filter_map(|positions| positions.first().copied()).min();
        held.into_iter().chain(damaged).min().unwrap_or(self.position + 1)
    }

    /// Returns the hot readings of the oldest entries if these entries keep too many idle readings in the
    /// journal, and otherwise no readings.
    #[expect(clippy::expect_used, reason = "a wrong count would keep the journal from being cut")]
    pub(super) fn to_carry(&self) -> Vec<(DeviceKey, Row)> {
        let Some((_, oldest)) = self.entries.first_key_value() else { return Vec::new() };
        let idle = self.arrived.checked_sub(oldest.arrived_before + self.live);
        let idle = idle.expect("each hot reading has arrived with an entry that holds it");
        if idle <= IDLE_READINGS.max(IDLE_RATIO * self.live) {
            return Vec::new();
        }
        let mut held = 0;
        let oldest = self.entries.iter().take_while(|(_, holding)| {
            held += holding.live;
            held - holding.live < CARRIED_READINGS
        });
        self.held_up_to(oldest.last().map_or(0, |(position, _)| *position))
    }

    /// Returns the hot readings that the entries up to a position hold.
    fn held_up_to(&self, position: Position) -> Vec<(DeviceKey, Row)> {
        let mut held = Vec::new();
        for (device, readings) in &self.devices {
            for (time_us, HotReading { id, values, hot_until, holder, .. }) in readings.by_time.iter() {
                if *hot_until == Position::MAX && *holder <= position {
                    held.push((*device, Row { time_us, id: *id, values: *values }));
                }
            }
        }
        held
    }
}

/// Subtracts readings from a number of hot readings.
///
/// # Panics
/// If there are fewer. A number that wrapped around would keep the journal from being cut.
#[expect(clippy::expect_used, reason = "documented")]
fn subtract(hot: &mut u64, readings: u64) {
    *hot = hot.checked_sub(readings).expect("only hot readings are subtracted");
}
