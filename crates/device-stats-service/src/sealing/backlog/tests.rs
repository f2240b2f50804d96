//! Tests of the backlog: the time at which a device becomes due. The tests set the time.

use device_stats_store::HotDevice;

use super::*;

const AGE: Duration = Duration::from_mins(10);
const ENOUGH: u64 = SEAL_READINGS as u64;
const MOST: ReadingsToSeal = ReadingsToSeal::AllButNewest { hot_min: SEAL_READINGS };

/// Takes all devices that are due.
fn due(backlog: &Backlog) -> Vec<(i64, ReadingsToSeal)> {
    std::iter::from_fn(|| backlog.take_due()).map(|job| (job.device.0, job.readings)).collect()
}

fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

fn hot(device: i64, readings: u64) -> HotDevice {
    HotDevice { device: DeviceKey(device), readings }
}

/// Returns a complete list of the store.
fn listed<const N: usize>(devices: [HotDevice; N]) -> HotDevices {
    HotDevices { devices: devices.into(), next_after: None }
}

/// A key before the keys of all devices.
const FIRST: DeviceKey = DeviceKey(0);

#[test]
fn a_device_with_enough_readings_is_due_at_once() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    backlog.add_hot([(DeviceKey(1), ENOUGH - 1), (DeviceKey(2), ENOUGH), (DeviceKey(3), 1)], now);
    assert_eq!(due(&backlog), [(2, MOST)]);
    backlog.add_hot([(DeviceKey(1), 1)], now);
    backlog.add_hot([(DeviceKey(1), 1)], now);
    assert_eq!(due(&backlog), [(1, MOST)]);
}

#[test]
fn few_readings_are_due_when_old() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.add_hot([(DeviceKey(1), 1)], start);
    backlog.add_hot([(DeviceKey(2), 1)], after(start, 1));
    backlog.add_hot([(DeviceKey(1), 1)], after(start, 599));
    backlog.mark_due(AGE, after(start, 599));
    assert_eq!(due(&backlog), []);
    backlog.mark_due(AGE, after(start, 600));
    assert_eq!(due(&backlog), [(1, ReadingsToSeal::All)]);
    backlog.mark_due(AGE, after(start, 601));
    assert_eq!(due(&backlog), [(2, ReadingsToSeal::All)]);
}

#[test]
fn the_largest_devices_are_due_if_all_have_too_many_readings() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    let fill = |devices: std::ops::Range<i64>, readings| {
        backlog.add_hot(devices.map(|device| (DeviceKey(device), readings)), now);
    };
    let few = i64::try_from(EARLY_SEAL_READINGS / 1_000).unwrap();
    fill(1..few / 4, 1_000);
    fill(few..few + few / 4, 3_000);
    backlog.mark_due(AGE, now);
    assert_eq!(due(&backlog), []);
    fill(2 * few..2 * few + 10, 2_000);
    backlog.mark_due(AGE, now);
    let due_now = due(&backlog);
    assert!(due_now.iter().all(|(device, readings)| (few..2 * few).contains(device)
        && *readings == ReadingsToSeal::AllButNewest { hot_min: 1 }));
    let left = EARLY_SEAL_READINGS - 3_000 * u64::try_from(due_now.len()).unwrap();
    assert!(left.abs_diff(EARLY_SEAL_READINGS / 2) < 30_000, "{left}");
    backlog.mark_due(AGE, now);
    assert_eq!(due(&backlog), []);
}

#[test]
fn a_device_in_progress_is_not_due() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    backlog.add_hot([(DeviceKey(1), ENOUGH)], now);
    let job = backlog.take_due().unwrap();
    backlog.add_hot([(DeviceKey(1), ENOUGH)], now);
    backlog.reconcile(FIRST, &listed([hot(1, 2 * ENOUGH)]), now);
    backlog.mark_due(AGE, after(now, 1_000));
    assert_eq!(due(&backlog), []);
    backlog.finish(&job, 0, now);
    assert_eq!(due(&backlog).len(), 1);
}

