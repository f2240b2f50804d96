//! Tests random entries against a map that is copied for each position.

use std::collections::btree_map;

use proptest::prelude::*;

use super::*;

/// The ids of the hot readings, by device and time.
type HotIds = BTreeMap<(DeviceKey, i64), i64>;

/// The plan of an entry. The entry itself depends on the readings that are hot at that time.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u8, u8)>),
    /// A device, and a flag for each of its hot readings.
    Remove(u8, Vec<bool>),
    Delete(u8),
    /// A device, the start of a window, and its length.
    Clear(u8, u8, u8),
    Carry(usize),
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0_u8..4;
    prop_oneof![
        4 => prop::collection::vec((device.clone(), 0_u8..32), 1..8).prop_map(Step::Append),
        3 => (device.clone(), prop::collection::vec(any::<bool>(), 1..12))
            .prop_map(|(device, which)| Step::Remove(device, which)),
        1 => device.clone().prop_map(Step::Delete),
        1 => (device, 0_u8..32, 0_u8..20).prop_map(|(device, from, length)| Step::Clear(device, from, length)),
        2 => (0_usize..3).prop_map(Step::Carry),
        1 => (0_usize..4).prop_map(Step::Forget),
    ]
}

fn key(device: u8) -> DeviceKey {
    DeviceKey(device.into())
}

fn row(time_us: i64, id: i64) -> Row {
    Row { time_us, id, values: Axes { x: 1.0, y: 2.0, z: 3.0 } }
}

/// Returns the entry that a step makes, and updates the hot readings. A time that is no longer hot is used
/// again, as in a store after a deletion.
fn next_entry(step: &Step, state: &HotState, hot: &mut HotIds, last_id: &mut i64) -> Option<Entry> {
    match step {
        Step::Append(readings) => {
            let mut new = Vec::new();
            for (device, time) in readings {
                let hot_key = (key(*device), i64::from(*time));
                if let btree_map::Entry::Vacant(free) = hot.entry(hot_key) {
                    *last_id += 1;
                    free.insert(*last_id);
                    new.push((hot_key.0, row(hot_key.1, *last_id)));
                }
            }
            Some(Entry::Appended(new))
        }
        Step::Remove(device, which) => {
            let times = hot.keys().filter(|(other, _)| *other == key(*device)).map(|(_, time)| *time);
            let chosen = times.zip(which).filter(|(_, is_removed)| **is_removed);
            let removed: Vec<i64> = chosen.map(|(time, _)| time).collect();
            for time in &removed {
                hot.remove(&(key(*device), *time));
            }
            Some(Entry::Removed(key(*device), removed))
        }
        Step::Delete(device) => {
            hot.retain(|(other, _), _| *other != key(*device));
            Some(Entry::Deleted(vec![key(*device)]))
        }
        Step::Clear(device, from, length) => {
            let window = Window { from_us: i64::from(*from), until_us: i64::from(from + length) };
            let is_inside = |time_us| (window.from_us..window.until_us).contains(&time_us);
            hot.retain(|(other, time_us), _| *other != key(*device) || !is_inside(*time_us));
            Some(Entry::Cleared(key(*device), window))
        }
        Step::Carry(entries) => {
            let newest = state.entries.keys().copied().take(*entries).next_back();
            Some(Entry::Carried(state.held_up_to(newest.unwrap_or(0))))
        }
        Step::Forget(_) => None,
    }
}

fn visible(state: &HotState, position: Position) -> HotIds {
    let device_rows = |device| {
        let rows = state.rows(key(device), Window::ALL, position);
        rows.map(move |row| ((key(device), row.time_us), row.id)).collect::<Vec<_>>()
    };
    (0..4).flat_map(device_rows).collect()
}

