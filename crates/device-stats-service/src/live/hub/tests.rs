//! Whatever is published, watched and left: who comes back to where he was gets what a plain list says he missed, or is told
//! that it is not known.

use device_stats_domain::{Axes, Finite, ReadingId, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Publish(i64),
    /// A client begins to watch these devices, or watches others from now on.
    Watch(usize, Vec<i64>),
    Leave(usize),
    /// A client comes back behind the n-th reading that was ever published.
    ComeBack(usize, usize),
    BeginAnew,
}

fn step() -> impl Strategy<Value = Step> {
    let device = || 0..3_i64;
    prop_oneof![
        10 => device().prop_map(Step::Publish),
        3 => (0..3_usize, vec(device(), 0..3)).prop_map(|(client, devices)| Step::Watch(client, devices)),
        2 => (0..3_usize).prop_map(Step::Leave),
        3 => (0..3_usize, 0..60_usize).prop_map(|(client, place)| Step::ComeBack(client, place)),
        1 => Just(Step::BeginAnew),
    ]
}

fn reading(device: i64, id: i64) -> Reading {
    let zero = Finite::new(0.0).unwrap();
    let time = Timestamp::from_micros(0).unwrap();
    Reading { device: DeviceKey(device), id: ReadingId(id), time, values: Axes { x: zero, y: zero, z: zero } }
}

fn taken(inbox: &Inbox) -> Vec<i64> {
    std::iter::from_fn(|| inbox.take()).map(|taken| taken.numbered.reading.id.0).collect()
}

struct Client {
    inbox: Arc<Inbox>,
    devices: HashSet<DeviceKey>,
    expected: Vec<i64>,
}

proptest! {
    #[test]
    fn who_watches_gets_what_is_published(steps in vec(step(), 1..60)) {
        let live = Live::default();
        let mut clients: HashMap<usize, Client> = HashMap::new();
        // What was ever published, with its position where it was watched.
        let mut published: Vec<(Reading, Option<Position>)> = Vec::new();
        for step in steps {
            match step {
                Step::Publish(device) => {
                    let reading = reading(device, i64::try_from(published.len()).unwrap());
                    live.publish([reading], Origin::Here);
                    let kept = live.lock().kept.back().copied().filter(|kept| kept.reading == reading);
                    let epoch = live.lock().epoch;
                    let position = |kept: Numbered| {
                        Position { epoch, sequence: kept.sequence, newest: reading.time }
                    };
                    published.push((reading, kept.map(position)));
                    for client in clients.values_mut().filter(|it| it.devices.contains(&reading.device)) {
                        client.expected.push(reading.id.0);
                    }
                }
                Step::Watch(name, devices) => {
                    let client = clients.entry(name).or_insert_with(|| Client {
                        inbox: Arc::new(Inbox::of_client(1e9)),
                        devices: HashSet::new(),
                        expected: Vec::new(),
                    });
                    client.devices = devices.into_iter().map(DeviceKey).collect();
                    live.watch(&client.inbox, &client.devices, None);
                }
                Step::Leave(name) => {
                    if let Some(client) = clients.remove(&name) {
                        live.unwatch(&client.inbox);
                        prop_assert_eq!(taken(&client.inbox), client.expected);
                    }
                }
                Step::ComeBack(name, place) => {
                    let Some((_, Some(position))) = published.get(place) else { continue };
                    let Some(client) = clients.get(&name) else { continue };
                    let again = Arc::new(Inbox::of_client(1e9));
                    let begun = live.watch(&again, &client.devices, Some(position));
                    live.unwatch(&again);
                    let missed = published[place + 1..].iter().map(|(reading, _)| reading);
                    let missed: Vec<_> =
                        missed.filter(|reading| client.devices.contains(&reading.device)).collect();
                    if let Some(told) = begun.missed {
                        let told: Vec<_> = told.iter().map(|numbered| &numbered.reading).collect();
                        prop_assert_eq!(told, missed);
                    }
                }
                Step::BeginAnew => {
                    live.begin_anew();
                    for (_, client) in clients.drain() {
                        live.unwatch(&client.inbox);
                        prop_assert_eq!(taken(&client.inbox), client.expected);
                    }
                }
            }
        }
        for client in clients.values() {
            prop_assert_eq!(taken(&client.inbox), client.expected.clone());
        }
    }
}

#[test]
fn what_was_watched_without_a_break_is_kept() {
    let live = Live::default();
    let devices = HashSet::from([DeviceKey(1)]);
    let inbox = || Arc::new(Inbox::of_client(1e9));
    let first = inbox();
    let begun = live.watch(&first, &devices, None);
    live.publish([reading(1, 1), reading(2, 2), reading(1, 3)], Origin::Here);
    live.unwatch(&first);
    live.publish([reading(1, 4)], Origin::OtherNode);
    let behind = |count| {
        let sequence = begun.sequence + count;
        Position { epoch: begun.epoch, sequence, newest: Timestamp::MIN }
    };
    let missed = |count| {
        let again = live.watch(&inbox(), &devices, Some(&behind(count)));
        again.missed.map(|missed| missed.iter().map(|it| it.reading.id.0).collect::<Vec<_>>())
    };
    assert_eq!(missed(0), Some(vec![1, 3, 4]));
    assert_eq!(missed(1), Some(vec![3, 4]));
    assert_eq!(missed(3), Some(vec![]));
    for n in 5..5 + LIVE_READINGS_KEPT_MAX {
        live.publish([reading(1, i64::try_from(n).unwrap())], Origin::Here);
    }
    assert_eq!(missed(2), None);
    assert_eq!(missed(3).unwrap().len(), LIVE_READINGS_KEPT_MAX);
    live.begin_anew();
    assert_eq!(missed(3), None);
}

#[test]
fn other_nodes_are_not_told_what_they_told() {
    let live = Live::default();
    let relay = Arc::new(Inbox::of_relay(1e9));
    live.watch(&relay, &HashSet::from([DeviceKey(1)]), None);
    assert_eq!(live.watched_here(), []);
    live.publish([reading(1, 1)], Origin::Here);
    live.publish([reading(1, 2)], Origin::OtherNode);
    live.publish([reading(2, 3)], Origin::Here);
    assert_eq!(taken(&relay), [1]);
}

/// What another node watched kept a device here, and readings that other nodes committed meanwhile, of which this one was not
/// told, were left out.
#[test]
fn what_is_watched_for_other_nodes_alone_is_not_whole() {
    let live = Live::default();
    let devices = HashSet::from([DeviceKey(1)]);
    let inbox = || Arc::new(Inbox::of_client(1e9));
    live.watch(&Arc::new(Inbox::of_relay(1e9)), &devices, None);
    let first = inbox();
    let begun = live.watch(&first, &devices, None);
    live.publish([reading(1, 1)], Origin::Here);
    live.unwatch(&first);
    let sequence = begun.sequence + 1;
    let position = Position { epoch: begun.epoch, sequence, newest: Timestamp::MIN };
    let again = || live.watch(&inbox(), &devices, Some(&position)).missed;
    live.lock().devices.get_mut(&DeviceKey(1)).unwrap().last =
        Instant::now().checked_sub(LIVE_KEPT_FOR + LIVE_KEPT_FOR);
    assert_eq!(again(), None);
    // Nor is it from where the client was before that.
    assert_eq!(again(), None);
}
