//! When a device is due, at work, resting or old; time is what the tests say.

use super::*;

const AGE: Duration = Duration::from_mins(10);
const ENOUGH: u64 = SEAL_READINGS as u64;
const MOST: Which = Which::AllButNewest { least: SEAL_READINGS };

fn devices(backlog: &Backlog) -> Vec<(i64, Which)> {
    std::iter::from_fn(|| backlog.take()).map(|job| (job.device.0, job.which)).collect()
}

fn after(start: Instant, seconds: u64) -> Instant {
    start + Duration::from_secs(seconds)
}

fn hot(device: i64, readings: u64) -> HotDevice {
    HotDevice { device: DeviceKey(device), readings }
}

#[test]
fn a_device_is_due_once_it_has_enough() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    backlog.note_hot([(DeviceKey(1), ENOUGH - 1), (DeviceKey(2), ENOUGH), (DeviceKey(3), 1)], now);
    assert_eq!(devices(&backlog), [(2, MOST)]);
    backlog.note_hot([(DeviceKey(1), 1)], now);
    backlog.note_hot([(DeviceKey(1), 1)], now);
    assert_eq!(devices(&backlog), [(1, MOST)]);
}

#[test]
fn few_readings_are_due_when_they_are_old() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.note_hot([(DeviceKey(1), 1)], start);
    backlog.note_hot([(DeviceKey(2), 1)], after(start, 1));
    backlog.note_hot([(DeviceKey(1), 1)], after(start, 599));
    backlog.grow_old(AGE, after(start, 599));
    assert_eq!(devices(&backlog), []);
    backlog.grow_old(AGE, after(start, 600));
    assert_eq!(devices(&backlog), [(1, Which::All)]);
    backlog.grow_old(AGE, after(start, 601));
    assert_eq!(devices(&backlog), [(2, Which::All)]);
}

#[test]
fn the_largest_are_due_where_too_much_is_hot() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    let fill = |devices: std::ops::Range<i64>, readings| {
        backlog.note_hot(devices.map(|device| (DeviceKey(device), readings)), now);
    };
    let few = i64::try_from(HOT_READINGS_MAX / 1_000).unwrap();
    fill(1..few / 4, 1_000);
    fill(few..few + few / 4, 3_000);
    backlog.grow_old(AGE, now);
    assert_eq!(devices(&backlog), []);
    fill(2 * few..2 * few + 10, 2_000);
    backlog.grow_old(AGE, now);
    let due = devices(&backlog);
    assert!(
        due.iter()
            .all(|(device, which)| (few..2 * few).contains(device)
                && *which == Which::AllButNewest { least: 1 })
    );
    let left = HOT_READINGS_MAX - 3_000 * u64::try_from(due.len()).unwrap();
    assert!(left.abs_diff(HOT_READINGS_MAX / 2) < 30_000, "{left}");
    backlog.grow_old(AGE, now);
    assert_eq!(devices(&backlog), []);
}

#[test]
fn a_device_is_at_work_once() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    backlog.note_hot([(DeviceKey(1), ENOUGH)], now);
    let job = backlog.take().unwrap();
    backlog.note_hot([(DeviceKey(1), ENOUGH)], now);
    backlog.note_all(&[hot(1, 2 * ENOUGH)], now);
    backlog.grow_old(AGE, after(now, 1_000));
    assert_eq!(devices(&backlog), []);
    backlog.finish(&job, 0, now);
    assert_eq!(devices(&backlog).len(), 1);
}

#[test]
fn what_is_left_goes_on_waiting_and_ageing() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.note_hot([(DeviceKey(1), ENOUGH)], start);
    let job = backlog.take().unwrap();
    backlog.note_hot([(DeviceKey(1), 1)], after(start, 10));
    backlog.finish(&job, 7, after(start, 10));
    backlog.grow_old(AGE, after(start, 599));
    assert_eq!(devices(&backlog), []);
    backlog.grow_old(AGE, after(start, 600));
    assert_eq!(devices(&backlog), [(1, Which::All)]);
}

#[test]
fn what_failed_rests() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    backlog.note_hot([(DeviceKey(1), ENOUGH)], start);
    let job = backlog.take().unwrap();
    backlog.put_back(&job, Duration::from_secs(5), start);
    backlog.note_hot([(DeviceKey(1), 1)], after(start, 1));
    backlog.grow_old(AGE, after(start, 4));
    assert_eq!(devices(&backlog), []);
    backlog.grow_old(AGE, after(start, 5));
    assert_eq!(devices(&backlog), [(1, MOST)]);
}

#[test]
fn a_segment_is_looked_after_at_once() {
    let (backlog, now) = (Backlog::default(), Instant::now());
    backlog.note_hot([(DeviceKey(1), 5)], now);
    backlog.note_segment(DeviceKey(1), now);
    let job = backlog.take().unwrap();
    assert_eq!(job.which, MOST);
    backlog.finish(&job, 5, now);
    assert_eq!(devices(&backlog), []);
}

#[test]
fn the_store_knows_better() {
    let (backlog, start) = (Backlog::default(), Instant::now());
    // Sealed by another node; appended through another node; appended since the store was asked.
    backlog.note_hot([(DeviceKey(1), 5)], start);
    backlog.note_hot([(DeviceKey(2), 5)], after(start, 20));
    backlog.note_all(&[hot(3, ENOUGH), hot(4, 1)], after(start, 10));
    assert_eq!(devices(&backlog), [(3, MOST)]);
    backlog.grow_old(AGE, after(start, 609));
    assert_eq!(devices(&backlog), []);
    backlog.grow_old(AGE, after(start, 610));
    assert_eq!(devices(&backlog), [(4, Which::All)]);
    backlog.grow_old(AGE, after(start, 620));
    assert_eq!(devices(&backlog), [(2, Which::All)]);
}
