//! Series: every bucket of the period, on the calendar of the time zone, with the statistics of an analysis.

use device_stats_domain::RequestTime;
use serde_json::{Value, json};

use crate::server::{Api, NO_READINGS, Response, over_both_stores};

over_both_stores!(
    a_series_has_every_bucket_of_the_period,
    an_open_end_is_the_first_or_last_reading,
    series_of_devices_join,
    hours_start_at_local_midnight_in_summer,
    weeks_start_on_the_chosen_day,
    until_is_an_exclusive_end,
    the_service_chooses_an_interval,
    days_follow_the_time_zone,
    a_user_is_analyzed_as_one_pool,
    a_bucket_equals_the_analysis_of_its_period,
    a_series_without_readings_is_not_found,
    an_invalid_series_is_refused,
    a_series_has_at_most_2000_buckets,
    an_outlier_is_told_from_the_other_readings,
    readings_before_1970_are_found,
    only_the_chosen_statistics_are_returned,
);

const SERIES: &str = "/api/v1/stats/devices/d/series";

/// Stores a reading at each time; `x` counts up from 1.
async fn store(api: Api, device: &str, times: &[&str]) {
    let rows = times.iter().zip(1..).map(|(time, x)| json!({"x": x, "y": -x, "z": 0.25, "timestamp": time}));
    let rows: Vec<Value> = rows.collect();
    let response = api.post(&format!("/api/v1/stats/devices/{device}/batch"), json!(rows)).await;
    assert_eq!(response.json()["accepted"], times.len(), "{response:?}");
}

/// Returns a line for each bucket: start, end, and the sum of x or a dash.
fn lines(response: &Response) -> Vec<String> {
    assert_eq!(response.status, 200, "{response:?}");
    let response = response.json();
    let buckets = response["buckets"].as_array().unwrap().iter();
    let line = |bucket: &Value| {
        let moment = |name: &str| bucket[name].as_str().unwrap().replace(".000000Z", "Z");
        let sum = bucket["stats"]["x"]["sum"].as_f64().map_or("-".to_owned(), |sum| sum.to_string());
        format!("{} {} {sum}", moment("start"), moment("end"))
    };
    buckets.map(line).collect()
}

async fn a_series_has_every_bucket_of_the_period(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-11-23T10:00:00Z", "2026-11-23T10:59:59.999999Z", "2026-11-23T12:30:00Z"]).await;
    let period = "start_time=2026-11-23T09:30:00Z&end_time=2026-11-23T12:30:00Z";
    let response = api.get(&format!("{SERIES}?interval=PT1H&{period}")).await;
    assert_eq!(
        lines(&response),
        [
            "2026-11-23T09:00:00Z 2026-11-23T10:00:00Z -",
            "2026-11-23T10:00:00Z 2026-11-23T11:00:00Z 3",
            "2026-11-23T11:00:00Z 2026-11-23T12:00:00Z -",
            "2026-11-23T12:00:00Z 2026-11-23T13:00:00Z 3",
        ]
    );
    let response = response.json();
    assert_eq!((&response["interval"], &response["timezone"]), (&json!("PT1H"), &json!("UTC")));
    assert_eq!(response["period_start"], "2026-11-23T09:30:00.000000Z");
    assert_eq!(response["period_end"], "2026-11-23T12:30:00.000000Z");
    assert_eq!(response["buckets"][0]["stats"], Value::Null);
    let expected = json!({
        "x": {"min_value": 1.0, "max_value": 2.0, "count": 2, "sum": 3.0, "median": 1.5},
        "y": {"min_value": -2.0, "max_value": -1.0, "count": 2, "sum": -3.0, "median": -1.5},
        "z": {"min_value": 0.25, "max_value": 0.25, "count": 2, "sum": 0.5, "median": 0.25},
    });
    assert_eq!(response["buckets"][1]["stats"], expected);
}

