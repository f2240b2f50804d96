//! The relay of live readings between nodes. Each node announces the devices that its clients watch, and the
//! other nodes send it the readings that they commit for these devices.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use device_stats_domain::{Axes, DeviceKey, Finite, Reading, ReadingId, Timestamp};
use device_stats_store::{Exchange, StoreError};
use futures_util::StreamExt;
use serde::{Deserialize, Serialize};
use tokio::time::{MissedTickBehavior, interval, sleep};
use uuid::Uuid;

use super::hub::{CommitOrigin, LiveHub};
use super::inbox::{Inbox, SequencedReading};
use crate::limits::LIVE_RATE_MAX;

/// Interval at which a node announces the devices that its clients watch.
const ANNOUNCE_INTERVAL: Duration = Duration::from_secs(5);
/// Time for which an announcement is valid.
const ANNOUNCEMENT_KEPT_FOR: Duration = Duration::from_secs(15);
/// Pause before a node listens again after the connection was lost.
const LISTEN_PAUSE: Duration = Duration::from_millis(500);
/// Maximum number of devices in a message. With the longest keys, the message stays within
/// `MESSAGE_BYTES_MAX`.
const MESSAGE_DEVICES_MAX: usize = 350;
/// Maximum number of readings in a message. With the longest numbers, the message stays within
/// `MESSAGE_BYTES_MAX`.
const MESSAGE_READINGS_MAX: usize = 50;
/// Maximum number of readings in one call of [`Exchange::send`].
const SEND_READINGS_MAX: usize = 20 * MESSAGE_READINGS_MAX;

/// A message between nodes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Message {
    /// The sender.
    node: Uuid,
    #[serde(flatten)]
    content: MessageContent,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum MessageContent {
    /// The clients of the sender watch these devices.
    Watched(Vec<i64>),
    /// The sender committed these readings.
    Committed(Vec<ReadingFields>),
    /// The sender committed readings that it could not send.
    Missed(()),
}

/// The fields of a reading: device, id, microseconds since 1970 UTC, x, y, z.
type ReadingFields = (i64, i64, i64, f64, f64, f64);

/// Relays live readings until it is dropped.
pub(crate) async fn relay(hub: Arc<LiveHub>, exchange: Arc<dyn Exchange>) {
    let mut relay = Relay {
        node: Uuid::new_v4(),
        inbox: LiveHub::relay_inbox(LIVE_RATE_MAX),
        announced: HashMap::new(),
        has_missed: false,
        hub,
        exchange,
    };
    loop {
        if let Err(error) = relay.run().await {
            tracing::debug!(%error, "listening to other nodes failed, trying again");
        }
        // Readings that other nodes committed meanwhile are missing here.
        relay.hub.begin_epoch();
        sleep(LISTEN_PAUSE).await;
    }
}

struct Relay {
    node: Uuid,
    hub: Arc<LiveHub>,
    exchange: Arc<dyn Exchange>,
    /// The inbox of readings that this node commits for the announced devices.
    inbox: Arc<Inbox>,
    /// The devices that clients of other nodes watch, each with the time at which its announcement expires.
    announced: HashMap<DeviceKey, Instant>,
    /// Whether readings of this node were not sent to the other nodes, and the nodes do not know it yet.
    has_missed: bool,
}

impl Relay {
    /// Relays until the connection is lost.
    async fn run(&mut self) -> Result<(), StoreError> {
        let mut messages = self.exchange.listen().await?;
        let mut tick = interval(ANNOUNCE_INTERVAL);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let inbox = Arc::clone(&self.inbox);
        let hub = Arc::clone(&self.hub);
        loop {
            tokio::select! {
                message = messages.next() => match message {
                    Some(message) => self.receive(&message),
                    None => return Ok(()),
                },
                () = hub.watched_changed.notified() => self.announce().await,
                _ = tick.tick() => {
                    self.expire_announcements();
                    self.announce().await;
                }
                Some(first) = inbox.next() => self.send_committed(first.sequenced).await,
            }
        }
    }

