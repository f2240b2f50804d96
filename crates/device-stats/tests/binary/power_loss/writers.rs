//! Clients of a server on a recorded disk. Each one notes the number of recorded changes before and after
//! each of its requests. So at any point of the recording, it is known which readings have been acknowledged.

use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::recording_disk::RecordingDisk;
use crate::keyed_readings::KeyedDevice;
use crate::numbered_readings::{Answer, Api, Fate, NumberedDevice};
use crate::random::Random;
use crate::server::Server;

/// Number of writers with numbered readings. One more sends keyed requests.
const NUMBERED: u64 = 3;
/// Numbers of readings per request: mostly few, sometimes enough for a segment.
const COUNTS: [u64; 8] = [1, 1, 3, 1, 40, 1, 700, 4_500];
/// Numbers of readings of a keyed request.
const KEYED_COUNTS: [u64; 3] = [1, 1, 40];
/// A writer deletes readings once in this number of turns, on average.
const DELETING_TURNS: u64 = 12;
/// A writer deletes its device, and creates another one, once in this number of turns, on average.
const REMOVING_TURNS: u64 = 60;
/// Maximum number of readings of a deletion. A window of this size usually cuts segments.
const DELETED_MAX: u64 = 10_000;
/// An acknowledged keyed request is sent again to one in this number of images.
const KEYED_AGAIN: u64 = 16;

/// The known states of an object, each with the number of changes from which it holds.
pub(crate) struct History<T>(Vec<(usize, T)>);

impl<T> Default for History<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> History<T> {
    /// Notes a state.
    fn note(&mut self, disk: &RecordingDisk, state: T) {
        self.0.push((disk.count_changes(), state));
    }

    /// Returns the state after a number of changes; `None` before the first one.
    fn at(&self, changes: usize) -> Option<&T> {
        self.0.iter().rev().find(|(from, _)| *from <= changes).map(|(_, state)| state)
    }
}

/// Whether a server has all acknowledged readings. Of several devices, the last of these variants counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kept {
    All,
    /// A request failed.
    Unknown,
    NotAll,
}

/// A device, and whether it exists. `None` if a request to create or to delete it has no outcome yet.
#[derive(Clone)]
struct Known {
    device: NumberedDevice,
    exists: Option<bool>,
}

impl Known {
    /// Asserts that a server shows the device and its readings as they are known.
    fn assert_kept(&self, api: &Api) {
        let Self { device, exists } = self;
        let found = api.status("GET", &format!("/api/v1/devices/{}", device.name)) == Some(200);
        assert!(exists.is_none_or(|exists| exists == found), "{} is {exists:?}, found {found}", device.name);
        if found { device.assert_kept(api) } else { device.assert_gone(api) }
    }

    /// Compares the number of stored readings with the number of acknowledged ones.
    fn compare(&self, server: &Server) -> Kept {
        let (status, answer) =
            server.post(&format!("/api/v1/stats/devices/{}/analyze", self.device.name), "{}");
        let stored = match status {
            200 => answer["x"]["count"].as_u64().unwrap(),
            404 => 0,
            _ => return Kept::Unknown,
        };
        let acknowledged = self.device.sent_and_acknowledged().1;
        if self.exists == Some(true) && stored < acknowledged { Kept::NotAll } else { Kept::All }
    }
}

/// A client that posts numbered readings, and deletes readings and its devices.
struct NumberedWriter {
    random: Random,
    name: String,
    /// Its devices. All but the last one are deleted.
    devices: Vec<History<Known>>,
    last: Known,
}

impl NumberedWriter {
    fn new(name: String, seed: u64) -> Self {
        let last = Known { device: NumberedDevice::new(format!("{name}-0")), exists: Some(false) };
        Self { random: Random::with_seed(seed), name, devices: vec![History::default()], last }
    }

    fn note(&mut self, disk: &RecordingDisk, state: Known) {
        self.devices.last_mut().unwrap().note(disk, state);
    }

    /// Makes one request. Returns whether a response arrived.
    fn make_request(&mut self, api: &Api, disk: &RecordingDisk) -> bool {
        let has_response = if self.last.exists != Some(true) {
            self.register(api, disk)
        } else if self.random.below(REMOVING_TURNS) == 0 {
            self.remove(api, disk)
        } else if self.random.below(DELETING_TURNS) == 0 {
            self.delete_some(api, disk)
        } else {
            self.post(api, disk)
        };
        if has_response {
            self.note(disk, self.last.clone());
        }
        has_response
    }

    fn register(&mut self, api: &Api, disk: &RecordingDisk) -> bool {
        self.last.exists = None;
        self.note(disk, self.last.clone());
        let is_registered = self.last.device.try_register(api);
        self.last.exists = is_registered.then_some(true);
        is_registered
    }