async fn an_open_end_is_the_first_or_last_reading(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-11-23T10:20:00Z", "2026-11-23T11:10:00Z", "2026-11-23T12:30:00Z"]).await;
    let first = "2026-11-23T10:00:00Z 2026-11-23T11:00:00Z 1";
    let second = "2026-11-23T11:00:00Z 2026-11-23T12:00:00Z 2";
    let third = "2026-11-23T12:00:00Z 2026-11-23T13:00:00Z 3";
    let whole = api.get(&format!("{SERIES}?interval=PT1H")).await;
    assert_eq!(lines(&whole), [first, second, third]);
    assert_eq!((&whole.json()["period_start"], &whole.json()["period_end"]), (&Value::Null, &Value::Null));
    let late = api.get(&format!("{SERIES}?interval=PT1H&start_time=2026-11-23T11:00:00Z")).await;
    assert_eq!(lines(&late), [second, third]);
    let early = api.get(&format!("{SERIES}?interval=PT1H&end_time=2026-11-23T11:59:59.999999Z")).await;
    // The last reading in the period is the one at 11:10.
    assert_eq!(lines(&early), [first, "2026-11-23T11:00:00Z 2026-11-23T12:00:00Z 2"]);
    let one = api.get(&format!("{SERIES}?interval=P1Y&end_time=2026-11-23T11:00:00Z")).await;
    // The reading at 11:10 is in the bucket, but outside the period.
    assert_eq!(lines(&one), ["2026-01-01T00:00:00Z 2027-01-01T00:00:00Z 1"]);
}

/// A bucket began with the first reading of the device, so the buckets of two devices differed.
async fn series_of_devices_join(api: Api) {
    for (device, times) in [
        ("d", ["2026-11-23T10:20:00Z", "2026-11-23T11:10:00Z"]),
        ("e", ["2026-11-23T10:59:00Z", "2026-11-23T11:00:00Z"]),
    ] {
        api.device(device).await;
        store(api, device, &times).await;
    }
    let bounds = async |device: &str| {
        let series = api.get(&format!("/api/v1/stats/devices/{device}/series?interval=PT1H")).await.json();
        let buckets = series["buckets"].as_array().unwrap().clone();
        buckets.into_iter().map(|bucket| (bucket["start"].clone(), bucket["end"].clone())).collect::<Vec<_>>()
    };
    let first = bounds("d").await;
    assert_eq!(first, bounds("e").await);
    store(api, "d", &["2026-11-23T10:00:00.000001Z"]).await;
    assert_eq!(first, bounds("d").await);
}

async fn hours_start_at_local_midnight_in_summer(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-07-15T00:00:00Z", "2026-07-15T12:00:00Z"]).await;
    let response = api.get(&format!("{SERIES}?interval=PT6H&timezone=Europe/Berlin")).await;
    assert_eq!(
        lines(&response),
        [
            "2026-07-14T22:00:00Z 2026-07-15T04:00:00Z 1",
            "2026-07-15T04:00:00Z 2026-07-15T10:00:00Z -",
            "2026-07-15T10:00:00Z 2026-07-15T16:00:00Z 2",
        ]
    );
}

async fn weeks_start_on_the_chosen_day(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-11-22T12:00:00Z", "2026-11-23T12:00:00Z"]).await;
    let path = format!("{SERIES}?interval=P1W");
    let monday =
        ["2026-11-16T00:00:00Z 2026-11-23T00:00:00Z 1", "2026-11-23T00:00:00Z 2026-11-30T00:00:00Z 2"];
    assert_eq!(lines(&api.get(&path).await), monday);
    assert_eq!(lines(&api.get(&format!("{path}&week_start=monday")).await), monday);
    let sunday = api.get(&format!("{path}&week_start=Sunday")).await;
    assert_eq!(lines(&sunday), ["2026-11-22T00:00:00Z 2026-11-29T00:00:00Z 3"]);
}

