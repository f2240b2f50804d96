//! Simulated devices: their arrivals are merged every 10 seconds, as a node does.

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::expected_interval::ExpectedInterval;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
/// Interval at which a node writes arrivals.
const WRITE: i64 = 10 * SECOND;
/// Start of the simulations.
const START: i64 = 1_795_428_000 * SECOND;

fn at(us: i64) -> Timestamp {
    Timestamp::from_micros(us).unwrap()
}

/// An arrival: its time, its number of readings, and the offset of the newest one.
type Arrival = (i64, u64, Option<i64>);

/// Merges arrivals into new arrivals.
fn new_arrivals(arrivals: &[Arrival]) -> NewArrivals {
    let [(first, readings, offset), later @ ..] = arrivals else { panic!("no arrival") };
    let mut new = NewArrivals::one(at(*first), *readings, *offset);
    for (time, readings, offset) in later {
        new.add(at(*time), *readings, *offset);
    }
    new
}

/// Merges arrivals into a record, those of each interval of a node's writes together.
fn record(mut record: Option<ArrivalRecord>, arrivals: &[Arrival]) -> Option<ArrivalRecord> {
    for written in arrivals.chunk_by(|one, next| one.0.div_euclid(WRITE) == next.0.div_euclid(WRITE)) {
        record = Some(ArrivalRecord::merge(record, &new_arrivals(written)));
    }
    record
}

fn judge(record: Option<ArrivalRecord>, now_us: i64) -> DeviceStatus {
    let evidence = Evidence { arrivals: record, ..Evidence::default() };
    DeviceStatus::judge(&evidence, at(now_us), Duration::ZERO)
}

/// Returns arrivals of one reading each, at times that begin with the start of the simulations.
fn readings(gaps: impl IntoIterator<Item = i64>) -> Vec<Arrival> {
    let mut time = START;
    let later = gaps.into_iter().map(|gap| {
        time += gap;
        time
    });
    [START].into_iter().chain(later).map(|time| (time, 1, Some(0))).collect()
}

fn gap(period: i64, share: f64) -> i64 {
    #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a test")]
    let gap = (period as f64 * share) as i64;
    gap.max(1)
}

/// Draws a period of 10 milliseconds to a day, and gaps that differ from it by up to a quarter.
fn regular() -> impl Strategy<Value = (i64, Vec<i64>)> {
    let period = (0.0..16.0_f64).prop_map(|exponent| gap(10_000, exponent.exp()).min(24 * HOUR));
    (period, vec(0.75..1.25_f64, 20..100))
        .prop_map(|(period, shares)| (period, shares.into_iter().map(|share| gap(period, share)).collect()))
}

