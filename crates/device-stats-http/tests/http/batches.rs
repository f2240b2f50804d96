//! Tests of batches as JSON and CSV, for one device and for many devices: all readings are stored, or none.

use serde_json::{Value, json};

use crate::server::{Api, BATCH, CSV, MIXED, READINGS, Response, over_both_stores};

over_both_stores!(
    stored_and_repeated_readings_are_counted,
    readings_of_many_devices_are_counted,
    repeats_with_other_values_are_conflicts,
    conflicts_of_large_batches_are_counted,
    json_faults_name_row_and_field,
    json_faults_of_many_devices_name_row_and_field,
    csv_is_accepted,
    csv_faults_name_row_and_field,
    csv_faults_of_many_devices_name_row_and_line,
    rows_without_times_get_distinct_times_in_order,
);

async fn csv(api: Api, path: &str, text: &str) -> Response {
    api.send("POST", path, &[CSV], Some(text.as_bytes())).await
}

fn at(second: u32, x: f64) -> Value {
    json!({"x": x, "y": 0, "z": 0, "timestamp": format!("2026-11-23T00:00:{second:02}Z")})
}

async fn xs(api: Api, path: &str) -> Vec<f64> {
    api.list(path).await.iter().map(|reading| reading["x"].as_f64().unwrap()).collect()
}

async fn stored_and_repeated_readings_are_counted(api: Api) {
    api.device("d").await;
    for (rows, expected) in [
        (json!([]), (0, 0)),
        (json!([at(1, 1.0), at(2, 2.0), at(1, 9.0)]), (2, 1)),
        (json!([at(1, 1.0), at(2, 2.0), at(1, 9.0)]), (0, 3)),
        (json!([at(3, 3.0), at(2, 8.0)]), (1, 1)),
    ] {
        assert_eq!(api.post(BATCH, &rows).await.counts(), expected, "{rows}");
    }
    assert_eq!(csv(api, BATCH, "x,y,z\n").await.counts(), (0, 0));
    let repeated = "timestamp,x,y,z\n2026-11-23T00:00:03Z,7,7,7\n2026-11-23T00:00:04Z,4,4,4\n";
    assert_eq!(csv(api, BATCH, repeated).await.counts(), (1, 1));
    assert_eq!(xs(api, READINGS).await, [4.0, 3.0, 2.0, 1.0]);
}

async fn readings_of_many_devices_are_counted(api: Api) {
    let row = |device: &str, second, x| {
        let mut row = at(second, x);
        row["device_id"] = json!(device);
        row
    };
    api.device("d").await;
    api.device("e").await;
    let rows = json!([row("d", 1, 1.0), row("e", 1, 2.0), row("d", 1, 3.0), row("e", 2, 4.0)]);
    assert_eq!(api.post(MIXED, &rows).await.counts(), (3, 1));
    assert_eq!(api.post(MIXED, &rows).await.counts(), (0, 4));
    assert_eq!(api.post(MIXED, "[]").await.counts(), (0, 0));
    let table = "device_id,x,y,z,timestamp\nd,5,0,0,2026-11-23T00:00:05Z\ne,6,0,0,2026-11-23T00:00:01Z\n";
    assert_eq!(csv(api, MIXED, table).await.counts(), (1, 1));
    assert_eq!(xs(api, READINGS).await, [5.0, 1.0]);
    assert_eq!(xs(api, "/api/v1/stats/devices/e").await, [4.0, 2.0]);
}

/// A device that was set up twice sent other values for the same times. They were counted like repeats.
async fn repeats_with_other_values_are_conflicts(api: Api) {
    api.device("d").await;
    assert_eq!(api.post(BATCH, json!([at(1, 1.0), at(2, 2.0), at(1, 9.0), at(1, 1.0)])).await.conflicts(), 1);
    for (rows, conflicts) in [
        (json!([]), 0),
        (json!([at(1, 1.0), at(2, 2.0)]), 0),
        (json!([at(1, 9.0), at(2, 2.0), at(2, 8.0), at(3, 3.0)]), 2),
        (json!([at(3, 0.0), at(3, -0.0)]), 2),
    ] {
        assert_eq!(api.post(BATCH, &rows).await.conflicts(), conflicts, "{rows}");
    }
    // The smallest difference of a number, on each axis.
    for axis in ["x", "y", "z"] {
        let mut row = at(1, 1.0);
        let value = row[axis].as_f64().unwrap();
        row[axis] = json!(f64::from_bits(value.to_bits() + 1));
        assert_eq!(api.post(BATCH, json!([row])).await.conflicts(), 1, "{axis}");
    }
    let table = "x,y,z,timestamp\n1.0,0,0,2026-11-23T00:00:01Z\n2.5,0,0,2026-11-23T00:00:02Z\n";
    assert_eq!(csv(api, BATCH, table).await.conflicts(), 1);
    let reading = api.post(READINGS, at(2, 7.0)).await;
    assert_eq!((reading.status, &reading.json()["x"]), (201, &json!(2.0)));
    assert_eq!(xs(api, READINGS).await, [3.0, 2.0, 1.0]);
}

