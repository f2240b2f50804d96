//! One client that watches a device, or all devices of a user.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use device_stats_domain::limits::{LIVE_LOOK_PAUSE, LIVE_READINGS_RESUMED_MAX};
use device_stats_domain::{Device, DeviceId, DeviceKey, Page, Reading, ReadingId, Timestamp, User, Window};
use device_stats_store::StoreError;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::hub::{Begun, Numbered};
use super::inbox::{Inbox, Taken};
use super::position::Position;
use crate::{Authorized, Service, ServiceError};

/// What a client watches.
#[derive(Clone, Debug)]
enum Watched {
    Device(Device),
    User(User),
}

/// Readings as they are committed. They end when the device or the user is deleted, the server stops, or the client does not
/// take them out.
pub struct LiveReadings {
    service: Service,
    watched: Watched,
    inbox: Arc<Inbox>,
    names: HashMap<DeviceKey, DeviceId>,
    /// What the client missed and has not been given yet.
    missed: VecDeque<Numbered>,
    /// Readings that were missed, and may be told once more as they are committed.
    told: HashSet<ReadingId>,
    epoch: u64,
    start: Position,
    newest: Timestamp,
    look: Interval,
    _place: OwnedSemaphorePermit,
}

/// A reading that was committed.
#[derive(Clone, Debug, PartialEq)]
pub struct LiveReading {
    /// Whose it is.
    pub device: DeviceId,
    /// The reading.
    pub reading: Reading,
    /// Where the client is when it has got it.
    pub position: Position,
}

impl Service {
    /// The readings of a device as they are committed, at most `rate` a second; above 0. Who was at a position before gets
    /// what has come since: of what this node has kept all, else what is later than all that was sent, and not more than
    /// [`LIVE_READINGS_RESUMED_MAX`], the latest.
    ///
    /// # Errors
    /// [`ServiceError::TooManyStreams`]; those of the store.
    pub async fn watch_device(
        &self,
        device: Authorized<Device>,
        rate: f64,
        since: Option<Position>,
    ) -> Result<LiveReadings, ServiceError> {
        self.watch(Watched::Device(device.into_inner()), rate, since).await
    }

    /// The readings of all devices of a user, at most `rate` a second of each, otherwise as [`Self::watch_device`]. What is
    /// late among devices may be missed by who comes back to a node that has not kept it.
    ///
    /// # Errors
    /// As there.
    pub async fn watch_user(
        &self,
        user: Authorized<User>,
        rate: f64,
        since: Option<Position>,
    ) -> Result<LiveReadings, ServiceError> {
        self.watch(Watched::User(user.into_inner()), rate, since).await
    }

    async fn watch(
        &self,
        watched: Watched,
        rate: f64,
        since: Option<Position>,
    ) -> Result<LiveReadings, ServiceError> {
        let place = self.live.take_place().ok_or(ServiceError::TooManyStreams)?;
        let mut look = interval(LIVE_LOOK_PAUSE);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        look.reset();
        let newest = since.map_or_else(|| self.clock.now(), |position| position.newest);
        let mut stream = LiveReadings {
            service: self.clone(),
            watched,
            inbox: Arc::new(Inbox::of_client(rate)),
            names: HashMap::new(),
            missed: VecDeque::new(),
            told: HashSet::new(),
            epoch: 0,
            start: Position { epoch: 0, sequence: 0, newest },
            newest,
            look,
            _place: place,
        };
        stream.names = stream.find_devices().await?.ok_or(StoreError::DeviceMissing)?;
        // First watched, then read: what comes in between is told twice, and noticed.
        let Begun { epoch, sequence, missed } =
            self.live.watch(&stream.inbox, &stream.keys(), since.as_ref());
        stream.epoch = epoch;
        match (missed, since) {
            (Some(missed), Some(position)) => {
                stream.missed = missed.into();
                stream.start = position;
            }
            (None, Some(_)) => stream.read_missed().await?,
            (_, None) => stream.start = Position { epoch, sequence, newest },
        }
        Ok(stream)
    }
}

impl LiveReadings {
    /// Where the client is before it gets anything.
    pub fn start(&self) -> Position {
        self.start
    }

    /// The next reading; `None` when there will be none any more.
    pub async fn next(&mut self) -> Option<LiveReading> {
        loop {
            let next = if let Some(numbered) = self.missed.pop_front() {
                Some(Taken { numbered, behind: numbered.sequence })
            } else {
                tokio::select! {
                    next = self.inbox.next() => next,
                    _ = self.look.tick() => {
                        if self.look_around().await {
                            continue;
                        }
                        None
                    }
                }
            };
            let Taken { numbered: Numbered { sequence, reading }, behind } = next?;
            if sequence > 0 && self.told.remove(&reading.id) {
                continue;
            }
            // One that has just been given to another user is not for this one any more.
            let Some(device) = self.names.get(&reading.device) else { continue };
            self.newest = self.newest.max(reading.time);
            // What was read from the store has no number. Until all of that is sent, only times tell where the client is.
            let epoch = if sequence == 0 { 0 } else { self.epoch };
            let position = Position { epoch, sequence: behind, newest: self.newest };
            return Some(LiveReading { device: device.clone(), reading, position });
        }
    }

    /// Looks for the device, or which devices the user has; says whether there is still something to watch.
    async fn look_around(&mut self) -> bool {
        match self.find_devices().await {
            Ok(Some(names)) => {
                if names != self.names {
                    self.names = names;
                    self.service.live.watch(&self.inbox, &self.keys(), None);
                }
                true
            }
            Ok(None) => false,
            Err(error) => {
                tracing::debug!(%error, "a live stream could not look for its devices");
                true
            }
        }
    }

    /// The devices to watch; `None` where what is watched is not there any more.
    async fn find_devices(&self) -> Result<Option<HashMap<DeviceKey, DeviceId>>, StoreError> {
        let store = &self.service.store;
        let devices = match &self.watched {
            Watched::Device(device) => {
                let found = store.find_devices(std::slice::from_ref(&device.device_id)).await?;
                found.into_iter().flatten().filter(|found| found.key == device.key).collect()
            }
            Watched::User(user) => {
                if store.find_user(user.id).await?.is_none() {
                    return Ok(None);
                }
                store.list_user_devices(user.id).await?
            }
        };
        if devices.is_empty() && matches!(self.watched, Watched::Device(_)) {
            return Ok(None);
        }
        Ok(Some(devices.into_iter().map(|device| (device.key, device.device_id)).collect()))
    }

    fn keys(&self) -> HashSet<DeviceKey> {
        self.names.keys().copied().collect()
    }

    /// Reads what is later than all that the client was sent.
    async fn read_missed(&mut self) -> Result<(), ServiceError> {
        let [of_device, of_all] = LIVE_READINGS_RESUMED_MAX;
        let window = Window { from_us: self.newest.micros() + 1, until_us: i64::MAX };
        let mut missed: Vec<Reading> = Vec::new();
        for device in self.names.keys() {
            let page = Page { skip: 0, limit: of_device };
            missed.extend(self.service.newest(*device, window, page).await?);
            missed.sort_unstable_by_key(|reading| (std::cmp::Reverse(reading.time), reading.id));
            missed.truncate(of_all as usize);
        }
        self.told = missed.iter().map(|reading| reading.id).collect();
        self.missed = missed.into_iter().rev().map(|reading| Numbered { sequence: 0, reading }).collect();
        Ok(())
    }
}

impl Drop for LiveReadings {
    fn drop(&mut self) {
        self.service.live.unwatch(&self.inbox);
    }
}