proptest! {
    #[test]
    fn new_arrivals_are_merged_like_a_sorted_list(
        gaps in vec(prop_oneof![Just(0), -5..20_i64], 0..30),
        numbers in vec((0..3_u64, prop::option::of(-9..9_i64)), 30),
    ) {
        let mut time = 0;
        let times: Vec<i64> = [0].into_iter().chain(gaps.into_iter().map(|gap| { time += gap; time })).collect();
        let arrivals: Vec<Arrival> =
            times.iter().zip(&numbers).map(|(time, (readings, offset))| (*time, *readings, *offset)).collect();
        let new = new_arrivals(&arrivals);
        // The times at which a later time than all before arrives.
        let mut moments: Vec<i64> = Vec::new();
        for (time, ..) in &arrivals {
            if moments.last().is_none_or(|last| time > last) {
                moments.push(*time);
            }
        }
        let mut silences: Vec<i64> = moments.windows(2).map(|pair| pair[1] - pair[0]).collect();
        silences.extend([0, 0]);
        silences.sort_unstable_by_key(|silence| -silence);
        prop_assert_eq!(new, NewArrivals {
            first: at(0),
            last: at(*moments.last().unwrap()),
            count: u32::try_from(moments.len()).unwrap(),
            silences_us: [silences[0], silences[1]],
            readings: arrivals.iter().map(|(_, readings, _)| readings).sum(),
            first_readings: arrivals
                .iter()
                .take_while(|(time, ..)| *time <= 0)
                .map(|(_, readings, _)| readings)
                .sum(),
            offset_us: arrivals.iter().filter_map(|(.., offset)| *offset).max(),
        });
    }

    #[test]
    fn a_regular_device_is_silent_only_after_it_stops((period, gaps) in regular()) {
        let arrivals = readings(gaps);
        for n in 5..arrivals.len() {
            let (next, before) = (arrivals[n].0, record(None, &arrivals[..n]));
            prop_assert_eq!(judge(before, next).state, DeviceState::Reporting, "{} {:?}", n, before);
        }
        let all = record(None, &arrivals);
        let last = arrivals.last().unwrap().0;
        let status = judge(all, last);
        let expected = status.expected_interval_us.unwrap();
        prop_assert!(expected >= (period * 5 / 4).max(10 * SECOND), "{} {:?}", period, all);
        prop_assert!(expected <= (4 * period).max(10 * SECOND), "{} {:?}", period, all);
        prop_assert_eq!(judge(all, last + expected).state, DeviceState::Reporting);
        let silent = judge(all, last + expected + 1);
        prop_assert_eq!((silent.state, silent.readings_per_second), (DeviceState::Silent, 0.0));
    }

    /// A device whose history was stored first seemed to send 70,000 readings per second for minutes.
    #[test]
    fn the_first_readings_do_not_change_the_rate(first in 0..100_000_u64, period in 10_000..1_000_000_i64) {
        let mut arrivals = readings(std::iter::repeat_n(period, 50));
        arrivals[0].1 = first;
        for n in 5..arrivals.len() {
            let rate = judge(record(None, &arrivals[..n]), arrivals[n - 1].0).readings_per_second;
            #[expect(clippy::cast_precision_loss, reason = "a test")]
            let expected = 1e6 / period as f64;
            prop_assert!((0.7..1.4).contains(&(rate / expected)), "{n}: {rate} {expected}");
        }
    }

    #[test]
    fn the_rate_is_that_of_the_device((period, gaps) in regular(), each in 1..100_u64) {
        let mut arrivals = readings(gaps);
        for arrival in &mut arrivals {
            arrival.1 = each;
        }
        let rate = judge(record(None, &arrivals), arrivals.last().unwrap().0).readings_per_second;
        #[expect(clippy::cast_precision_loss, reason = "a test")]
        let expected = each as f64 * 1e6 / period as f64;
        prop_assert!((0.7..1.4).contains(&(rate / expected)), "{} {}", rate, expected);
    }

    #[test]
    fn one_outage_does_not_change_the_normal_silence(
        period in 1..600_i64, outage in 1..100_i64, later in 1..100_usize,
    ) {
        let period = period * SECOND;
        let before = readings(vec![period; 20]);
        let normal = judge(record(None, &before), before.last().unwrap().0).expected_interval_us.unwrap();
        let gaps = [vec![period; 20], vec![period + outage * HOUR], vec![period; later]].concat();
        let after = readings(gaps);
        let status = judge(record(None, &after), after.last().unwrap().0);
        prop_assert_eq!(status.state, DeviceState::Reporting);
        prop_assert!(status.expected_interval_us.unwrap() <= normal * 4 / 3 + 1, "{:?}", status);
    }

    #[test]
    fn any_arrivals_give_a_sound_record(
        merges in vec(vec((any::<i64>(), any::<u64>(), any::<Option<i64>>()), 1..4), 1..20),
        now in any::<i64>(),
    ) {
        let clamp = |us: i64| us.clamp(Timestamp::MIN.micros(), Timestamp::MAX.micros());
        let mut last = None;
        for arrivals in merges {
            let arrivals: Vec<Arrival> =
                arrivals.into_iter().map(|(time, readings, offset)| (clamp(time), readings, offset)).collect();
            let new = new_arrivals(&arrivals);
            let merged = ArrivalRecord::merge(last, &new);
            prop_assert!(merged.silences_us[0] >= merged.silences_us[1] && merged.silences_us[1] >= 0);
            prop_assert!(merged.readings_per_second >= 0.0 && merged.readings_per_second.is_finite());
            prop_assert!(merged.readings_per_arrival >= 0.0 && merged.readings_per_arrival.is_finite());
            prop_assert!(merged.last_at >= new.last && last.is_none_or(|old| merged.last_at >= old.last_at));
            // The outcome of a write may be unknown, and it is made again.
            let again = ArrivalRecord::merge(Some(merged), &new);
            prop_assert_eq!((again.last_at, again.silences_us), (merged.last_at, merged.silences_us));
            prop_assert_eq!(again.steady_lags, merged.steady_lags);
            last = Some(merged);
        }
        let status = judge(last, clamp(now));
        prop_assert!(status.readings_per_second >= 0.0 && status.state != DeviceState::Waiting);
    }

    #[test]
    fn a_clock_that_is_wrong_all_the_time_is_found(
        offset in prop_oneof![61..1_000_000_i64, -1_000_000..-310_i64],
        delays in vec(0..4_i64, 5),
        period in 1..100_i64,
    ) {
        let arrivals: Vec<Arrival> = (0..).zip(&delays)
            .map(|(n, delay)| (START + n * period * 10 * SECOND, 1, Some((offset + delay) * SECOND)))
            .collect();
        let status = judge(record(None, &arrivals), START);
        prop_assert_eq!(status.clock_offset_us, arrivals.last().unwrap().2);
    }

    #[test]
    fn late_readings_from_a_queue_are_no_wrong_clock(
        backlog in 1..10_000_i64, speed in 8..1_000_i64, merges in 2..50_i64,
    ) {
        // In each write, the readings of `speed` times its length arrive.
        let arrivals: Vec<Arrival> = (0..merges)
            .map(|n| (START + n * WRITE, 1, Some((n * speed * WRITE - backlog * MINUTE).min(0))))
            .collect();
        for n in 1..arrivals.len() {
            prop_assert_eq!(judge(record(None, &arrivals[..n]), START).clock_offset_us, None);
        }
    }
}

