//! Buckets tile every window, and follow the calendar of the zone.

use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000_000;

fn grid(interval: &str, zone: &str) -> Grid {
    Grid::new(Interval::parse(interval).unwrap(), Zone::from_name(zone).unwrap())
}

fn us(text: &str) -> i64 {
    text.parse::<Instant>().unwrap().as_microsecond()
}

fn window(from: &str, until: &str) -> Window {
    Window { from_us: us(from), until_us: us(until) }
}

/// Returns the length of each bucket of a window, in hours.
fn hours(interval: &str, zone: &str, from: &str, until: &str) -> Vec<f64> {
    let buckets = grid(interval, zone).buckets(window(from, until)).unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a few months of microseconds stay below 2^53")]
    buckets.iter().map(|bucket| (bucket.until_us - bucket.from_us) as f64 / HOUR as f64).collect()
}

/// Returns the start of each bucket of a window, in UTC.
fn starts(interval: &str, zone: &str, from: &str, until: &str) -> Vec<String> {
    let buckets = grid(interval, zone).buckets(window(from, until)).unwrap();
    let write = |bucket: &Window| Instant::from_microsecond(bucket.from_us).unwrap().to_string();
    buckets.iter().map(write).collect()
}

#[test]
fn days_follow_daylight_saving_time() {
    for (zone, from, until, expected) in [
        ("Europe/Berlin", "2026-03-27T23:00:00Z", "2026-03-30T22:00:00Z", [24.0, 23.0, 24.0]),
        ("Europe/Berlin", "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z", [24.0, 25.0, 24.0]),
        ("Asia/Kolkata", "2026-03-27T18:30:00Z", "2026-03-30T18:30:00Z", [24.0, 24.0, 24.0]),
        ("America/St_Johns", "2026-03-07T03:30:00Z", "2026-03-10T02:30:00Z", [24.0, 23.0, 24.0]),
        ("Australia/Lord_Howe", "2026-04-03T13:00:00Z", "2026-04-06T13:30:00Z", [24.0, 24.5, 24.0]),
        ("Australia/Lord_Howe", "2026-10-02T13:30:00Z", "2026-10-05T13:00:00Z", [24.0, 23.5, 24.0]),
    ] {
        assert_eq!(hours("P1D", zone, from, until), expected, "{zone} {from}");
    }
}

/// Apia crossed the date line after 29 December 2011: the next day was 31 December.
#[test]
fn a_skipped_day_has_no_bucket() {
    let (from, until) = ("2011-12-29T10:00:00Z", "2012-01-01T10:00:00Z");
    let expected = ["2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z"];
    assert_eq!(starts("P1D", "Pacific/Apia", from, until), expected);
    let weeks = starts("P1W", "Pacific/Apia", "2011-12-19T11:00:00Z", "2012-01-15T10:00:00Z");
    assert_eq!(weeks[1..], ["2011-12-26T10:00:00Z", "2012-01-01T10:00:00Z", "2012-01-08T10:00:00Z"]);
}

