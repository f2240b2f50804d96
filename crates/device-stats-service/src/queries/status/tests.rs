//! Tests of statuses, summaries and activities over the model.

use std::sync::Arc;

use device_stats_domain::{
    Author, DeviceId, DeviceState, ExpectedInterval, Measurement, NewArrivals, NewDevice, NewReading,
    ReadingTime, RecentSpan, SearchText,
};
use device_stats_segment::Effort;
use device_stats_store::{Appended, Model, SealedRows, Store, Visibility};

use super::*;
use crate::testing::{create_device, granted, new_reading, service_over};

const SECOND: i64 = 1_000_000;

fn request(state: Option<StateFilter>, after: DeviceKey, limit: u32) -> StatusRequest {
    let selection = DeviceSelection::Matching(DeviceFilter::default());
    StatusRequest { selection, state, after, limit, buckets: None }
}

/// Returns the keys of all pages.
async fn keys_of_pages(service: &Service, state: Option<StateFilter>, limit: u32) -> (Vec<i64>, usize) {
    let (mut keys, mut after, mut pages) = (Vec::new(), DeviceKey(0), 0);
    loop {
        let page = service.list_status(granted(), &request(state, after, limit)).await.unwrap();
        assert!(page.entries.len() <= limit as usize);
        keys.extend(page.entries.iter().map(|entry| entry.device.key.0));
        pages += 1;
        match page.next {
            Some(next) => {
                assert!(next > after, "{next} {after}");
                after = next;
            }
            None => return (keys, pages),
        }
    }
}

/// Creates devices in turn: one that reports, one that is silent, one that waits, and a silent one with a
/// wrong clock. Returns their number by state.
async fn create_fleet(service: &Service, count: usize) {
    let store = service.parts.store.as_ref();
    let ids = (0..count).map(|n| DeviceId::new(format!("d{n:05}")).unwrap()).collect::<Vec<_>>();
    store.create_missing_devices(&Author::SERVICE, None, &ids, None).await.unwrap();
    let now = service.parts.clock.now();
    let old = Timestamp::from_micros(now.micros() - 7_200 * SECOND).unwrap();
    let devices = store.find_devices(Visibility::All, &ids).await.unwrap();
    let arrivals = devices.iter().enumerate().filter_map(|(n, device)| {
        let key = device.as_ref().unwrap().key;
        let new = match n % 4 {
            0 => NewArrivals::one(now, 10, Some(0)),
            1 => NewArrivals::one(old, 10, Some(0)),
            2 => return None,
            _ => NewArrivals::one(old, 10, Some(3_600 * SECOND)),
        };
        Some((key, new))
    });
    store.merge_arrivals(&arrivals.collect::<Vec<_>>()).await.unwrap();
}

#[tokio::test]
async fn pages_of_a_state_have_its_devices_once() {
    let service = service_over(Arc::new(Model::default()));
    create_fleet(&service, 25).await;
    let expected =
        |is_meant: fn(i64) -> bool| (1..=25).filter(|key| is_meant((key - 1) % 4)).collect::<Vec<_>>();
    for limit in [1, 2, 3, 7, 24, 25, 26] {
        assert_eq!(keys_of_pages(&service, None, limit).await.0, (1..=25).collect::<Vec<_>>());
        let of_state = |state| Some(StateFilter::State(state));
        for (state, keys) in [
            (of_state(DeviceState::Reporting), expected(|n| n == 0)),
            (of_state(DeviceState::Silent), expected(|n| n == 1 || n == 3)),
            (of_state(DeviceState::Waiting), expected(|n| n == 2)),
            (Some(StateFilter::WrongClock), expected(|n| n == 3)),
        ] {
            assert_eq!(keys_of_pages(&service, state, limit).await.0, keys, "{state:?} {limit}");
        }
    }
    let summary = service.summarize_fleet(granted(), None).await.unwrap();
    let counts = (summary.devices, summary.reporting, summary.silent, summary.waiting, summary.wrong_clock);
    assert_eq!(counts, (25, 7, 12, 6, 6));
}