/// The learned silence was the mean time between two requests, so a device that sends its buffer once an hour
/// was silent for most of the time.
#[test]
fn a_device_that_sends_bursts_is_not_silent_between_them() {
    for (requests, length) in [(2, SECOND), (60, 5 * SECOND), (1_000, 10 * MINUTE)] {
        let burst =
            |hour: i64| (0..requests).map(move |n| (START + hour * HOUR + n * length / requests, 1, Some(0)));
        let mut bursts = None;
        for hour in 0..48 {
            let arrivals: Vec<Arrival> = burst(hour).collect();
            let first = arrivals[0].0;
            if hour >= 3 {
                assert_eq!(
                    judge(bursts, first).state,
                    DeviceState::Reporting,
                    "{requests} {hour} {bursts:?}"
                );
            }
            bursts = record(bursts, &arrivals);
            let status = judge(bursts, first + HOUR);
            #[expect(clippy::cast_precision_loss, reason = "a test")]
            let mean = requests as f64 / 3_600.0;
            assert!(status.readings_per_second < 3.0 * mean, "{status:?} {mean}");
        }
        let expected = judge(bursts, START).expected_interval_us.unwrap();
        assert!((HOUR..=3 * HOUR).contains(&expected), "{expected}");
    }
}

#[test]
fn a_device_that_becomes_faster_or_slower_is_learned_again() {
    let gaps = [vec![HOUR; 5], vec![SECOND; 5 * 3_600], vec![10 * MINUTE; 3]].concat();
    let arrivals = readings(gaps);
    let expected = |n: usize| judge(record(None, &arrivals[..n]), START).expected_interval_us.unwrap();
    assert!(expected(6) > HOUR);
    assert_eq!(expected(6 + 4 * 3_600), 10 * SECOND);
    assert!(expected(arrivals.len()) > 20 * MINUTE);
}

/// Each of two nodes gets every second reading, and writes at about the same time as the other.
#[test]
fn nodes_that_share_a_device_learn_it_together() {
    for shift in [0, SECOND / 2, 5 * SECOND] {
        let arrivals = readings(vec![SECOND; 200]);
        let of_node = |node: usize| arrivals.iter().copied().skip(node).step_by(2).collect::<Vec<_>>();
        let mut writes: Vec<(i64, NewArrivals)> = Vec::new();
        for (node, shift) in [(0, 0), (1, shift)] {
            let own = of_node(node);
            for written in own.chunk_by(|one, next| (one.0 + shift) / WRITE == (next.0 + shift) / WRITE) {
                writes.push((written.last().unwrap().0, new_arrivals(written)));
            }
        }
        writes.sort_by_key(|(time, _)| *time);
        let merged = writes.iter().fold(None, |record, (_, new)| Some(ArrivalRecord::merge(record, new)));
        let status = judge(merged, arrivals.last().unwrap().0);
        assert_eq!(status.expected_interval_us, Some(10 * SECOND), "{merged:?}");
        assert!((0.7..1.4).contains(&status.readings_per_second), "{shift} {status:?}");
        assert_eq!(merged.unwrap().arrivals, 201);
    }
}

