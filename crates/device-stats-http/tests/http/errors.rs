//! The form of errors: for clients of version 1, for RFC 9457, and with all faults at once.

use serde_json::{Value, json};

use crate::served::{Answer, Api, JSON, over_both_stores};

over_both_stores!(forms, problems, all_faults_at_once, request_ids, at_most_a_hundred_faults);

const ID: &str = "x-request-id: r-1";

fn text(answer: &Answer) -> String {
    String::from_utf8(answer.body.clone()).unwrap()
}

async fn forms(api: Api) {
    let answer = api.send("GET", "/nothing", &[ID], None).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
    insta::allow_duplicates! { insta::assert_snapshot!(text(&answer), @r#"{"detail":"Not Found","code":"unknown_path","request_id":"r-1"}"#) };
    let answer = api.send("PATCH", "/api/v1/users", &[ID], None).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&answer), @r#"{"detail":"Method Not Allowed","code":"unknown_method","request_id":"r-1"}"#) };
    let answer = api.send("GET", "/api/v1/users/7", &[ID], None).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&answer), @r#"{"detail":"User not found","code":"user_not_found","request_id":"r-1"}"#) };
    let answer = api.send("GET", "/api/v1/users?limit=0", &[ID], None).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&answer), @r#"{"detail":[{"type":"greater_than_equal","loc":["query","limit"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}],"code":"invalid_request","request_id":"r-1"}"#) };
    let answer = api.send("POST", "/api/v1/users", &[ID, JSON], Some(br#"{"username":1}"#)).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&answer), @r#"{"detail":[{"type":"string_type","loc":["body","username"],"msg":"Input should be a valid string","input":1},{"type":"missing","loc":["body","email"],"msg":"Field required","input":{"username":1}}],"code":"invalid_request","request_id":"r-1"}"#) };
}

async fn problems(api: Api) {
    let accept = "accept: application/json;q=0.5, application/problem+json";
    let answer = api.send("GET", "/api/v1/users/7", &[ID, accept], None).await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    insta::allow_duplicates! { insta::assert_snapshot!(text(&answer), @r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"User not found","instance":"urn:request:r-1","code":"user_not_found"}"#) };
    let answer = api.send("GET", "/api/v1/users?limit=0", &[ID, accept], None).await;
    let problem = answer.json();
    assert_eq!((answer.status, &problem["status"]), (422, &json!(422)));
    assert!(problem["detail"].is_string());
    assert_eq!(problem["errors"][0]["loc"], json!(["query", "limit"]));
    let answer = api.send("TRACE", "/api/v1/users", &[accept], None).await;
    assert!(answer.status == 405 && answer.header("allow").is_some());
    let answer = api.send("GET", "/api/v1/users", &[accept], None).await;
    assert_eq!(answer.header("content-type"), Some("application/json"));
}

async fn all_faults_at_once(api: Api) {
    api.device("d").await;
    let answer = api.get("/api/v1/stats/devices/d?limit=0&end_time=x&start_time=y&skip=z").await;
    assert_eq!(
        answer.brief(),
        "422 datetime_from_date_parsing query.start_time, datetime_from_date_parsing query.end_time, \
         int_parsing query.skip, greater_than_equal query.limit"
    );
    let answer = api.put("/api/v1/users/abc", json!({"email": 5, "username": ""})).await;
    assert_eq!(
        answer.brief(),
        "422 int_parsing path.user_id, string_too_short body.username, string_type body.email"
    );
    let answer = api.post("/api/v1/stats/devices/d", json!({"x": "a", "z": null, "timestamp": "b"})).await;
    assert_eq!(
        answer.brief(),
        "422 float_parsing body.x, missing body.y, float_type body.z, \
         datetime_from_date_parsing body.timestamp"
    );
    let answer = api.post("/api/v1/stats/users/abc/analyze", json!({"start_time": true})).await;
    assert_eq!(answer.brief(), "422 int_parsing path.user_id, datetime_type body.start_time");
}

async fn request_ids(api: Api) {
    let long = format!("x-request-id: {}", "x".repeat(129));
    for header in ["x-request-id: a b", "x-request-id: ", &long, "x: y"] {
        let answer = api.send("GET", "/nothing", &[header], None).await;
        let id = answer.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 36, "{header}");
        assert_eq!(answer.json()["request_id"], Value::String(id), "{header}");
    }
    let answer = api.send("GET", "/health/ready", &[ID], None).await;
    assert_eq!((answer.status, answer.header("x-request-id")), (200, Some("r-1")));
}

async fn at_most_a_hundred_faults(api: Api) {
    api.device("d").await;
    let rows = format!("[{}]", vec![r#"{"x":"a"}"#; 1000].join(","));
    let answer = api.post("/api/v1/stats/devices/d/batch", rows).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["detail"].as_array().map(Vec::len), Some(100));
    let rows: Vec<_> = (0..1000).map(|_| json!({"device_id": "none", "x": 1, "y": 2, "z": 3})).collect();
    let answer = api.post("/api/v1/stats/batch", json!(rows)).await;
    assert_eq!(answer.status, 422);
    assert_eq!(answer.json()["detail"].as_array().map(Vec::len), Some(100));
}
