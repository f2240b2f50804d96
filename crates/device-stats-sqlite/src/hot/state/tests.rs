//! Any entries, compared with maps that are copied for each position.

use std::collections::btree_map;

use proptest::prelude::*;

use super::*;

/// What is hot: for each device and time the id.
type Plain = BTreeMap<(DeviceKey, i64), i64>;

/// What an entry is made of; what it says depends on what is hot then.
#[derive(Clone, Debug)]
enum Step {
    Append(Vec<(u8, u8)>),
    /// A device, and which of its readings.
    Seal(u8, Vec<bool>),
    Delete(u8),
    Carry(usize),
    Forget(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let device = 0_u8..4;
    prop_oneof![
        4 => prop::collection::vec((device.clone(), any::<u8>()), 1..8).prop_map(Step::Append),
        3 => (device.clone(), prop::collection::vec(any::<bool>(), 1..12))
            .prop_map(|(device, which)| Step::Seal(device, which)),
        1 => device.prop_map(Step::Delete),
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

/// The entry that a step makes, and what is hot after it. No time of a device comes twice: the store sees to that.
fn entry_of(step: &Step, state: &State, plain: &mut Plain, used: &mut Plain) -> Option<Entry> {
    match step {
        Step::Append(readings) => {
            let mut new = Vec::new();
            for (device, time) in readings {
                let place = (key(*device), i64::from(*time));
                let id = i64::try_from(used.len()).unwrap();
                if let btree_map::Entry::Vacant(unused) = used.entry(place) {
                    unused.insert(id);
                    plain.insert(place, id);
                    new.push((place.0, row(place.1, id)));
                }
            }
            Some(Entry::Appended(new))
        }
        Step::Seal(device, which) => {
            let hot: Vec<i64> =
                plain.keys().filter(|(of, _)| *of == key(*device)).map(|(_, time)| *time).collect();
            let sealed: Vec<i64> = hot
                .into_iter()
                .zip(which)
                .filter(|(_, is_sealed)| **is_sealed)
                .map(|(time, _)| time)
                .collect();
            for time in &sealed {
                plain.remove(&(key(*device), *time));
            }
            Some(Entry::Sealed(key(*device), sealed))
        }
        Step::Delete(device) => {
            plain.retain(|(of, _), _| *of != key(*device));
            Some(Entry::Deleted(vec![key(*device)]))
        }
        Step::Carry(entries) => {
            let newest = state.entries.keys().copied().take(*entries).next_back();
            Some(Entry::Carried(state.held_up_to(newest.unwrap_or(0))))
        }
        Step::Forget(_) => None,
    }
}

fn visible(state: &State, position: Position) -> Plain {
    let of = |device| {
        let rows = state.rows(key(device), Window::ALL, position);
        rows.map(move |row| ((key(device), row.time_us), row.id)).collect::<Vec<_>>()
    };
    (0..4).flat_map(of).collect()
}

proptest! {
    #[test]
    fn every_position_is_seen_as_it_was(steps in prop::collection::vec(step(), 1..60)) {
        let mut state = State::default();
        let (mut plain, mut used) = (Plain::new(), Plain::new());
        let mut past: Vec<(Position, Plain)> = vec![(0, Plain::new())];
        let mut entries: Vec<(Position, Entry)> = Vec::new();
        for step in &steps {
            if let Step::Forget(kept) = step {
                let begin = past.len().saturating_sub(kept + 1);
                past.drain(..begin);
                state.forget(past[0].0);
            }
            if let Some(entry) = entry_of(step, &state, &mut plain, &mut used) {
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
            // Who starts anew reads what is needed only, and sees the same.
            let mut anew = State::behind(state.first_needed() - 1);
            for (position, entry) in entries.iter().filter(|(position, _)| *position >= state.first_needed()) {
                anew.apply(*position, entry.clone());
            }
            prop_assert_eq!(&visible(&anew, state.position()), &plain);
            prop_assert_eq!(anew.first_needed(), state.first_needed());
        }
        state.forget(state.position());
        let kept: usize = state.devices.values().map(|readings| readings.by_time.iter().count()).sum();
        prop_assert_eq!(kept, plain.len());
    }
}

/// A device that reports seldom must not keep the journal of all others from being cut.
#[test]
fn a_reading_that_is_hot_for_long_is_carried_forward() {
    let mut state = State::default();
    state.apply(1, Entry::Appended(vec![(key(0), row(0, 0))]));
    let many = 100_000;
    while state.to_carry().is_empty() {
        let position = state.position();
        assert!(position < 40, "{} readings are idle", state.arrived);
        let rows = (0..many).map(|n| (key(1), row(position * many + n, n)));
        state.apply(position + 1, Entry::Appended(rows.collect()));
        let times = (0..many).map(|n| position * many + n).collect();
        state.apply(position + 2, Entry::Sealed(key(1), times));
        state.forget(position + 2);
    }
    assert!(state.arrived > IDLE_READINGS);
    assert_eq!((state.to_carry(), state.first_needed()), (vec![(key(0), row(0, 0))], 1));
    let position = state.position() + 1;
    state.apply(position, Entry::Carried(vec![(key(0), row(0, 0))]));
    assert_eq!((state.to_carry(), state.first_needed()), (vec![], position));
    assert_eq!(visible(&state, position).len(), 1);
}
