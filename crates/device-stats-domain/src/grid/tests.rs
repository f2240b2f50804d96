//! Buckets cover every window without gaps, and follow the clock and the calendar of the zone.

use jiff::ToSpan;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3_600_000_000;

fn grid(interval: &str, zone: &str) -> Grid {
    week_grid(interval, zone, "monday")
}

fn week_grid(interval: &str, zone: &str, week_start: &str) -> Grid {
    let (interval, zone) = (Interval::parse(interval).unwrap(), Zone::from_name(zone).unwrap());
    Grid::new(interval, zone, WeekStart::from_name(week_start).unwrap())
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
fn hours_start_at_full_hours_of_the_zone() {
    let (from, until) = ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    assert_eq!(hours("PT1H", "Europe/Berlin", from, until), [1.0; 25]);
    assert_eq!(
        starts("PT1H", "Asia/Kolkata", "2026-11-23T10:00:00Z", "2026-11-23T12:00:00Z"),
        ["2026-11-23T09:30:00Z", "2026-11-23T10:30:00Z", "2026-11-23T11:30:00Z"]
    );
    assert_eq!(
        starts("PT15M", "UTC", "2026-11-23T10:07:30Z", "2026-11-23T10:31:00Z"),
        ["2026-11-23T10:00:00Z", "2026-11-23T10:15:00Z", "2026-11-23T10:30:00Z"]
    );
    assert_eq!(
        starts("PT0.5S", "UTC", "1969-12-31T23:59:59.2Z", "1970-01-01T00:00:00.1Z"),
        ["1969-12-31T23:59:59Z", "1969-12-31T23:59:59.5Z", "1970-01-01T00:00:00Z"]
    );
    // 7 hours do not divide a day, so they are exact spans.
    assert_eq!(hours("PT7H", "Europe/Berlin", "2026-10-23T22:00:00Z", "2026-10-26T23:00:00Z"), [7.0; 11]);
}

/// Buckets of hours began at 1:00, 7:00, 13:00 and 19:00 in summer, because they were spans since a day in
/// winter.
#[test]
fn hours_start_at_the_same_clock_times_in_every_season() {
    for (from, until) in
        [("2026-01-14T23:00:00Z", "2026-01-15T23:00:00Z"), ("2026-07-14T22:00:00Z", "2026-07-15T22:00:00Z")]
    {
        let starts = starts("PT6H", "Europe/Berlin", from, until);
        assert_eq!((starts.len(), starts[0].as_str()), (4, from));
        assert_eq!(hours("PT6H", "Europe/Berlin", from, until), [6.0; 4]);
    }
    let (spring, after_spring) = ("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z");
    let (autumn, after_autumn) = ("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z");
    for (interval, from, until, first) in [
        ("PT6H", spring, after_spring, [5.0, 6.0, 6.0]),
        ("PT6H", autumn, after_autumn, [7.0, 6.0, 6.0]),
        ("PT3H", spring, after_spring, [2.0, 3.0, 3.0]),
        ("PT3H", autumn, after_autumn, [4.0, 3.0, 3.0]),
        // The clocks skip 2:00: the bucket from 2:00 to 4:00 begins at 3:00.
        ("PT2H", spring, after_spring, [2.0, 1.0, 2.0]),
        // The clocks show 2:00 twice.
        ("PT2H", autumn, after_autumn, [2.0, 1.0, 2.0]),
        ("PT1H", autumn, after_autumn, [1.0, 1.0, 1.0]),
        ("PT24H", spring, "2026-03-31T22:00:00Z", [23.0, 24.0, 24.0]),
    ] {
        assert_eq!(hours(interval, "Europe/Berlin", from, until)[..3], first, "{interval} {from}");
    }
    // Clocks change by half an hour at 2:00.
    assert_eq!(
        hours("PT1H", "Australia/Lord_Howe", "2026-04-04T13:00:00Z", "2026-04-04T17:30:00Z"),
        [1.0, 1.5, 1.0, 1.0]
    );
    assert_eq!(
        hours("PT1H", "Australia/Lord_Howe", "2026-10-03T13:30:00Z", "2026-10-03T17:00:00Z"),
        [1.0, 1.0, 0.5, 1.0]
    );
}

#[test]
fn weeks_start_on_the_chosen_day() {
    for (week_start, expected) in [
        ("monday", "2026-11-23T00:00:00Z"),
        ("Sunday", "2026-11-22T00:00:00Z"),
        ("saturday", "2026-11-28T00:00:00Z"),
    ] {
        let buckets = |interval: &str| {
            let window = window("2026-11-21T12:00:00Z", "2026-11-29T00:00:00Z");
            week_grid(interval, "UTC", week_start).buckets(window).unwrap()
        };
        let weeks = buckets("P1W");
        assert!(weeks.iter().any(|week| week.from_us == us(expected)), "{week_start}");
        assert!(weeks.iter().all(|week| week.until_us - week.from_us == 168 * HOUR));
        assert_eq!(buckets("P1D")[0].from_us, us("2026-11-21T00:00:00Z"));
    }
    let origin = week_grid("P2W", "UTC", "sunday")
        .buckets(Window { from_us: us("2000-01-03T00:00:00Z"), until_us: us("2000-01-04T00:00:00Z") });
    assert_eq!(origin.unwrap()[0].from_us, us("2000-01-02T00:00:00Z"));
    assert!(WeekStart::from_name("sun").is_err() && WeekStart::from_name("").is_err());
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

/// Checks that buckets are adjacent and not empty, that they cover a window, and that each overlaps with it.
fn check_tiles(buckets: &[Window], window: Window) {
    for bucket in buckets {
        assert!(bucket.from_us < bucket.until_us, "an empty bucket");
    }
    for [bucket, next] in buckets.array_windows() {
        assert_eq!(bucket.until_us, next.from_us, "a gap, or an overlap");
    }
    let (first, last) = (buckets[0], buckets[buckets.len() - 1]);
    assert!(first.from_us <= window.from_us && window.from_us < first.until_us);
    assert!(last.from_us < window.until_us && window.until_us <= last.until_us);
}

/// Near every change of clocks in every zone, buckets that divide a day begin at multiples of their length on
/// the clock, or at the change itself.
#[test]
fn clock_buckets_follow_the_clock_of_every_zone() {
    const SECOND: i64 = 1_000_000;
    for name in jiff::tz::TimeZoneDatabase::bundled().available() {
        let Ok(zone) = Zone::from_name(name.as_str()) else { continue };
        let rules = jiff::tz::TimeZoneDatabase::bundled().get(name.as_str()).unwrap();
        let from = date(1840, 1, 1).to_zoned_datetime(jiff::tz::TimeZone::UTC).unwrap().timestamp();
        for change in
            rules.following(from).take_while(|change| change.timestamp().as_second() < 2_208_988_800)
        {
            let change_us = change.timestamp().as_microsecond();
            let clock = |at_us: i64| {
                let at = Instant::from_microsecond(at_us).unwrap();
                at_us + i64::from(rules.to_offset(at).seconds()) * SECOND
            };
            for (interval, length_us) in
                [("PT30M", HOUR / 2), ("PT2H", 2 * HOUR), ("PT6H", 6 * HOUR), ("PT24H", 24 * HOUR)]
            {
                let window = Window { from_us: change_us - 7 * HOUR, until_us: change_us + 7 * HOUR };
                let grid = Grid::new(Interval::parse(interval).unwrap(), zone.clone(), WeekStart::default());
                let buckets = grid.buckets(window).unwrap();
                check_tiles(&buckets, window);
                for bucket in buckets {
                    let shown = clock(bucket.from_us);
                    let is_multiple = shown % length_us == 0;
                    assert!(
                        is_multiple || zone.offset_span(bucket.from_us).from_us == bucket.from_us,
                        "{name:?} {bucket:?}"
                    );
                    // All clock times inside a bucket are between the same two multiples.
                    let begin = shown - shown.rem_euclid(length_us);
                    let inside =
                        [change_us - 1, change_us].map(|at| at.clamp(bucket.from_us, bucket.until_us - 1));
                    for at in [inside[0], inside[1], bucket.until_us - 1] {
                        let is_inside = (begin..begin + length_us).contains(&clock(at));
                        assert!(is_inside, "{name:?} {interval} {bucket:?}");
                    }
                }
            }
        }
    }
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
    fn a_bucket_does_not_depend_on_the_window(
        zone in prop::sample::select(&ZONES),
        (interval, length_us) in prop::sample::select(&INTERVALS),
        at_us in Timestamp::MIN.micros()..Timestamp::MAX.micros(),
        (before, after) in (0..300_i64, 1..300_i64),
    ) {
        let grid = grid(interval, zone);
        let only = grid.buckets(Window { from_us: at_us, until_us: at_us + 1 }).unwrap();
        prop_assert_eq!(only.len(), 1);
        let wide = Window { from_us: at_us - before * length_us, until_us: at_us + after * length_us };
        if let Ok(buckets) = grid.buckets(wide) {
            prop_assert!(buckets.contains(&only[0]), "{:?} {:?}", only, wide);
        }
    }
}