/// A request for a rare state read all devices, however many.
#[tokio::test]
async fn a_page_of_a_rare_state_ends_early() {
    let service = service_over(Arc::new(Model::default()));
    let count = 2 * STATUS_DEVICES_SCANNED_MAX as usize + 5;
    let ids = (0..count).map(|n| DeviceId::new(format!("d{n}")).unwrap()).collect::<Vec<_>>();
    let store = service.parts.store.as_ref();
    store.create_missing_devices(&Author::SERVICE, None, &ids, None).await.unwrap();
    let last = DeviceKey(i64::try_from(count).unwrap());
    let now = service.parts.clock.now();
    store.merge_arrivals(&[(last, NewArrivals::one(now, 1, None))]).await.unwrap();
    let reporting = Some(StateFilter::State(DeviceState::Reporting));
    assert_eq!(keys_of_pages(&service, reporting, 100).await, (vec![last.0], 3));
    let summary = service.summarize_fleet(granted(), None).await.unwrap();
    assert_eq!((summary.devices, summary.reporting), (count as u64, 1));
}

/// Readings that came before stores recorded arrivals.
#[tokio::test]
async fn a_device_without_arrivals_is_judged_by_its_newest_reading() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let service = service_over(Arc::clone(&store));
    let now_us = service.parts.clock.now().micros();
    for (name, ago, is_sealed, expected) in [
        ("recent", 60 * SECOND, false, DeviceState::Reporting),
        ("sealed", 60 * SECOND, true, DeviceState::Reporting),
        ("old", 7_200 * SECOND, true, DeviceState::Silent),
        ("ahead", -3_600 * SECOND, false, DeviceState::Silent),
    ] {
        let device = create_device(store.as_ref(), name).await;
        let reading = |back_us: i64| {
            let time = Timestamp::from_micros(now_us - ago - back_us).unwrap();
            let time = ReadingTime::Given(time);
            NewReading { time, ..new_reading(device, back_us) }
        };
        store.append(&[reading(1), reading(0)]).await.unwrap();
        if is_sealed {
            let hot = store.list_hot_readings(device, u32::MAX).await.unwrap();
            store.seal(device, &SealedRows::encode(&hot, Effort::Fast).unwrap()).await.unwrap();
        }
        let selection = DeviceSelection::Listed(vec![DeviceId::new(name).unwrap()]);
        let request = StatusRequest { selection, ..request(None, DeviceKey(0), 1) };
        let page = service.list_status(granted(), &request).await.unwrap();
        let [entry] = page.entries.as_slice() else { panic!("{page:?}") };
        assert_eq!((entry.status.state, entry.last_received_at), (expected, None), "{name}");
        assert_eq!(entry.last_reading.unwrap().time.micros(), now_us - ago, "{name}");
    }
}

/// The arrivals of an append are known at once, before they are written.
#[tokio::test]
async fn the_status_of_a_device_follows_its_appends() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let service = service_over(Arc::clone(&store));
    let id = DeviceId::new("d").unwrap();
    let expected_interval = Some(ExpectedInterval::from_seconds(3_600.0).unwrap());
    let new = NewDevice { expected_interval, ..NewDevice::new(id.clone()) };
    service.create_device(granted(), new).await.unwrap();
    let find = async || {
        let text = Some(SearchText::new("D").unwrap());
        let selection = DeviceSelection::Matching(DeviceFilter { text, ..DeviceFilter::default() });
        let request = StatusRequest { selection, ..request(None, DeviceKey(0), 9) };
        service.list_status(granted(), &request).await.unwrap().entries.remove(0)
    };
    assert_eq!(find().await.status.state, DeviceState::Waiting);
    let before = service.parts.clock.now();
    let values = new_reading(DeviceKey(1), 1).values;
    let append = async |ahead_us: Option<i64>| {
        let time = ahead_us.map(|ahead_us| Timestamp::from_micros(before.micros() + ahead_us).unwrap());
        let measurement = Measurement { time, values };
        service.append_reading(granted(), &id, measurement, None).await.unwrap()
    };
    let server_timed = append(None).await;
    let entry = find().await;
    assert_eq!((entry.status.state, entry.status.clock_offset_us), (DeviceState::Reporting, None));
    assert_eq!(entry.status.expected_interval_us, Some(3_600 * SECOND));
    assert!(entry.last_received_at >= Some(before) && entry.last_reading == Some(server_timed), "{entry:?}");
    let first = entry.last_received_at;
    let ahead = append(Some(7_200 * SECOND)).await;
    let entry = find().await;
    let offset_us = entry.status.clock_offset_us.unwrap();
    assert!((7_190 * SECOND..=7_200 * SECOND).contains(&offset_us), "{entry:?}");
    assert_eq!(entry.last_reading, Some(ahead));
    // A repeat arrives, too, and does not say anything about the clock.
    let second = entry.last_received_at;
    assert!(second > first);
    append(Some(7_200 * SECOND)).await;
    let entry = find().await;
    assert!(entry.last_received_at > second && entry.status.clock_offset_us == Some(offset_us), "{entry:?}");
    // The time of a server-timed reading is that of its arrival.
    append(None).await;
    assert_eq!(service.parts.arrivals.unwritten(&[DeviceKey(1)])[0][1].unwrap().readings, 3);
}