    fn receive(&mut self, message: &str) {
        let Ok(Message { node, content }) = serde_json::from_str(message) else {
            tracing::debug!("a message of another node cannot be read, ignoring it");
            return;
        };
        if node == self.node {
            return;
        }
        match content {
            MessageContent::Watched(devices) => {
                let until = Instant::now() + ANNOUNCEMENT_KEPT_FOR;
                let count = self.announced.len();
                self.announced.extend(devices.into_iter().map(|device| (DeviceKey(device), until)));
                if self.announced.len() > count {
                    self.watch_announced();
                }
            }
            MessageContent::Committed(fields) => {
                if let Some(readings) = fields.into_iter().map(to_reading).collect::<Option<Vec<_>>>() {
                    self.hub.publish(&readings, CommitOrigin::OtherNode);
                } else {
                    tracing::warn!(%node, "a reading of another node is out of range, ending the live streams");
                    self.hub.begin_epoch();
                }
            }
            MessageContent::Missed(()) => self.hub.begin_epoch(),
        }
    }

    fn watch_announced(&self) {
        let devices: HashSet<DeviceKey> = self.announced.keys().copied().collect();
        self.hub.watch(&self.inbox, &devices, None);
    }

    fn expire_announcements(&mut self) {
        let (count, now) = (self.announced.len(), Instant::now());
        self.announced.retain(|_, until| now < *until);
        if self.announced.len() < count {
            self.watch_announced();
        }
    }

    /// Announces the devices that clients of this node watch. A lost announcement is repeated at the next
    /// tick.
    async fn announce(&mut self) {
        let devices: Vec<i64> = self.hub.devices_of_clients().into_iter().map(|device| device.0).collect();
        let chunks = devices.chunks(MESSAGE_DEVICES_MAX);
        self.send(chunks.map(|chunk| MessageContent::Watched(chunk.to_vec())).collect()).await;
    }

    /// Sends the readings of the inbox, beginning with `first`.
    async fn send_committed(&mut self, first: SequencedReading) {
        let mut readings = vec![to_fields(&first.reading)];
        while readings.len() < SEND_READINGS_MAX
            && let Some(next) = self.inbox.take()
        {
            readings.push(to_fields(&next.sequenced.reading));
        }
        let chunks = readings.chunks(MESSAGE_READINGS_MAX);
        if !self.send(chunks.map(|chunk| MessageContent::Committed(chunk.to_vec())).collect()).await {
            self.has_missed = true;
        }
    }

    /// Sends messages, preceded by [`MessageContent::Missed`] if earlier readings were not sent. Returns
    /// whether all were sent.
    async fn send(&mut self, mut contents: Vec<MessageContent>) -> bool {
        self.has_missed |= self.inbox.take_has_discarded();
        if self.has_missed {
            contents.insert(0, MessageContent::Missed(()));
        }
        if contents.is_empty() {
            return true;
        }
        let node = self.node;
        let messages: Result<Vec<String>, serde_json::Error> =
            contents.into_iter().map(|content| serde_json::to_string(&Message { node, content })).collect();
        let sent = match messages {
            Ok(messages) => self.exchange.send(&messages).await,
            Err(error) => Err(StoreError::Broken(error.into())),
        };
        match &sent {
            Ok(()) => self.has_missed = false,
            Err(error) => tracing::debug!(%error, "sending to other nodes failed"),
        }
        sent.is_ok()
    }
}

fn to_fields(reading: &Reading) -> ReadingFields {
    let Axes { x, y, z } = reading.values.map(Finite::get);
    (reading.device.0, reading.id.0, reading.time.micros(), x, y, z)
}

/// Returns the reading, or `None` if a field is out of range.
fn to_reading((device, id, time_us, x, y, z): ReadingFields) -> Option<Reading> {
    let number = |number| Finite::new(number).ok();
    Some(Reading {
        device: DeviceKey(device),
        id: ReadingId(id),
        time: Timestamp::from_micros(time_us).ok()?,
        values: Axes { x: number(x)?, y: number(y)?, z: number(z)? },
    })
}

#[cfg(test)]
mod tests {
    use device_stats_store::limits::MESSAGE_BYTES_MAX;

    use super::*;

    #[test]
    fn the_longest_messages_stay_below_the_limit() {
        let number = f64::from_bits(0x8010_0000_0000_0001);
        let longest = (i64::MIN, i64::MIN, Timestamp::MIN.micros(), number, number, number);
        let watched = MessageContent::Watched(vec![i64::MIN; MESSAGE_DEVICES_MAX]);
        let committed = MessageContent::Committed(vec![longest; MESSAGE_READINGS_MAX]);
        for content in [watched, committed, MessageContent::Missed(())] {
            let message = Message { node: Uuid::max(), content };
            let written = serde_json::to_string(&message).unwrap();
            assert!(written.len() <= MESSAGE_BYTES_MAX, "{}", written.len());
            assert_eq!(serde_json::from_str::<Message>(&written).unwrap(), message);
        }
    }
}
