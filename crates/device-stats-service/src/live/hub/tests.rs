//! Tests of the hub. Random commits, subscriptions and departures are compared with a plain list: a
//! reconnecting client gets exactly the readings that it missed, or none if they are not kept.

use std::collections::HashMap;

use device_stats_domain::Timestamp;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::limits::{LIVE_READINGS_KEPT_MAX, LIVE_READINGS_QUEUED_MAX};
use crate::live::inbox::SequencedReading;
use crate::testing::reading;

#[derive(Clone, Debug)]
enum Step {
    Publish(i64),
    /// A client begins to watch these devices, and stops to watch all others.
    Watch(usize, Vec<i64>),
    Leave(usize),
    /// A client reconnects after the n-th published reading.
    Reconnect(usize, usize),
    BeginEpoch,
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 0..3_i64;
    prop_oneof![
        10 => device().prop_map(Step::Publish),
        3 => (0..3_usize, vec(device(), 0..3)).prop_map(|(client, devices)| Step::Watch(client, devices)),
        2 => (0..3_usize).prop_map(Step::Leave),
        3 => (0..3_usize, 0..60_usize).prop_map(|(client, index)| Step::Reconnect(client, index)),
        1 => Just(Step::BeginEpoch),
    ]
}

/// Returns the kept readings after a position, or `None` if not all of them are kept.
fn replayed(
    hub: &LiveHub,
    devices: &HashSet<DeviceKey>,
    position: &Position,
    subscription: &Subscription,
) -> Option<Vec<SequencedReading>> {
    let Subscription { epoch, sequence, has_kept } = *subscription;
    let (mut readings, mut after) = (Vec::new(), position.sequence);
    while has_kept && after < sequence {
        let replay = hub.replay(epoch, after, sequence, |device| devices.contains(&device)).unwrap();
        assert!(replay.after > after);
        after = replay.after;
        readings.extend(replay.readings);
    }
    has_kept.then_some(readings)
}

fn client_inbox() -> Arc<Inbox> {
    LiveHub::default().client_inbox(1e9)
}

fn received(inbox: &Inbox) -> Vec<i64> {
    std::iter::from_fn(|| inbox.take()).map(|delivery| delivery.sequenced.reading.id.0).collect()
}

struct Client {
    inbox: Arc<Inbox>,
    devices: HashSet<DeviceKey>,
    expected: Vec<i64>,
}

proptest! {
    #[test]
    fn a_client_gets_the_readings_published_while_it_watches(steps in vec(step(), 1..60)) {
        let hub = LiveHub::default();
        let mut clients: HashMap<usize, Client> = HashMap::new();
        // All published readings, with their positions if their devices were watched.
        let mut published: Vec<(Reading, Option<Position>)> = Vec::new();
        for step in steps {
            match step {
                Step::Publish(device) => {
                    let reading = reading(device, i64::try_from(published.len()).unwrap());
                    hub.publish(&[reading], CommitOrigin::ThisNode);
                    let kept = hub.lock().newest_kept().filter(|(_, kept)| kept.reading == reading);
                    let position = |(epoch, kept): (u64, SequencedReading)| {
                        Position { epoch, sequence: kept.sequence, newest: reading.time }
                    };
                    published.push((reading, kept.map(position)));
                    for client in clients.values_mut().filter(|it| it.devices.contains(&reading.device)) {
                        client.expected.push(reading.id.0);
                    }
                }
                Step::Watch(name, devices) => {
                    let client = clients.entry(name).or_insert_with(|| Client {
                        inbox: client_inbox(),
                        devices: HashSet::new(),
                        expected: Vec::new(),
                    });
                    client.devices = devices.into_iter().map(DeviceKey).collect();
                    hub.watch(&client.inbox, &client.devices, None);
                }
                Step::Leave(name) => {
                    if let Some(client) = clients.remove(&name) {
                        hub.unwatch(&client.inbox);
                        prop_assert_eq!(received(&client.inbox), client.expected);
                    }
                }
                Step::Reconnect(name, index) => {
                    let Some((_, Some(position))) = published.get(index) else { continue };
                    let Some(client) = clients.get(&name) else { continue };
                    let again = client_inbox();
                    let subscription = hub.watch(&again, &client.devices, Some(position));
                    hub.unwatch(&again);
                    let missed = published[index + 1..].iter().map(|(reading, _)| reading);
                    let missed: Vec<_> =
                        missed.filter(|reading| client.devices.contains(&reading.device)).collect();
                    if let Some(kept) = replayed(&hub, &client.devices, position, &subscription) {
                        let kept: Vec<_> = kept.iter().map(|sequenced| &sequenced.reading).collect();
                        prop_assert_eq!(kept, missed);
                    }
                }
                Step::BeginEpoch => {
                    hub.begin_epoch();
                    for (_, client) in clients.drain() {
                        hub.unwatch(&client.inbox);
                        prop_assert_eq!(received(&client.inbox), client.expected);
                    }
                }
            }
        }
        for client in clients.values() {
            prop_assert_eq!(received(&client.inbox), client.expected.clone());
        }
    }
}