#[test]
fn the_status_follows_from_the_evidence() {
    let seen = |arrivals: u32, silence_us: i64| ArrivalRecord {
        arrivals,
        silences_us: [HOUR, silence_us],
        ..ArrivalRecord::merge(None, &NewArrivals::one(at(START), 1, Some(0)))
    };
    let set = |seconds: f64| Some(ExpectedInterval::from_seconds(seconds).unwrap());
    let (reporting, silent) = (DeviceState::Reporting, DeviceState::Silent);
    for (set, arrivals, newest, since, expected) in [
        (None, None, None, 0, (DeviceState::Waiting, None, false)),
        (set(5.0), None, None, 0, (DeviceState::Waiting, Some(5), false)),
        // Without arrivals, the time of the newest reading counts, if it is not in the future.
        (None, None, Some(0), 3_600, (reporting, None, false)),
        (None, None, Some(0), 3_601, (silent, None, false)),
        (None, None, Some(1), 0, (silent, None, false)),
        (set(5.0), None, Some(0), 5, (reporting, Some(5), false)),
        (set(5.0), None, Some(0), 6, (silent, Some(5), false)),
        // Too few arrivals to learn from.
        (None, Some(seen(2, SECOND)), None, 3_602, (reporting, None, false)),
        (None, Some(seen(2, SECOND)), None, 3_603, (silent, None, false)),
        (None, Some(seen(3, SECOND)), None, 12, (reporting, Some(10), true)),
        (None, Some(seen(3, SECOND)), Some(13), 13, (silent, Some(10), true)),
        (None, Some(seen(3, 60 * SECOND)), None, 182, (reporting, Some(180), true)),
        (None, Some(seen(3, 60 * SECOND)), None, 183, (silent, Some(180), true)),
        (set(5.0), Some(seen(3, 60 * SECOND)), None, 8, (silent, Some(5), false)),
        (set(500.0), Some(seen(3, SECOND)), None, 8, (reporting, Some(500), false)),
        // The clock of the node was set back.
        (None, Some(seen(3, SECOND)), None, -50, (reporting, Some(10), true)),
    ] {
        let newest_reading = newest.map(|after: i64| at(START + after * SECOND));
        let evidence = Evidence { set, arrivals, newest_reading };
        // Another node may have arrivals of the last two seconds.
        let status = DeviceStatus::judge(&evidence, at(START + since * SECOND), Duration::from_secs(2));
        let expected_us = expected.1.map(|seconds| seconds * SECOND);
        let found = (status.state, status.expected_interval_us, status.is_learned);
        assert_eq!(found, (expected.0, expected_us, expected.2), "{evidence:?} {since}");
        for state in [DeviceState::Reporting, DeviceState::Silent, DeviceState::Waiting] {
            assert_eq!(StateFilter::State(state).includes(&status), state == expected.0);
        }
        assert!(!StateFilter::WrongClock.includes(&status));
    }
}

#[test]
fn a_clock_is_wrong_as_long_as_the_arrivals_say_so() {
    let offsets = |offsets: &[i64]| -> Option<i64> {
        let arrivals = (0..).zip(offsets).map(|(n, offset)| (START + n * WRITE, 1, Some(offset * SECOND)));
        let status = judge(record(None, &arrivals.collect::<Vec<_>>()), START);
        assert_eq!(StateFilter::WrongClock.includes(&status), status.clock_offset_us.is_some());
        status.clock_offset_us.map(|offset| offset / SECOND)
    };
    assert_eq!(offsets(&[60]), None);
    assert_eq!(offsets(&[61]), Some(61));
    assert_eq!(offsets(&[7_200, 0]), None);
    assert_eq!(offsets(&[-7_200; 3]), None);
    assert_eq!(offsets(&[-7_200; 4]), Some(-7_200));
    assert_eq!(offsets(&[-7_200, -7_203, -7_201, -7_202, -7_204]), Some(-7_204));
    assert_eq!(offsets(&[-7_200, -7_200, -7_200, -7_200, -2]), None);
    // Five minutes are not enough, however steady.
    assert_eq!(offsets(&[-300; 9]), None);
    // A year, sent in batches of ten days each.
    assert_eq!(offsets(&[-31_536_000, -30_672_000, -29_808_000, -28_944_000, -28_080_000]), None);
    // A repeat says nothing about the clock.
    let mut arrivals: Vec<Arrival> = (0..4).map(|n| (START + n * WRITE, 1, Some(-HOUR))).collect();
    arrivals.push((START + 4 * WRITE, 0, None));
    assert_eq!(judge(record(None, &arrivals), START).clock_offset_us, Some(-HOUR));
}