/// If clocks skip midnight, the day begins after the gap. If midnight occurs twice, the day begins at the
/// first one.
#[test]
fn a_day_with_no_or_two_midnights_has_one_start() {
    for (zone, from, until, expected) in [
        // Clocks change from 00:00 to 01:00.
        ("America/Sao_Paulo", "2018-11-03T12:00:00Z", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00Z"),
        // Clocks change from 00:00 to 23:00 of the day before.
        ("America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-18T12:00:00Z", "2018-02-18T03:00:00Z"),
        // Clocks change from 00:01 to 23:01 of the day before.
        ("America/St_Johns", "2006-10-28T12:00:00Z", "2006-10-29T12:00:00Z", "2006-10-29T02:30:00Z"),
        // Clocks change from 23:30 to 00:30.
        ("America/Toronto", "1919-03-30T12:00:00Z", "1919-03-31T12:00:00Z", "1919-03-31T04:30:00Z"),
    ] {
        assert_eq!(starts("P1D", zone, from, until)[1..], [expected], "{zone} {from}");
    }
}

#[test]
fn hours_are_exact_and_start_at_full_hours_of_the_zone() {
    let (from, until) = ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    assert_eq!(hours("PT1H", "Europe/Berlin", from, until), [1.0; 25]);
    assert_eq!(
        starts("PT1H", "Asia/Kolkata", "2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z"),
        ["2026-11-23T10:00:00Z", "2026-11-23T10:30:00Z", "2026-11-23T11:30:00Z"]
    );
    assert_eq!(
        starts("PT15M", "UTC", "2026-11-23T10:07:30Z", "2026-11-23T10:31:00Z"),
        ["2026-11-23T10:07:30Z", "2026-11-23T10:15:00Z", "2026-11-23T10:30:00Z"]
    );
    assert_eq!(
        starts("PT0.5S", "UTC", "1969-12-31T23:59:59.2Z", "1970-01-01T00:00:00.1Z"),
        ["1969-12-31T23:59:59.2Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"]
    );
}

#[test]
fn calendar_units_begin_at_their_usual_days() {
    for (interval, from, until, expected) in [
        ("P1W", "2026-11-20T00:00:00Z", "2026-11-24T00:00:00Z", vec!["2026-11-23T00:00:00Z"]),
        (
            "P1M",
            "2026-01-31T00:00:00Z",
            "2026-03-02T00:00:00Z",
            vec!["2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z"],
        ),
        ("P3M", "2026-05-01T00:00:00Z", "2026-07-02T00:00:00Z", vec!["2026-07-01T00:00:00Z"]),
        ("P1Y", "1999-05-01T00:00:00Z", "2000-05-01T00:00:00Z", vec!["2000-01-01T00:00:00Z"]),
        ("P10Y", "1988-05-01T00:00:00Z", "1999-05-01T00:00:00Z", vec!["1990-01-01T00:00:00Z"]),
        ("P2D", "2000-01-04T00:00:00Z", "2000-01-06T00:00:00Z", vec!["2000-01-05T00:00:00Z"]),
    ] {
        assert_eq!(starts(interval, "UTC", from, until)[1..], expected, "{interval}");
    }
    assert_eq!(ORIGIN_DAY, (date(2000, 1, 3) - date(1970, 1, 1)).get_days().into());
}

/// The last time of `jiff` is in 9999-12-30. Readings and windows go on to the end of the next day.
#[test]
fn buckets_tile_both_ends_of_time() {
    let (min, max) = (Timestamp::MIN.micros(), Timestamp::MAX.micros());
    for zone in ["UTC", "Europe/Berlin", "Pacific/Kiritimati", "Pacific/Niue"] {
        for interval in ["P1D", "P1W", "P1M", "P1Y", "PT7H"] {
            let grid = grid(interval, zone);
            for from_us in [min - MARGIN_US / 2, max - 4 * 24 * HOUR] {
                let window = Window { from_us, until_us: from_us + 5 * 24 * HOUR };
                check_tiles(&grid.buckets(window).unwrap(), window);
            }
        }
    }
    let days = starts("P1D", "UTC", "9999-12-28T12:00:00Z", "9999-12-30T12:00:00Z");
    assert_eq!(days[1..], ["9999-12-29T00:00:00Z", "9999-12-30T00:00:00Z"]);
    let last_days =
        grid("P1D", "UTC").buckets(Window { from_us: max - 36 * HOUR, until_us: max + 1 }).unwrap();
    assert_eq!(last_days[1], Window { from_us: max + 1 - 24 * HOUR, until_us: max + 1 });
    let centuries = grid("P100Y", "UTC").buckets(Window::ALL).unwrap();
    assert_eq!(centuries.len(), 100);
}

/// The longest intervals that `jiff` parses. No sum or product may overflow.
#[test]
fn the_longest_intervals_do_not_overflow() {
    for interval in ["P19998Y", "P239976M", "P1043497W", "P7304484D", "PT175307616H", "PT631107417600S"] {
        for zone in ["UTC", "Pacific/Kiritimati", "Pacific/Niue"] {
            let buckets = grid(interval, zone).buckets(Window::ALL).unwrap();
            let (first, last) = (buckets[0], buckets[buckets.len() - 1]);
            check_tiles(&buckets, Window { from_us: first.from_us, until_us: last.until_us });
            assert!(first.from_us < Timestamp::MIN.micros() && last.until_us > Timestamp::MAX.micros());
            assert!(buckets.len() <= 2, "{interval} {zone}: {buckets:?}");
        }
    }
}

#[test]
fn the_number_of_buckets_is_bounded() {
    let second = grid("PT1S", "UTC");
    let limit = i64::try_from(SERIES_BUCKETS_MAX).unwrap();
    let window = |seconds: i64| Window { from_us: 0, until_us: seconds * 1_000_000 };
    assert_eq!(second.buckets(window(limit)).unwrap().len(), 2000);
    let interval = second.interval();
    assert_eq!(second.buckets(window(limit + 1)), Err(TooManyBuckets { interval, asked: 2001 }));
    let asked = grid("PT0.000001S", "UTC").buckets(Window::ALL).unwrap_err().asked;
    assert!(asked > 300_000_000_000_000_000, "{asked}");
    assert_eq!(second.buckets(Window { from_us: 5, until_us: 5 }), Ok(Vec::new()));
}

fn check_tiles(buckets: &[Window], window: Window) {
    let mut at = window.from_us;
    for bucket in buckets {
        assert_eq!(bucket.from_us, at, "a gap, or an overlap");
        assert!(bucket.until_us > at, "an empty bucket");
        at = bucket.until_us;
    }
    assert_eq!(at, window.until_us);
}

/// Near every change of clocks in every zone, a day begins after the previous day. If the zone skipped the
/// previous day, both begin at the same time.
#[test]
fn days_ascend_in_every_zone() {
    for name in jiff::tz::TimeZoneDatabase::bundled().available() {
        let Ok(zone) = Zone::from_name(name.as_str()) else { continue };
        let rules = jiff::tz::TimeZoneDatabase::bundled().get(name.as_str()).unwrap();
        let from = date(1840, 1, 1).to_zoned_datetime(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        for change in
            rules.following(from).take_while(|change| change.timestamp().as_second() < 4_102_444_800)
        {
            let day = zone.day(change.timestamp().as_microsecond());
            for day in day - 2..day + 2 {
                let (first, next) = (zone.start_of_day(day), zone.start_of_day(day + 1));
                assert!(first <= next, "{name:?} {day}");
                assert!(first == next || zone.day(first) == day, "{name:?} {day}");
            }
        }
    }
}

const ZONES: [&str; 8] = [
    "UTC",
    "Europe/Berlin",
    "Asia/Kolkata",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
];
/// Intervals with their approximate lengths in microseconds.
const INTERVALS: [(&str, i64); 14] = [
    ("PT0.000007S", 7),
    ("PT1S", HOUR / 3600),
    ("PT1M", HOUR / 60),
    ("PT5M", HOUR / 12),
    ("PT1H", HOUR),
    ("PT7H", 7 * HOUR),
    ("PT24H", 24 * HOUR),
    ("P1D", 24 * HOUR),
    ("P3D", 72 * HOUR),
    ("P1W", 168 * HOUR),
    ("P1M", 730 * HOUR),
    ("P5M", 3650 * HOUR),
    ("P1Y", 8766 * HOUR),
    ("P7Y", 61_362 * HOUR),
];

proptest! {
    #[test]
    fn buckets_tile_the_window(
        zone in prop::sample::select(&ZONES),
        (interval, length_us) in prop::sample::select(&INTERVALS),
        from_us in prop_oneof![
            Timestamp::MIN.micros()..Timestamp::MAX.micros(),
            // The years with the most changes of clocks.
            -2_000_000_000_000_000_i64..2_000_000_000_000_000,
        ],
        thousandths in 1..2_000_i64,
    ) {
        let until_us = from_us.saturating_add(length_us.saturating_mul(thousandths * thousandths) / 1000 + 1);
        let window = Window { from_us, until_us: until_us.min(Timestamp::MAX.micros()) };
        let grid = grid(interval, zone);
        match grid.buckets(window) {
            Ok(buckets) => {
                check_tiles(&buckets, window);
                prop_assert!(buckets.len() as u64 <= SERIES_BUCKETS_MAX);
                // The window has no influence on a bucket that lies inside it.
                let wider = Window { from_us: from_us - 1, until_us: window.until_us + 1 };
                if let (Ok(wider), true) = (grid.buckets(wider), buckets.len() > 2) {
                    for bucket in &buckets[1..buckets.len() - 1] {
                        prop_assert!(wider.contains(bucket));
                    }
                }
            }
            Err(TooManyBuckets { asked, .. }) => prop_assert!(asked > SERIES_BUCKETS_MAX),
        }
    }

    /// On days with one midnight, the day arithmetic of `jiff` gives the same buckets.
    #[test]
    fn days_are_those_of_jiff(zone in prop::sample::select(&ZONES), days in 0..60_000_i32) {
        let rules = jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap();
        let day = date(1900, 1, 1) + days.days();
        let start = day.to_zoned_datetime(rules.clone()).unwrap().timestamp().as_microsecond();
        let next = (day + 1.day()).to_zoned_datetime(rules).unwrap().timestamp().as_microsecond();
        let buckets = grid("P1D", zone).buckets(Window { from_us: start, until_us: next }).unwrap();
        let expected = if start < next { vec![Window { from_us: start, until_us: next }] } else { vec![] };
        prop_assert_eq!(buckets, expected);
    }

    #[test]
    fn hours_are_never_longer_or_shorter(
        zone in prop::sample::select(&ZONES),
        from_us in Timestamp::MIN.micros()..Timestamp::MAX.micros() - 100 * HOUR,
    ) {
        let buckets = grid("PT1H", zone).buckets(Window { from_us, until_us: from_us + 100 * HOUR }).unwrap();
        for bucket in &buckets[1..buckets.len() - 1] {
            prop_assert_eq!(bucket.until_us - bucket.from_us, HOUR);
        }
    }
}