#[test]
fn readings_are_kept_while_their_device_is_watched() {
    let hub = LiveHub::default();
    let devices = HashSet::from([DeviceKey(1)]);
    let first = client_inbox();
    let subscription = hub.watch(&first, &devices, None);
    hub.publish(&[reading(1, 1), reading(2, 2), reading(1, 3)], CommitOrigin::ThisNode);
    hub.unwatch(&first);
    hub.publish(&[reading(1, 4)], CommitOrigin::OtherNode);
    let after = |count| {
        let sequence = subscription.sequence + count;
        Position { epoch: subscription.epoch, sequence, newest: Timestamp::MIN }
    };
    let missed = |count| {
        let again = hub.watch(&client_inbox(), &devices, Some(&after(count)));
        let missed = replayed(&hub, &devices, &after(count), &again);
        missed.map(|missed| missed.iter().map(|it| it.reading.id.0).collect::<Vec<_>>())
    };
    assert_eq!(missed(0), Some(vec![1, 3, 4]));
    assert_eq!(missed(1), Some(vec![3, 4]));
    assert_eq!(missed(3), Some(vec![]));
    for n in 5..5 + LIVE_READINGS_KEPT_MAX {
        hub.publish(&[reading(1, i64::try_from(n).unwrap())], CommitOrigin::ThisNode);
    }
    assert_eq!(missed(2), None);
    assert_eq!(missed(3).unwrap().len(), LIVE_READINGS_KEPT_MAX);
    hub.begin_epoch();
    assert_eq!(missed(3), None);
}

#[test]
fn readings_of_other_nodes_are_not_sent_back() {
    let hub = LiveHub::default();
    let relay = LiveHub::relay_inbox(1e9);
    hub.watch(&relay, &HashSet::from([DeviceKey(1)]), None);
    assert_eq!(hub.devices_of_clients(), []);
    hub.publish(&[reading(1, 1)], CommitOrigin::ThisNode);
    hub.publish(&[reading(1, 2)], CommitOrigin::OtherNode);
    hub.publish(&[reading(2, 3)], CommitOrigin::ThisNode);
    assert_eq!(received(&relay), [1]);
}

/// Only clients of another node watched a device. That node did not send its own readings of the device to
/// this node, so a client that reconnected to this node missed them.
#[test]
fn readings_of_a_device_without_clients_are_not_complete() {
    let hub = LiveHub::default();
    let devices = HashSet::from([DeviceKey(1)]);
    hub.watch(&LiveHub::relay_inbox(1e9), &devices, None);
    let first = client_inbox();
    let subscription = hub.watch(&first, &devices, None);
    hub.publish(&[reading(1, 1)], CommitOrigin::ThisNode);
    hub.unwatch(&first);
    let sequence = subscription.sequence + 1;
    let position = Position { epoch: subscription.epoch, sequence, newest: Timestamp::MIN };
    let again = || hub.watch(&client_inbox(), &devices, Some(&position)).has_kept;
    hub.lock().expire_last_client(DeviceKey(1));
    assert!(!again());
    // The first reconnection does not hide the gap from the second one.
    assert!(!again());
}

/// Each reading was offered to each stream, although a stream shows only a few of them.
#[test]
fn publishing_takes_as_many_steps_as_the_rates_show_readings() {
    let hub = LiveHub::default();
    let devices = HashSet::from([DeviceKey(1)]);
    let inboxes: Vec<_> = (0..20).map(|_| hub.client_inbox(10.0)).collect();
    for inbox in &inboxes {
        hub.watch(inbox, &devices, None);
    }
    let readings: Vec<_> = (1..=10_000).map(|id| reading(1, id)).collect();
    hub.publish(&readings, CommitOrigin::ThisNode);
    for inbox in inboxes {
        // The readings of a second, the first one that is too early, and the last one.
        assert_eq!(inbox.offers(), 12);
        assert_eq!(received(&inbox), (1..=10).collect::<Vec<_>>());
    }
}

/// A full queue discards readings. Then the streams of this node and of the other nodes end, so that their
/// clients resume from the store.
#[tokio::test]
async fn published_readings_wait_outside_of_the_requests() {
    let hub = Arc::new(LiveHub::default());
    let inbox = hub.client_inbox(1e9);
    let devices = HashSet::from([DeviceKey(1)]);
    assert!(hub.watched_devices().is_empty());
    let subscription = hub.watch(&inbox, &devices, None);
    let relay = LiveHub::relay_inbox(1e9);
    hub.watch(&relay, &devices, None);
    assert_eq!(*hub.watched_devices(), devices);
    hub.publish_later(2, [reading(1, 1), reading(1, 2)].into_iter());
    hub.publish_later(5_000, (3..5_003).map(|id| reading(1, id)));
    // The publisher has not run yet.
    assert!(received(&inbox).is_empty());
    for id in 1..=5_002 {
        assert_eq!(inbox.next().await.unwrap().sequenced.reading.id.0, id);
    }
    // A single batch of any size is published. Nothing that follows fits into the queue.
    hub.publish_later(LIVE_READINGS_QUEUED_MAX, [reading(1, 6_000)].into_iter());
    hub.publish_later(1, [reading(1, 6_001)].into_iter());
    assert_ne!(hub.watch(&hub.client_inbox(1.0), &devices, None).epoch, subscription.epoch);
    assert_eq!(inbox.next().await, None);
    // The other nodes must learn that readings are missing.
    assert!(relay.take_has_discarded());
    hub.unwatch(&inbox);
}

/// The inbox remembered a rate limit for each device that its stream had ever watched.
#[test]
fn an_inbox_forgets_the_rate_limits_of_devices_that_it_no_longer_watches() {
    let hub = LiveHub::default();
    let inbox = hub.client_inbox(1_000.0);
    for device in 0..100 {
        hub.watch(&inbox, &HashSet::from([DeviceKey(device), DeviceKey(device + 1)]), None);
        hub.publish(&[reading(device, 1), reading(device + 1, 2)], CommitOrigin::ThisNode);
        assert!(inbox.limited_devices() <= 3, "{}", inbox.limited_devices());
    }
}