    /// Deletes the device, and begins with another one.
    fn remove(&mut self, api: &Api, disk: &RecordingDisk) -> bool {
        self.last.exists = None;
        self.note(disk, self.last.clone());
        let status = api.status("DELETE", &format!("/api/v1/devices/{}", self.last.device.name));
        assert!(matches!(status, Some(204) | None), "{status:?}");
        if status.is_some() {
            self.note(disk, Known { exists: Some(false), ..self.last.clone() });
        }
        // A device whose deletion has no outcome is not used again, either.
        let device = NumberedDevice::new(format!("{}-{}", self.name, self.devices.len()));
        self.last = Known { device, exists: Some(false) };
        self.devices.push(History::default());
        status.is_some()
    }

    fn delete_some(&mut self, api: &Api, disk: &RecordingDisk) -> bool {
        let stored = self.last.device.newest_stored();
        if stored.is_empty() {
            return true;
        }
        let numbers = some_of(&mut self.random, &stored);
        self.note(disk, Known { device: self.last.device.while_deleting(&numbers), exists: Some(true) });
        let fate = self.last.device.delete(api, &numbers);
        assert!(matches!(fate, Fate::Deleted | Fate::Unknown), "{fate:?}");
        fate == Fate::Deleted
    }

    fn post(&mut self, api: &Api, disk: &RecordingDisk) -> bool {
        let count = self.random.choose(&COUNTS);
        self.note(disk, Known { device: self.last.device.while_posting(count), exists: Some(true) });
        let answer = self.last.device.post(api, count);
        assert!(matches!(answer, Answer::Stored | Answer::Lost), "{answer:?}");
        answer == Answer::Stored
    }
}

/// Returns a random range of stored readings that is near the newest one.
fn some_of(random: &mut Random, stored: &Range<u64>) -> Range<u64> {
    let first = stored.end - 1 - random.below((stored.end - stored.start).min(DELETED_MAX));
    first..first + 1 + random.below(stored.end - first)
}

/// A client that sends keyed requests for readings without times.
struct KeyedWriter {
    random: Random,
    device: KeyedDevice,
    history: History<KeyedDevice>,
}

impl KeyedWriter {
    fn make_request(&mut self, api: &Api, disk: &RecordingDisk) -> bool {
        let Self { random, device, history } = self;
        if device.count_acknowledged() == 0 && !device.try_register(api) {
            return false;
        }
        let count = random.choose(&KEYED_COUNTS);
        history.note(disk, device.while_posting(count));
        let has_response = device.post(api, count);
        history.note(disk, device.clone());
        has_response
    }
}

/// All clients of a recording.
pub(crate) struct Writers {
    numbered: Vec<NumberedWriter>,
    keyed: KeyedWriter,
}

impl Writers {
    /// Returns writers whose requests depend on a seed.
    pub(crate) fn with_seed(seed: u64) -> Self {
        let seed_of = |n: u64| (seed + 1) << 16 | n;
        let numbered = (0..NUMBERED).map(|n| NumberedWriter::new(format!("d{n}"), seed_of(n)));
        let keyed = KeyedWriter {
            random: Random::with_seed(seed_of(NUMBERED)),
            device: KeyedDevice::new("keyed"),
            history: History::default(),
        };
        Self { numbered: numbered.collect(), keyed }
    }

    /// Makes requests until the server ends, or until `is_over`. Calls `meanwhile` on this thread.
    pub(crate) fn write(
        &mut self,
        api: &Api,
        disk: &RecordingDisk,
        is_over: &AtomicBool,
        meanwhile: impl FnOnce(),
    ) {
        std::thread::scope(|scope| {
            for writer in &mut self.numbered {
                scope.spawn(|| while !is_over.load(Ordering::Relaxed) && writer.make_request(api, disk) {});
            }
            let keyed = &mut self.keyed;
            scope.spawn(|| while !is_over.load(Ordering::Relaxed) && keyed.make_request(api, disk) {});
            meanwhile();
        });
    }

    /// Asserts that a server on an image has all that was acknowledged before a number of changes, and
    /// nothing that was not sent. Returns the number of acknowledged requests.
    pub(crate) fn assert_kept(&self, changes: usize, api: &Api, random: &mut Random) -> usize {
        let known = self.known(changes);
        for known in &known {
            known.assert_kept(api);
        }
        let mut acknowledged: usize =
            known.iter().map(|known| known.device.count_requests(Fate::Acknowledged)).sum();
        if let Some(keyed) = self.keyed.history.at(changes) {
            acknowledged += keyed.count_acknowledged();
            let mut keyed = keyed.clone();
            assert!(keyed.try_register(api));
            assert!(keyed.post_again(api, |is_known| !is_known || random.below(KEYED_AGAIN) == 0));
            keyed.assert_each_stored_once(api);
        }
        acknowledged
    }

    /// Returns whether a server on an image has all acknowledged readings.
    pub(crate) fn compare(&self, changes: usize, server: &Server) -> Kept {
        let kept = self.known(changes).into_iter().map(|known| known.compare(server));
        kept.max().unwrap_or(Kept::All)
    }

    fn known(&self, changes: usize) -> Vec<&Known> {
        let devices = self.numbered.iter().flat_map(|writer| &writer.devices);
        devices.filter_map(|history| history.at(changes)).collect()
    }
}