#[test]
fn readings_that_were_left_keep_their_age() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.add_hot([(DeviceKey(1), ENOUGH)], start);
    let job = backlog.take_due().unwrap();
    backlog.add_hot([(DeviceKey(1), 1)], after(start, 10));
    backlog.finish(&job, 7, after(start, 10));
    backlog.mark_due(AGE, after(start, 599));
    assert_eq!(due(&backlog), []);
    backlog.mark_due(AGE, after(start, 600));
    assert_eq!(due(&backlog), [(1, ReadingsToSeal::All)]);
}

#[test]
fn a_failed_device_is_due_again_after_a_pause() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.add_hot([(DeviceKey(1), ENOUGH)], start);
    let job = backlog.take_due().unwrap();
    backlog.retry_later(&job, Duration::from_secs(5), start);
    backlog.add_hot([(DeviceKey(1), 1)], after(start, 1));
    backlog.mark_due(AGE, after(start, 4));
    assert_eq!(due(&backlog), []);
    backlog.mark_due(AGE, after(start, 5));
    assert_eq!(due(&backlog), [(1, MOST)]);
}

#[test]
fn a_new_segment_makes_its_device_due_at_once() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    backlog.add_hot([(DeviceKey(1), 5)], now);
    backlog.add_segment(DeviceKey(1), now);
    let job = backlog.take_due().unwrap();
    assert_eq!(job.readings, MOST);
    backlog.finish(&job, 5, now);
    assert_eq!(due(&backlog), []);
}

#[test]
fn the_store_overrides_the_backlog() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    // Another node sealed device 1. Device 2 got readings after the request. Another node stored readings of
    // devices 3 and 4.
    backlog.add_hot([(DeviceKey(1), 5)], start);
    backlog.add_hot([(DeviceKey(2), 5)], after(start, 20));
    backlog.reconcile(FIRST, &listed([hot(3, ENOUGH), hot(4, 1)]), after(start, 10));
    assert_eq!(due(&backlog), [(3, MOST)]);
    backlog.mark_due(AGE, after(start, 609));
    assert_eq!(due(&backlog), []);
    backlog.mark_due(AGE, after(start, 610));
    assert_eq!(due(&backlog), [(4, ReadingsToSeal::All)]);
    backlog.mark_due(AGE, after(start, 620));
    assert_eq!(due(&backlog), [(2, ReadingsToSeal::All)]);
}

/// The list of the store contained all devices.
#[test]
fn a_part_of_the_list_changes_only_its_devices() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.add_hot((1..=6).map(|device| (DeviceKey(device), 10)), start);
    let part = HotDevices { devices: vec![hot(3, 1)], next_after: Some(DeviceKey(4)) };
    backlog.reconcile(DeviceKey(2), &part, after(start, 10));
    let mut left: Vec<_> = backlog.lock().devices.iter().map(|(key, one)| (key.0, one.readings)).collect();
    left.sort_unstable();
    assert_eq!(left, [(1, 10), (2, 10), (3, 1), (5, 10), (6, 10)]);
}

/// The store stops counting the readings of a device.
#[test]
fn an_inexact_number_replaces_no_larger_estimate() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    let counted = u64::from(HOT_READINGS_COUNTED_MAX);
    for (estimate, expected) in [(3 * counted, 3 * counted), (1, counted)] {
        let device = DeviceKey(i64::try_from(estimate).unwrap());
        backlog.add_hot([(device, estimate)], now);
        backlog.reconcile(FIRST, &listed([hot(device.0, counted)]), now);
        assert_eq!(backlog.lock().devices[&device].readings, expected);
    }
}

/// With a low limit on all hot readings, few readings of many devices would wait for their age.
#[test]
fn devices_are_due_before_the_maximum_number_of_hot_readings() {
    let (backlog, now) = (Backlog::new(100), Instant::now());
    backlog.add_hot((1..=10).map(|device| (DeviceKey(device), 5)), now);
    backlog.mark_due(AGE, now);
    assert_eq!(due(&backlog), []);
    backlog.add_hot([(DeviceKey(11), 1)], now);
    backlog.mark_due(AGE, now);
    assert_eq!(due(&backlog).len(), 6);
}