proptest! {
    #[test]
    fn every_position_shows_its_own_hot_readings(steps in prop::collection::vec(step(), 1..60)) {
        let mut state = HotState::default();
        let (mut plain, mut last_id) = (HotIds::new(), 0);
        let mut past: Vec<(Position, HotIds)> = vec![(0, HotIds::new())];
        let mut entries: Vec<(Position, Entry)> = Vec::new();
        for step in &steps {
            if let Step::Forget(kept) = step {
                let begin = past.len().saturating_sub(kept + 1);
                past.drain(..begin);
                state.forget(past[0].0);
            }
            if let Some(entry) = next_entry(step, &state, &mut plain, &mut last_id) {
                let position = state.position() + 1;
                state.apply(position, entry.clone());
                entries.push((position, entry));
                past.push((position, plain.clone()));
            }
            for (position, expected) in &past {
                prop_assert_eq!(&visible(&state, *position), expected, "at {}", position);
                let counts = expected.keys().fold(BTreeMap::<DeviceKey, u64>::new(), |mut counts, (device, _)| {
                    *counts.entry(*device).or_default() += 1;
                    counts
                });
                let found = state.devices(*position).into_iter().map(|hot| (hot.device, hot.readings));
                prop_assert_eq!(found.collect::<BTreeMap<_, _>>(), counts);
            }
            // A new state reads only the entries that are needed, and shows the same.
            let mut rebuilt = HotState::new(state.first_needed() - 1);
            for (position, entry) in entries.iter().filter(|(position, _)| *position >= state.first_needed()) {
                rebuilt.apply(*position, entry.clone());
            }
            prop_assert_eq!(&visible(&rebuilt, state.position()), &plain);
            prop_assert_eq!(rebuilt.first_needed(), state.first_needed());
        }
        state.forget(state.position());
        let kept: usize = state.devices.values().map(|readings| readings.by_time.iter().count()).sum();
        prop_assert_eq!(kept, plain.len());
        prop_assert!(state.devices.values().all(|readings| readings.superseded.is_empty()));
    }
}

/// The entry that removed a reading is damaged, and the time of the reading is used again. The first reading
/// was never released, so the journal kept all entries from then on.
#[test]
fn a_lost_removal_leaves_no_reading_behind() {
    let mut state = HotState::default();
    state.apply(1, Entry::Appended(vec![(key(0), row(0, 1))]));
    state.note_damage(2, Some(vec![key(0)]));
    state.apply(3, Entry::Appended(vec![(key(0), row(0, 3))]));
    assert_eq!(visible(&state, 3).into_values().collect::<Vec<_>>(), [3]);
    state.apply(4, Entry::Removed(key(0), vec![0]));
    state.forget(4);
    assert_eq!((state.live, state.first_needed()), (0, 2));
    assert!(state.devices.is_empty(), "{:?}", state.devices);
}

/// The view of a query that began before the deletion of a device showed fewer readings instead of the
/// damage.
#[test]
fn an_earlier_view_sees_the_damage_of_a_deleted_device() {
    let mut state = HotState::default();
    state.apply(1, Entry::Appended(vec![(key(0), row(0, 1))]));
    state.note_damage(2, Some(vec![key(0), key(1)]));
    state.apply(3, Entry::Deleted(vec![key(0)]));
    let damage = |state: &HotState| {
        [1, 2, 3].map(|position| (state.damage(Some(key(0)), position), state.damaged_devices(position)))
    };
    let earlier = (Some(2), vec![key(0), key(1)]);
    assert_eq!(damage(&state), [(None, vec![]), earlier, (None, vec![key(1)])]);
    assert_eq!(state.devices(2), []);
    state.forget(3);
    assert!(state.deleted_damage.is_empty());
}

/// A device that reports rarely must not prevent the removal of journal entries of all other devices.
#[test]
fn a_reading_that_stays_hot_is_carried_forward() {
    let mut state = HotState::default();
    state.apply(1, Entry::Appended(vec![(key(0), row(0, 0))]));
    let many = 100_000;
    while state.to_carry().is_empty() {
        let position = state.position();
        assert!(position < 40, "{} readings are idle", state.arrived);
        let rows = (0..many).map(|n| (key(1), row(position * many + n, n)));
        state.apply(position + 1, Entry::Appended(rows.collect()));
        let times = (0..many).map(|n| position * many + n).collect();
        state.apply(position + 2, Entry::Removed(key(1), times));
        state.forget(position + 2);
    }
    assert!(state.arrived > IDLE_READINGS);
    assert_eq!((state.to_carry(), state.first_needed()), (vec![(key(0), row(0, 0))], 1));
    let position = state.position() + 1;
    state.apply(position, Entry::Carried(vec![(key(0), row(0, 0))]));
    assert_eq!((state.to_carry(), state.first_needed()), (vec![], position));
    assert_eq!(visible(&state, position).len(), 1);
}