/// Hot readings, and segments that lie in one bucket, in several, or partly outside.
#[tokio::test]
async fn activity_counts_each_reading_in_its_bucket() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let service = service_over(Arc::clone(&store));
    let buckets = RecentBuckets::new(RecentSpan::HOUR, 7);
    let bounds = buckets.bounds(service.parts.clock.now());
    let mut expected = Vec::new();
    for (n, seed) in [(0_u64, 1_u64), (90, 2), (700, 3)] {
        let device = create_device(store.as_ref(), &format!("d{n}")).await;
        let mut counts = vec![0; bounds.len() - 1];
        let mut random = seed;
        for place in 0..n {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let spread = i64::try_from(random >> 33).unwrap() % (9 * buckets.length_us());
            let us = bounds[0] - buckets.length_us() + spread;
            let time = ReadingTime::Given(Timestamp::from_micros(us).unwrap());
            let reading = new_reading(device, i64::try_from(place).unwrap());
            let reading = NewReading { time, ..reading };
            let stored = store.append(&[reading]).await.unwrap();
            let bucket = bounds.windows(2).position(|pair| pair[0] <= us && us < pair[1]);
            if let (Appended::Stored(_), Some(bucket)) = (stored[0], bucket) {
                counts[bucket] += 1;
            }
            if place % 101 == 100 {
                let hot = store.list_hot_readings(device, 60).await.unwrap();
                store.seal(device, &SealedRows::encode(&hot, Effort::Fast).unwrap()).await.unwrap();
            }
        }
        expected.push(Activity { start_us: bounds[0], length_us: buckets.length_us(), counts });
    }
    let request = StatusRequest { buckets: Some(buckets), ..request(None, DeviceKey(0), 10) };
    let page = service.list_status(granted(), &request).await.unwrap();
    let found: Vec<Activity> = page.entries.into_iter().map(|entry| entry.activity.unwrap()).collect();
    if service.parts.clock.now().micros() < *bounds.last().unwrap() {
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn a_device_that_is_deleted_meanwhile_has_no_activity() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let service = service_over(Arc::clone(&store));
    let (one, other) =
        (create_device(store.as_ref(), "one").await, create_device(store.as_ref(), "other").await);
    let now = service.parts.clock.now();
    let time = ReadingTime::Given(now);
    store.append(&[NewReading { time, ..new_reading(other, 1) }]).await.unwrap();
    let author = Author::SERVICE;
    store.delete_device(&author, Visibility::All, one, None).await.unwrap();
    let query = service.parts.admission.admit_query().unwrap();
    let buckets = RecentBuckets::new(RecentSpan::HOUR, 2);
    let counted = service.count_activity(&query, &[one, other], buckets).await.unwrap();
    let counts: Vec<u64> = counted.iter().map(|activity| activity.counts.iter().sum()).collect();
    assert_eq!(counts, [0, 1]);
}
