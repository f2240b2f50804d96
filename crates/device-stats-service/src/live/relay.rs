//! Live readings across nodes: each tells the others which devices its clients watch, and is told their readings.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use device_stats_domain::limits::LIVE_RATE_MAX;
use device_stats_domain::{Axes, DeviceKey, Finite, Reading, ReadingId, Timestamp};
use device_stats_store::{Exchange, StoreError};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::hub::{Live, Numbered, Origin};
use super::inbox::Inbox;

/// How often nodes say what their clients watch.
const SAY_PAUSE: Duration = Duration::from_secs(5);
/// How long what a node has said holds.
const SAID_FOR: Duration = Duration::from_secs(15);
/// How long to wait before listening again after the connection was lost.
const LISTEN_PAUSE: Duration = Duration::from_millis(500);
/// Devices of a message: with the longest keys there are, it stays below the limit of a message.
const DEVICES_MAX: usize = 350;
/// Readings of a message, likewise.
const READINGS_MAX: usize = 50;
/// Readings that are sent at once.
const READINGS_AT_ONCE: usize = 20 * READINGS_MAX;

/// What nodes tell each other.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    /// Who says it.
    node: Uuid,
    #[serde(flatten)]
    what: What,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// Its clients watch these devices.
    Watched(Vec<i64>),
    /// It has committed these readings: device, id, microseconds since 1970 UTC, x, y, z.
    Committed(Vec<(i64, i64, i64, f64, f64, f64)>),
    /// It has committed readings that it could not tell of.
    Missed(()),
}

/// Takes part for as long as it is awaited.
pub(crate) async fn relay(live: Live, exchange: Arc<dyn Exchange>) {
    let mut relay = Relay {
        node: Uuid::new_v4(),
        inbox: Arc::new(Inbox::of_relay(LIVE_RATE_MAX)),
        wanted: HashMap::new(),
        has_missed: false,
        live,
        exchange,
    };
    loop {
        if let Err(error) = relay.take_part().await {
            tracing::debug!(%error, "other nodes cannot be listened to");
        }
        // What they have committed meanwhile was missed.
        relay.live.begin_anew();
        sleep(LISTEN_PAUSE).await;
    }
}

struct Relay {
    node: Uuid,
    live: Live,
    exchange: Arc<dyn Exchange>,
    /// What is committed here of devices that are watched elsewhere.
    inbox: Arc<Inbox>,
    /// Those devices, and until when they are.
    wanted: HashMap<DeviceKey, Instant>,
    /// Whether the others have missed readings, and are to be told.
    has_missed: bool,
}

impl Relay {
    /// Takes part until the connection is lost.
    async fn take_part(&mut self) -> Result<(), StoreError> {
        let mut messages = self.exchange.listen().await?;
        let mut tick = interval(SAY_PAUSE);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let inbox = Arc::clone(&self.inbox);
        let live = self.live.clone();
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.hear(&message),
                    None => return Ok(()),
                },
                () = live.shared.changed.notified() => self.say_watched().await,
                _ = tick.tick() => {
                    self.forget();
                    self.say_watched().await;
                }
                Some(first) = inbox.next() => self.say_committed(first.numbered).await,
            }
        }
    }

    fn hear(&mut self, message: &str) {
        let Ok(Message { node, what }) = serde_json::from_str(message) else {
            tracing::debug!("a node has said something strange");
            return;
        };
        if node == self.node {
            return;
        }
        match what {
            What::Watched(devices) => {
                let until = Instant::now() + SAID_FOR;
                let count = self.wanted.len();
                self.wanted.extend(devices.into_iter().map(|device| (DeviceKey(device), until)));
                if self.wanted.len() > count {
                    self.watch();
                }
            }
            What::Committed(readings) => {
                self.live.publish(readings.into_iter().filter_map(reading), Origin::OtherNode);
            }
            What::Missed(()) => self.live.begin_anew(),
        }
    }

    /// Watches what the others want to know of.
    fn watch(&self) {
        let wanted: HashSet<DeviceKey> = self.wanted.keys().copied().collect();
        self.live.watch(&self.inbox, &wanted, None);
    }

    fn forget(&mut self) {
        let (count, now) = (self.wanted.len(), Instant::now());
        self.wanted.retain(|_, until| now < *until);
        if self.wanted.len() < count {
            self.watch();
        }
    }

    /// Says it again at the next tick where it is lost.
    async fn say_watched(&mut self) {
        let devices: Vec<i64> = self.live.watched_here().into_iter().map(|device| device.0).collect();
        let parts = devices.chunks(DEVICES_MAX);
        let messages = parts.map(|part| self.written(What::Watched(part.to_vec()))).collect();
        self.send(messages).await;
    }

    async fn say_committed(&mut self, first: Numbered) {
        let mut readings = vec![written(&first.reading)];
        while readings.len() < READINGS_AT_ONCE
            && let Some(next) = self.inbox.take()
        {
            readings.push(written(&next.numbered.reading));
        }
        let parts = readings.chunks(READINGS_MAX);
        let messages = parts.map(|part| self.written(What::Committed(part.to_vec()))).collect();
        if !self.send(messages).await {
            self.has_missed = true;
        }
    }

    fn written(&self, what: What) -> String {
        // Numbers and lists can be written.
        serde_json::to_string(&Message { node: self.node, what }).unwrap_or_default()
    }

    /// Sends messages, after telling of what was missed before; says whether they were sent.
    async fn send(&mut self, mut messages: Vec<String>) -> bool {
        self.has_missed |= self.inbox.take_missed();
        if self.has_missed {
            messages.insert(0, self.written(What::Missed(())));
        }
        if messages.is_empty() {
            return true;
        }
        let sent = self.exchange.send(&messages).await;
        match &sent {
            Ok(()) => self.has_missed = false,
            Err(error) => tracing::debug!(%error, "other nodes could not be told"),
        }
        sent.is_ok()
    }
}

fn written(reading: &Reading) -> (i64, i64, i64, f64, f64, f64) {
    let Axes { x, y, z } = reading.values.map(Finite::get);
    (reading.device.0, reading.id.0, reading.time.micros(), x, y, z)
}

fn reading((device, id, time, x, y, z): (i64, i64, i64, f64, f64, f64)) -> Option<Reading> {
    let number = |number| Finite::new(number).ok();
    Some(Reading {
        device: DeviceKey(device),
        id: ReadingId(id),
        time: Timestamp::from_micros(time).ok()?,
        values: Axes { x: number(x)?, y: number(y)?, z: number(z)? },
    })
}

#[cfg(test)]
mod tests {
    use device_stats_store::MESSAGE_BYTES_MAX;

    use super::*;

    #[test]
    fn the_longest_messages_fit() {
        let number = f64::from_bits(0x8010_0000_0000_0001);
        let longest = (i64::MIN, i64::MIN, Timestamp::MIN.micros(), number, number, number);
        let watched = What::Watched(vec![i64::MIN; DEVICES_MAX]);
        for what in [watched, What::Committed(vec![longest; READINGS_MAX]), What::Missed(())] {
            let message = Message { node: Uuid::max(), what };
            let written = serde_json::to_string(&message).unwrap();
            assert!(written.len() <= MESSAGE_BYTES_MAX, "{}", written.len());
            assert_eq!(serde_json::from_str::<Message>(&written).unwrap(), message);
        }
    }
}