async fn until_is_an_exclusive_end(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-11-23T00:00:00Z", "2026-11-23T23:59:59.999999Z", "2026-11-24T00:00:00Z"]).await;
    let day = "start_time=2026-11-23&until=2026-11-24";
    let response = api.get(&format!("{SERIES}?interval=P1D&{day}")).await;
    assert_eq!(lines(&response), ["2026-11-23T00:00:00Z 2026-11-24T00:00:00Z 3"]);
    assert_eq!(response.json()["period_end"], "2026-11-23T23:59:59.999999Z");
    let device = "/api/v1/stats/devices/d";
    let body = json!({"start_time": "2026-11-23", "until": "2026-11-24"});
    let analysis = api.post(&format!("{device}/analyze"), body.clone()).await.json();
    assert_eq!(
        (&analysis["x"]["count"], &analysis["period_end"]),
        (&json!(2), &json!("2026-11-23T23:59:59.999999Z"))
    );
    assert_eq!(api.get(&format!("{device}?{day}")).await.json().as_array().unwrap().len(), 2);
    assert_eq!(api.get(&format!("{device}/histogram?bins=1&{day}")).await.json()["x"]["counts"], json!([2]));
    let rows = String::from_utf8(api.get(&format!("{device}/export?format=csv&{day}")).await.body).unwrap();
    assert_eq!(rows.lines().count(), 3, "{rows}");
    let both = "422 value_error query.until";
    for path in [device, &format!("{device}/histogram"), &format!("{device}/export")] {
        assert_eq!(api.get(&format!("{path}?{day}&end_time=2026-11-24")).await.brief(), both, "{path}");
    }
    let mut body = body;
    body["end_time"] = Value::Null;
    let analysis = api.post(&format!("{device}/analyze"), body.clone()).await.json();
    assert_eq!(analysis["x"]["count"], 2, "a null end beside until is no end");
    body["end_time"] = json!("2026-11-24");
    assert_eq!(api.post(&format!("{device}/analyze"), body).await.brief(), "422 value_error body.until");
}

async fn the_service_chooses_an_interval(api: Api) {
    api.device("d").await;
    for period in ["", "&start_time=2026-11-23", "&start_time=2026-11-23&until=2026-11-24"] {
        assert_eq!(api.get(&format!("{SERIES}?points=800{period}")).await.brief(), NO_READINGS, "{period}");
    }
    store(api, "d", &["2026-11-23T00:00:00Z", "2026-11-29T23:00:00Z"]).await;
    let response = api.get(&format!("{SERIES}?points=800")).await;
    assert_eq!(lines(&response).len(), 7 * 96 - 3);
    assert_eq!(response.json()["interval"], "PT15M");
    let response = api.get(&format!("{SERIES}?points=2&timezone=Europe/Berlin")).await;
    assert_eq!(response.json()["interval"], "P1W");
    for (query, expected) in [
        ("points=1", "422 greater_than_equal query.points"),
        ("points=2001", "422 less_than_equal query.points"),
        ("points=x", "422 int_parsing query.points"),
        ("points=9&interval=P1D", "422 value_error query.points"),
        ("interval=P1W&week_start=sun", "422 enum query.week_start"),
        ("interval=P99999Y", "422 value_error query.interval"),
    ] {
        assert_eq!(api.get(&format!("{SERIES}?{query}")).await.brief(), expected, "{query}");
    }
}