/// Such a batch becomes a segment at once.
async fn conflicts_of_large_batches_are_counted(api: Api) {
    api.device("d").await;
    let row = |n: u32, x: f64| json!({"x": x, "y": 0, "z": 0, "timestamp": 1_795_428_000 + n});
    let mut rows: Vec<Value> = (0..5_000).map(|n| row(n, n.into())).collect();
    let all = json!(rows);
    rows.extend([row(7, 7.0), row(7, 0.5), row(9, 0.5), row(7, 0.5)]);
    let response = api.post(BATCH, json!(rows)).await;
    assert_eq!((response.counts(), response.conflicts()), ((5_000, 4), 3));
    let response = api.post(BATCH, json!(rows)).await;
    assert_eq!((response.counts(), response.conflicts()), ((0, 5_004), 3));
    let response = api.post(BATCH, all).await;
    assert_eq!((response.counts(), response.conflicts()), ((0, 5_000), 0));
}

async fn json_faults_name_row_and_field(api: Api) {
    api.device("d").await;
    let mut rows: Vec<Value> = (0..20).map(|second| at(second, 1.0)).collect();
    rows[17]["x"] = json!("1e999");
    let response = api.post(BATCH, json!(rows)).await;
    assert_eq!(response.json()["detail"][0]["loc"], json!(["body", 17, "x"]));
    rows[3]["unit"] = json!("m");
    rows[4] = json!([1, 2, 3]);
    rows[5]["timestamp"] = json!("soon");
    let expected = "422 extra_forbidden body.3.unit, model_attributes_type body.4, \
        datetime_from_date_parsing body.5.timestamp, finite_number body.17.x";
    assert_eq!(api.post(BATCH, json!(rows)).await.brief(), expected);
    for (body, expected) in [
        ("{}", "422 list_type body"),
        ("null", "422 list_type body"),
        ("1", "422 list_type body"),
        (r#"[{"x":1,"y":2,"z":3,"device_id":"d"}]"#, "422 extra_forbidden body.0.device_id"),
        (r#"[{"x":1,"x":1,"y":2,"z":3}]"#, "422 repeated body.0.x"),
        (r#"[{"x":"a"},"#, "422 json_invalid body.11"),
        (r#"[{"x":1,"y":2,"z":3}]x"#, "422 json_invalid body.21"),
        ("[null]", "422 model_attributes_type body.0"),
    ] {
        assert_eq!(api.post(BATCH, body).await.brief(), expected, "{body}");
    }
    let unknown = api.post("/api/v1/stats/devices/none/batch", "[]").await;
    assert_eq!(unknown.brief(), "404 Device not found");
    assert!(api.list(READINGS).await.is_empty());
}

async fn json_faults_of_many_devices_name_row_and_field(api: Api) {
    api.device("d").await;
    for (body, expected) in [
        (
            r#"[{"device_id":"d","x":1,"y":2,"z":3},{"device_id":"no","x":1,"y":2,"z":3}]"#,
            "422 device_not_found body.1.device_id",
        ),
        (r#"[{"x":1,"y":2}]"#, "422 missing body.0.device_id, missing body.0.z"),
        (r#"[{"device_id":"","x":1,"y":2,"z":3}]"#, "422 string_too_short body.0.device_id"),
        (r#"[{"device_id":null,"x":1,"y":2,"z":3}]"#, "422 string_type body.0.device_id"),
        (r#"[{"device_id":"d","x":1,"y":2,"z":3,"q":0}]"#, "422 extra_forbidden body.0.q"),
    ] {
        assert_eq!(api.post(MIXED, body).await.brief(), expected, "{body}");
    }
    assert!(api.list(READINGS).await.is_empty());
}

async fn csv_is_accepted(api: Api) {
    api.device("d").await;
    api.device("a,\"b\"").await;
    for (table, count) in [
        ("x,y,z\n1,2,3\n", 1),
        ("x,y,z\r\n1,2,3\r\n4,5,6\r\n", 2),
        ("z,timestamp,y,x\n3,,2,1\n", 1),
        ("x,y,z\n1,2,3", 1),
        ("\"x\",\"y\",\"z\"\n\"1\",\" 2 \",\"3\"\n", 1),
        ("\u{feff}x,y,z\n1,2,3\n", 1),
        ("x,y,z\n\n1,2,3\n\n", 1),
    ] {
        assert_eq!(csv(api, BATCH, table).await.counts(), (count, 0), "{table}");
    }
    let newest = &api.list(READINGS).await[0];
    assert_eq!((&newest["x"], &newest["y"], &newest["z"]), (&json!(1.0), &json!(2.0), &json!(3.0)));
    let quoted = "device_id,x,y,z\n\"a,\"\"b\"\"\",1,2,3\n";
    assert_eq!(csv(api, MIXED, quoted).await.counts(), (1, 0));
    assert_eq!(api.list("/api/v1/stats/devices/a%2C%22b%22").await.len(), 1);
}

async fn csv_faults_name_row_and_field(api: Api) {
    api.device("d").await;
    for (table, expected) in [
        ("", "422 missing body"),
        ("\n", "422 missing body.header.x, missing body.header.y, missing body.header.z"),
        ("x,y\n1,2\n", "422 missing body.header.z"),
        ("x,y,z,x\n1,2,3,4\n", "422 repeated body.header.x"),
        ("x,y,z,unit\n1,2,3,m\n", "422 extra_forbidden body.header.unit"),
        ("X,y,z\n1,2,3\n", "422 missing body.header.x, extra_forbidden body.header.X"),
        ("device_id,x,y,z\nd,1,2,3\n", "422 extra_forbidden body.header.device_id"),
        (
            "1,2,3\n",
            "422 missing body.header.x, missing body.header.y, missing body.header.z, \
            extra_forbidden body.header.1, extra_forbidden body.header.2, extra_forbidden body.header.3",
        ),
        ("x,y,z\n1,2,3\n1,2\n", "422 csv_invalid body.1"),
        ("x,y,z\n1,2,3,4\n", "422 csv_invalid body.0"),
        ("x,y,z\n1,,nan\n", "422 float_parsing body.0.y, finite_number body.0.z"),
        (
            "x;y;z\n1;2;3\n",
            "422 missing body.header.x, missing body.header.y, missing body.header.z, \
            extra_forbidden body.header.x;y;z",
        ),
        ("x,y,z,timestamp\n1,2,3,soon\n", "422 datetime_from_date_parsing body.0.timestamp"),
        ("x,y,z\n\"1,2,3\n4,5,6\n", "422 csv_invalid body.0"),
        // Not RFC 4180: x was stored as 12, and z as 3.
        ("x,y,z\n\"1\"2,2,3\n", "422 csv_invalid body.0"),
        ("x,y,z\n1,2,\"3", "422 csv_invalid body.0"),
        ("x,y,z\n1,2,3\"\n", "422 csv_invalid body.0"),
        ("x,y,z\n1,2, \"3\"\n", "422 csv_invalid body.0"),
        ("x,y,\"z\"x\n1,2,3\n", "422 csv_invalid body.header"),
    ] {
        let response = csv(api, BATCH, table).await;
        assert_eq!(response.brief(), expected, "{table}");
    }
    let table = "x,y,z\n1,2,3\n1,2,3\n1,a,3\n1,2\n";
    let faults = csv(api, BATCH, table).await.json()["detail"].take();
    assert_eq!((&faults[0]["loc"], &faults[0]["ctx"]["line"]), (&json!(["body", 2, "y"]), &json!(4)));
    assert_eq!((&faults[1]["loc"], &faults[1]["ctx"]["line"]), (&json!(["body", 3]), &json!(5)));
    csv_lines(api).await;
    assert!(api.list(READINGS).await.is_empty());
}

/// Lines are counted as in an editor, with any line ending.
async fn csv_lines(api: Api) {
    let lines = async |table: &str| {
        let faults = csv(api, BATCH, table).await.json()["detail"].take();
        faults.as_array().unwrap().iter().map(|fault| fault["line"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(lines("x,y,z\r\n1,2,3\r\n\r\na,2,3\r\n1,2\r\n").await, [4, 5]);
    assert_eq!(lines("\n\nx,y,z\n\n\na,2,3\n").await, [6]);
    assert_eq!(lines("x,y,z\n\"\n1\n\",2,3\n\"1\n\",b,3\n").await, [5]);
    assert_eq!(lines("\nx,y\n").await, [2]);
}

async fn csv_faults_of_many_devices_name_row_and_line(api: Api) {
    api.device("d").await;
    for (table, expected) in [
        ("x,y,z\n1,2,3\n", "422 missing body.header.device_id"),
        ("device_id,x,y,z\nd,1,2,3\nno,1,2,3\n", "422 device_not_found body.1.device_id"),
        ("device_id,x,y,z\n,1,2,3\n", "422 string_too_short body.0.device_id"),
    ] {
        assert_eq!(csv(api, MIXED, table).await.brief(), expected, "{table}");
    }
    let response = csv(api, MIXED, "device_id,x,y,z\r\nd,1,2,3\r\n\r\nno,1,2,3\r\n").await;
    assert_eq!(
        (response.brief().as_str(), &response.json()["detail"][0]["line"]),
        ("422 device_not_found body.1.device_id", &json!(4))
    );
    assert!(api.list(READINGS).await.is_empty());
}

async fn rows_without_times_get_distinct_times_in_order(api: Api) {
    api.device("d").await;
    let rows: Vec<Value> = (0..50).map(|x| json!({"x": x, "y": 0, "z": 0})).collect();
    assert_eq!(api.post(BATCH, json!(rows)).await.counts(), (50, 0));
    let table: String = (50..100).fold("x,y,z\n".to_owned(), |table, x| format!("{table}{x},0,0\n"));
    assert_eq!(csv(api, MIXED.replace("batch", "devices/d/batch").as_str(), &table).await.counts(), (50, 0));
    let expected: Vec<f64> = (0..100).rev().map(f64::from).collect();
    assert_eq!(xs(api, READINGS).await, expected);
}
