//! Synonyms of members and parameters: if they were ignored, a request would have another meaning.

use serde_json::{Value, json};

use crate::server::{Api, READINGS, over_both_stores};

over_both_stores!(
    a_misnamed_time_of_a_reading_is_refused,
    a_misnamed_period_is_refused,
    a_misnamed_page_is_refused,
    a_misnamed_member_of_a_device_or_user_is_refused,
    unrelated_names_are_ignored
);

/// Returns the message of the only fault.
fn words(detail: &Value) -> &str {
    assert_eq!(detail.as_array().unwrap().len(), 1, "{detail}");
    detail[0]["msg"].as_str().unwrap()
}

/// `Timestamp` was ignored, so the reading was stored with the current time.
async fn a_misnamed_time_of_a_reading_is_refused(api: Api) {
    api.device("d").await;
    for name in
        ["Timestamp", "TIMESTAMP", "time", "ts", "Time", "date", "dateTime", "date_time", "recorded_at"]
    {
        let response = api.post(READINGS, json!({"x": 1, "y": 2, "z": 3, (name): "2020-01-01"})).await;
        assert_eq!(response.brief(), format!("422 extra_forbidden body.{name}"));
        let expected = "Extra inputs are not permitted; use the name timestamp";
        assert_eq!(words(&response.json()["detail"]), expected);
        let batch = json!([{"x": 1, "y": 2, "z": 3, (name): "2020-01-01"}]);
        let response = api.post(&format!("{READINGS}/batch"), batch).await;
        assert_eq!(words(&response.json()["detail"]), expected);
        let table = format!("x,y,z,{name}\n1,2,3,2020-01-01\n");
        let response = api
            .send("POST", &format!("{READINGS}/batch"), &["content-type: text/csv"], Some(table.as_bytes()))
            .await;
        assert_eq!(
            words(&response.json()["detail"]),
            "Extra columns are not permitted; use the name timestamp"
        );
    }
    let response =
        api.post(&format!("{READINGS}?timestamp=2020-01-01"), json!({"x": 1, "y": 2, "z": 3})).await;
    assert_eq!(
        words(&response.json()["detail"]),
        "Extra inputs are not permitted; timestamp is a member of the body"
    );
    let response = api.post(&format!("{READINGS}/batch?onFault=skip"), json!([])).await;
    assert_eq!(words(&response.json()["detail"]), "Extra inputs are not permitted; use the name on_fault");
    assert!(api.list(READINGS).await.is_empty());
}

/// `start` was ignored, so all readings were listed or analyzed.
async fn a_misnamed_period_is_refused(api: Api) {
    api.device("d").await;
    for (name, meant) in [
        ("start", "start_time"),
        ("from", "start_time"),
        ("since", "start_time"),
        ("begin", "start_time"),
        ("startTime", "start_time"),
        ("Start_Time", "start_time"),
        ("end", "end_time"),
        ("to", "end_time"),
        ("endtime", "end_time"),
        ("Until", "until"),
    ] {
        let words = format!("Extra inputs are not permitted; use the name {meant}");
        for path in ["", "/histogram", "/export", "/series"] {
            let interval = if path == "/series" { "&interval=P1D" } else { "" };
            let response = api.get(&format!("{READINGS}{path}?{name}=2026-11-23{interval}")).await;
            assert_eq!(response.brief(), format!("422 extra_forbidden query.{name}"), "{path}");
            assert_eq!(self::words(&response.json()["detail"]), words, "{path}");
        }
        let analyze = format!("{READINGS}/analyze");
        let response = api.post(&analyze, json!({(name): "2026-11-23"})).await;
        assert_eq!(response.brief(), format!("422 extra_forbidden body.{name}"));
        assert_eq!(self::words(&response.json()["detail"]), words);
        let response = api.post(&format!("{analyze}?{name}=2026-11-23"), json!({})).await;
        let words = format!("Extra inputs are not permitted; {meant} is a member of the body");
        assert_eq!(self::words(&response.json()["detail"]), words);
    }
    let response = api.post(&format!("{READINGS}/analyze?start_time=2026-11-23"), json!({})).await;
    assert_eq!(response.brief(), "422 extra_forbidden query.start_time");
}

async fn a_misnamed_page_is_refused(api: Api) {
    api.device("d").await;
    for path in ["/api/v1/users", "/api/v1/devices", READINGS] {
        for (query, name, meant) in [
            ("page=2", "page", "skip, a number of entries"),
            ("offset=5", "offset", "skip, a number of entries"),
            ("per_page=5", "per_page", "limit"),
            ("Limit=5", "Limit", "limit"),
        ] {
            let response = api.get(&format!("{path}?{query}")).await;
            assert_eq!(response.brief(), format!("422 extra_forbidden query.{name}"), "{path}");
            let expected = format!("Extra inputs are not permitted; use the name {meant}");
            assert_eq!(words(&response.json()["detail"]), expected);
        }
    }
}

async fn a_misnamed_member_of_a_device_or_user_is_refused(api: Api) {
    let user = api.user("ada").await;
    api.device("d").await;
    for (name, value) in [("userId", json!(user)), ("owner", json!(user)), ("Name", json!("n"))] {
        let response = api.post("/api/v1/devices", json!({"device_id": "e", (name): value})).await;
        assert_eq!(response.brief(), format!("422 extra_forbidden body.{name}"));
        let response = api.put("/api/v1/devices/d", json!({(name): value})).await;
        assert_eq!(response.brief(), format!("422 extra_forbidden body.{name}"));
    }
    let response = api.put(&format!("/api/v1/users/{user}"), json!({"mail": "eve@example.com"})).await;
    assert_eq!(response.brief(), "422 extra_forbidden body.mail");
}

async fn unrelated_names_are_ignored(api: Api) {
    api.device("d").await;
    let reading = json!({"x": 1, "y": 2, "z": 3, "unit": "g", "battery": 0.9, "id": 7, "timestamp": "2026-11-23", "ts": 1});
    assert_eq!(api.post(READINGS, reading).await.status, 201);
    let analysis = json!({"comment": "daily", "start_time": "2026-11-23", "from": "dashboard"});
    assert_eq!(api.post(&format!("{READINGS}/analyze"), analysis).await.status, 200);
    assert_eq!(api.get("/api/v1/devices?sort=id&skip=0&page=1").await.status, 200);
    assert_eq!(
        api.post("/api/v1/devices", json!({"device_id": "e", "id": 9, "model": "A"})).await.status,
        201
    );
}