async fn days_follow_the_time_zone(api: Api) {
    api.device("d").await;
    // In Berlin: the last second of 24 October, both hours from 2 to 3 of 25 October, the first second of 26
    // October.
    store(
        api,
        "d",
        &["2026-10-24T21:59:59Z", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T23:00:00Z"],
    )
    .await;
    let period = "start_time=2026-10-23T22:00:00Z&end_time=2026-10-26T22:59:59.999999Z";
    let path = format!("{SERIES}?interval=P1D&timezone=europe/berlin&{period}");
    let response = api.get(&path).await;
    assert_eq!(response.json()["timezone"], "Europe/Berlin");
    assert_eq!(
        lines(&response),
        [
            "2026-10-23T22:00:00Z 2026-10-24T22:00:00Z 1",
            "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z 5",
            "2026-10-25T23:00:00Z 2026-10-26T23:00:00Z 4",
        ]
    );
    let hours = api.get(&path.replace("P1D", "PT1H")).await;
    assert_eq!(lines(&hours).len(), 24 + 25 + 24);
    let india = api.get(&format!("{SERIES}?interval=P1D&timezone=Asia/Kolkata&{period}")).await;
    assert_eq!(
        lines(&india)[1..3],
        ["2026-10-24T18:30:00Z 2026-10-25T18:30:00Z 6", "2026-10-25T18:30:00Z 2026-10-26T18:30:00Z 4"]
    );
    let months = api
        .get(&format!("{SERIES}?interval=P1M&timezone=Pacific/Apia&start_time=2026-10-01T00:00:00Z"))
        .await;
    // October begins in Apia before the period.
    assert_eq!(lines(&months), ["2026-09-30T11:00:00Z 2026-10-31T11:00:00Z 10"]);
    api.device("apia").await;
    store(api, "apia", &["2011-12-30T09:59:59Z", "2011-12-30T10:00:00Z"]).await;
    let period = "start_time=2011-12-29T10:00:00Z&end_time=2011-12-31T09:59:59.999999Z";
    let path = format!("/api/v1/stats/devices/apia/series?interval=P1D&timezone=Pacific/Apia&{period}");
    assert_eq!(
        lines(&api.get(&path).await),
        ["2011-12-29T10:00:00Z 2011-12-30T10:00:00Z 1", "2011-12-30T10:00:00Z 2011-12-31T10:00:00Z 2"]
    );
}

async fn a_user_is_analyzed_as_one_pool(api: Api) {
    let user = api.user("ada").await;
    for device in ["d", "e", "silent"] {
        api.owned_device(device, user).await;
    }
    let path = format!("/api/v1/stats/users/{user}/series?interval=P1D");
    assert_eq!(api.get(&path).await.brief(), NO_READINGS);
    api.device("foreign").await;
    store(api, "foreign", &["2026-11-01T00:00:00Z"]).await;
    store(api, "d", &["2026-11-22T06:00:00Z", "2026-11-23T06:00:00Z"]).await;
    store(api, "e", &["2026-11-23T18:00:00Z", "2026-11-24T00:00:00Z"]).await;
    let response = api.get(&path).await;
    assert_eq!(
        lines(&response),
        [
            "2026-11-22T00:00:00Z 2026-11-23T00:00:00Z 1",
            "2026-11-23T00:00:00Z 2026-11-24T00:00:00Z 3",
            "2026-11-24T00:00:00Z 2026-11-25T00:00:00Z 2",
        ]
    );
    assert_eq!(response.json()["buckets"][1]["stats"]["x"]["median"], 1.5);
}

/// The period of a bucket ends one microsecond before the end of the bucket.
async fn a_bucket_equals_the_analysis_of_its_period(api: Api) {
    api.device("d").await;
    let times: Vec<String> =
        (0..200).map(|index| format!("{}.{index:06}", 1_795_392_000 + index * index * 7)).collect();
    store(api, "d", &times.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let series = api.get(&format!("{SERIES}?interval=PT5H&timezone=America/St_Johns")).await.json();
    let buckets = series["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 16);
    let mut count = 0;
    for bucket in buckets {
        let after = RequestTime::parse(bucket["end"].as_str().unwrap()).unwrap();
        let last = RequestTime::from_micros(after.micros() - 1).nearest_timestamp().to_string();
        let period = json!({"start_time": bucket["start"], "end_time": last});
        let analysis = api.post("/api/v1/stats/devices/d/analyze", period).await.json();
        for axis in ["x", "y", "z"] {
            assert_eq!(bucket["stats"][axis], analysis[axis], "{bucket}");
        }
        count += bucket["stats"]["x"]["count"].as_u64().unwrap_or(0);
    }
    assert_eq!(count, 200);
}

async fn a_series_without_readings_is_not_found(api: Api) {
    api.device("d").await;
    let whole = format!("{SERIES}?interval=PT1H");
    assert_eq!(api.get(&whole).await.brief(), NO_READINGS);
    store(api, "d", &["2026-11-23T10:00:00Z"]).await;
    for (period, expected) in [
        ("start_time=2026-11-23T10:00:00Z&end_time=2026-11-23T10:00:00Z", "200"),
        ("start_time=2026-11-23T10:00:00.000001Z", NO_READINGS),
        ("end_time=2026-11-23T09:59:59.999999Z", NO_READINGS),
        ("start_time=2026-11-23T11:00:00Z&end_time=2026-11-23T12:00:00Z", NO_READINGS),
        ("start_time=2026-11-24T00:00:00Z&end_time=2026-11-23T00:00:00Z", NO_READINGS),
    ] {
        assert_eq!(api.get(&format!("{whole}&{period}")).await.brief(), expected, "{period}");
    }
    for (path, expected) in [
        ("/api/v1/stats/devices/none/series?interval=PT1H", "404 Device not found"),
        ("/api/v1/stats/users/9/series?interval=PT1H", "404 User not found"),
    ] {
        assert_eq!(api.get(path).await.brief(), expected);
    }
}

async fn an_invalid_series_is_refused(api: Api) {
    api.device("d").await;
    let interval = |kind: &str| format!("422 {kind} query.interval");
    for (query, expected) in [
        ("", interval("missing")),
        ("?interval=", interval("time_delta_parsing")),
        ("?interval=1h", interval("time_delta_parsing")),
        ("?interval=P1H", interval("time_delta_parsing")),
        ("?interval=P0.5D", interval("time_delta_parsing")),
        ("?interval=PT0S", interval("greater_than")),
        ("?interval=-P1D", interval("greater_than")),
        ("?interval=PT0.0000001S", interval("value_error")),
        ("?interval=P1DT1H", interval("value_error")),
        ("?interval=P1M1D", interval("value_error")),
        ("?interval=P1D&interval=P1D", interval("repeated")),
        ("?interval=P1D&timezone=Berlin", "422 zoneinfo_str query.timezone".to_owned()),
        ("?interval=P1D&timezone=", "422 zoneinfo_str query.timezone".to_owned()),
        ("?interval=P1D&timezone=%2B01:00", "422 zoneinfo_str query.timezone".to_owned()),
        ("?interval=P1D&timezone=Etc/GMT+5", "422 zoneinfo_str query.timezone".to_owned()),
        ("?interval=P1D&start_time=x", "422 datetime_from_date_parsing query.start_time".to_owned()),
        ("?interval=P1D&limit=5&bins=3", "422 extra_forbidden query.limit, extra_forbidden query.bins".to_owned()),
        (
            "?tz=UTC&timezone=Mars&end_time=x&start_time=",
            "422 missing query.interval, zoneinfo_str query.timezone, datetime_from_date_parsing query.start_time, \
             datetime_from_date_parsing query.end_time, extra_forbidden query.tz"
                .to_owned(),
        ),
    ] {
        assert_eq!(api.get(&format!("{SERIES}{query}")).await.brief(), expected, "{query}");
    }
    let user = "422 int_parsing path.user_id, missing query.interval";
    assert_eq!(api.get("/api/v1/stats/users/x/series").await.brief(), user);
    let mixed = api.get(&format!("{SERIES}?interval=P1DT1H")).await.json();
    let words = mixed["detail"][0]["msg"].as_str().unwrap();
    assert!(words.contains("mixes units without a common measure"), "{words}");
    let plus = api.get(&format!("{SERIES}?interval=P1D&timezone=Etc/GMT+5")).await.json();
    assert_eq!(plus["detail"][0]["msg"], "invalid timezone: Etc/GMT 5; encode + as %2B");
    let long = api.get(&format!("{SERIES}?interval=P99999Y")).await.json();
    assert_eq!(long["detail"][0]["msg"], "Value error, the interval is longer than 19998 years");
}

async fn a_series_has_at_most_2000_buckets(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-11-23T00:00:00Z", "2026-11-23T00:00:01.999Z"]).await;
    let path = format!("{SERIES}?interval=PT0.001S");
    assert_eq!(lines(&api.get(&path).await).len(), 2000);
    store(api, "d", &["2026-11-23T00:00:02Z"]).await;
    let response = api.get(&path).await;
    assert_eq!(response.brief(), "422 too_many_buckets query.interval");
    let fault = &response.json()["detail"][0];
    let expected = "The period has 2001 buckets of this interval, more than 2000. The readings are from \
        2026-11-23T00:00:00.000000Z to 2026-11-23T00:00:02.000000Z. Request a shorter period with \
        start_time and end_time, a longer interval, or points";
    assert_eq!(fault["msg"], expected);
    let ends = ["2026-11-23T00:00:00.000000Z", "2026-11-23T00:00:02.000000Z"];
    let readings = json!({"first": ends[0], "last": ends[1], "most": ends});
    assert_eq!(fault["ctx"], json!({"buckets_max": 2000, "buckets": 2001, "readings": readings}));
    assert_eq!(fault["input"], "PT0.001S");
    let ages = api.get(&format!("{SERIES}?interval=PT1S&start_time=0001-01-01&end_time=9999-12-31")).await;
    assert_eq!(ages.brief(), "422 too_many_buckets query.interval");
    let ages = "start_time=0001-01-01&end_time=9999-12-31T23:59:59.999999Z";
    let years = api.get(&format!("{SERIES}?interval=P10Y&{ages}")).await.json();
    let buckets = years["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 1000);
    assert_eq!(
        (&buckets[0]["start"], &buckets[0]["end"]),
        (&json!("0001-01-01T00:00:00.000000Z"), &json!("0010-01-01T00:00:00.000000Z")),
        "the first bucket begins with the year 0, which no response can name"
    );
    assert_eq!(buckets[999]["end"], "9999-12-31T23:59:59.999999Z");
}

/// One reading with a wrong year makes a series of the whole period impossible. The error tells where the
/// other readings are.
async fn an_outlier_is_told_from_the_other_readings(api: Api) {
    api.device("d").await;
    let mut times: Vec<String> = (10..22).map(|hour| format!("2026-11-23T{hour}:00:00Z")).collect();
    times.extend(["2036-02-07T06:28:16Z".to_owned(), "1970-01-01T00:00:01Z".to_owned()]);
    store(api, "d", &times.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let response = api.get(&format!("{SERIES}?interval=PT1H")).await;
    assert_eq!(response.brief(), "422 too_many_buckets query.interval");
    let readings = &response.json()["detail"][0]["ctx"]["readings"];
    assert_eq!(readings["first"], "1970-01-01T00:00:01.000000Z");
    assert_eq!(readings["last"], "2036-02-07T06:28:16.000000Z");
    assert_eq!(readings["most"], json!(["2026-11-23T10:00:00.000000Z", "2026-11-23T21:00:00.000000Z"]));
    let words = response.json()["detail"][0]["msg"].as_str().unwrap().to_owned();
    assert!(
        words.contains("most of them from 2026-11-23T10:00:00.000000Z to 2026-11-23T21:00:00.000000Z"),
        "{words}"
    );
}

/// The search for the first reading never ended if its time was before 1970.
async fn readings_before_1970_are_found(api: Api) {
    for (device, first) in [
        ("a", "1900-01-01T00:00:00.000000Z"),
        ("b", "1969-12-31T23:00:01.000000Z"),
        ("c", "1969-12-31T23:59:59.999999Z"),
        ("d", "0001-01-01T00:00:00.000000Z"),
        ("e", "1601-01-01T00:00:00.000001Z"),
    ] {
        api.device(device).await;
        store(api, device, &[first, "2026-11-20T00:00:00Z"]).await;
        let path = format!("/api/v1/stats/devices/{device}/series?interval=PT1S");
        let fault = api.get(&path).await.json()["detail"][0].clone();
        assert_eq!(fault["type"], "too_many_buckets", "{fault}");
        assert_eq!(fault["ctx"]["readings"]["first"], first);
    }
}

async fn only_the_chosen_statistics_are_returned(api: Api) {
    api.device("d").await;
    store(api, "d", &["2026-11-23T10:00:00Z", "2026-11-23T10:10:00Z", "2026-11-23T10:20:00Z"]).await;
    let chosen = async |query: &str| {
        let response = api.get(&format!("{SERIES}?interval=PT1H&{query}")).await;
        assert_eq!(response.status, 200, "{response:?}");
        response.json()["buckets"][0]["stats"].clone()
    };
    let x = |stats: &Value| stats["x"].clone();
    assert_eq!(
        x(&chosen("stats=min,max,mean").await),
        json!({"min_value": 1.0, "max_value": 3.0, "mean": 2.0})
    );
    assert_eq!(x(&chosen("stats=count").await), json!({"count": 3}));
    assert_eq!(x(&chosen("stats=median").await), json!({"median": 2.0}));
    assert_eq!(x(&chosen("stats=sum,stddev").await), json!({"sum": 6.0, "stddev": 1.0}));
    let with_magnitude = chosen("stats=count,iqr,range&magnitude=true").await;
    assert_eq!(x(&with_magnitude), json!({"count": 3, "iqr": 1.0, "range": 2.0}));
    assert_eq!(with_magnitude["magnitude"]["count"], 3);
    let whole = chosen("stats=min,max,count,sum,median").await;
    assert_eq!(whole, chosen("timezone=UTC").await);
    let refused = api.get(&format!("{SERIES}?interval=PT1H&stats=min,mode")).await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.json()["detail"][0]["loc"], json!(["query", "stats", 1]));
}
