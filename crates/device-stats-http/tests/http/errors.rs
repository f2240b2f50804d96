//! The form of errors: by the contract and by RFC 9457, with all faults at once.

use device_stats_domain::{Token, TokenKind};
use serde_json::{Value, json};

use crate::server::{Api, BATCH, CSV, JSON, MIXED, READINGS, Response, over_both_stores};

over_both_stores!(
    errors_have_the_form_of_the_contract,
    errors_have_the_form_of_rfc_9457_on_request,
    all_faults_are_listed_at_once,
    every_response_has_a_request_id,
    at_most_a_hundred_faults_are_listed,
    errors_name_what_is_missing,
    no_error_shows_a_token
);

const ID: &str = "x-request-id: r-1";

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

async fn errors_have_the_form_of_the_contract(api: Api) {
    let response = api.send("GET", "/nothing", &[ID], None).await;
    assert_eq!(response.header("content-type"), Some("application/json"));
    insta::allow_duplicates! { insta::assert_snapshot!(text(&response), @r#"{"detail":"Not Found","code":"unknown_path","request_id":"r-1"}"#) };
    let response = api.send("PATCH", "/api/v1/users", &[ID], None).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&response), @r#"{"detail":"Method Not Allowed","code":"unknown_method","request_id":"r-1"}"#) };
    let response = api.send("GET", "/api/v1/users/7", &[ID], None).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&response), @r#"{"detail":"User not found","code":"user_not_found","request_id":"r-1"}"#) };
    let response = api.send("GET", "/api/v1/users?limit=0", &[ID], None).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&response), @r#"{"detail":[{"type":"greater_than_equal","loc":["query","limit"],"msg":"Input should be greater than or equal to 1","input":"0","ctx":{"ge":1}}],"code":"invalid_request","request_id":"r-1"}"#) };
    let response = api.send("POST", "/api/v1/users", &[ID, JSON], Some(br#"{"username":1}"#)).await;
    insta::allow_duplicates! { insta::assert_snapshot!(text(&response), @r#"{"detail":[{"type":"string_type","loc":["body","username"],"msg":"Input should be a valid string","input":1},{"type":"missing","loc":["body","email"],"msg":"Field required","input":{"username":1}}],"code":"invalid_request","request_id":"r-1"}"#) };
}

async fn errors_have_the_form_of_rfc_9457_on_request(api: Api) {
    let accept = "accept: application/json;q=0.5, application/problem+json";
    let response = api.send("GET", "/api/v1/users/7", &[ID, accept], None).await;
    assert_eq!(response.header("content-type"), Some("application/problem+json"));
    insta::allow_duplicates! { insta::assert_snapshot!(text(&response), @r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"User not found","instance":"urn:request:r-1","code":"user_not_found"}"#) };
    let response = api.send("GET", "/api/v1/users?limit=0", &[ID, accept], None).await;
    let problem = response.json();
    assert_eq!((response.status, &problem["status"]), (422, &json!(422)));
    assert!(problem["detail"].is_string());
    assert_eq!(problem["errors"][0]["loc"], json!(["query", "limit"]));
    let response = api.send("TRACE", "/api/v1/users", &[accept], None).await;
    assert!(response.status == 405 && response.header("allow").is_some());
    let response = api.send("GET", "/api/v1/users", &[accept], None).await;
    assert_eq!(response.header("content-type"), Some("application/json"));
}

async fn all_faults_are_listed_at_once(api: Api) {
    api.device("d").await;
    let response = api.get("/api/v1/stats/devices/d?limit=0&end_time=x&start_time=y&skip=z").await;
    assert_eq!(
        response.brief(),
        "422 datetime_from_date_parsing query.start_time, datetime_from_date_parsing query.end_time, \
         int_parsing query.skip, greater_than_equal query.limit"
    );
    let response = api.put("/api/v1/users/abc", json!({"email": 5, "username": ""})).await;
    assert_eq!(
        response.brief(),
        "422 int_parsing path.user_id, string_too_short body.username, string_type body.email"
    );
    let response = api.post("/api/v1/stats/devices/d", json!({"x": "a", "z": null, "timestamp": "b"})).await;
    assert_eq!(
        response.brief(),
        "422 float_parsing body.x, missing body.y, float_type body.z, \
         datetime_from_date_parsing body.timestamp"
    );
    let response = api.post("/api/v1/stats/users/abc/analyze", json!({"start_time": true})).await;
    assert_eq!(response.brief(), "422 int_parsing path.user_id, datetime_type body.start_time");
}

async fn every_response_has_a_request_id(api: Api) {
    let long = format!("x-request-id: {}", "x".repeat(129));
    for header in ["x-request-id: a b", "x-request-id: ", &long, "x: y"] {
        let response = api.send("GET", "/nothing", &[header], None).await;
        let id = response.header("x-request-id").unwrap().to_owned();
        assert_eq!(id.len(), 36, "{header}");
        assert_eq!(response.json()["request_id"], Value::String(id), "{header}");
    }
    let response = api.send("GET", "/health/ready", &[ID], None).await;
    assert_eq!((response.status, response.header("x-request-id")), (200, Some("r-1")));
}

async fn at_most_a_hundred_faults_are_listed(api: Api) {
    api.device("d").await;
    let rows = format!("[{}]", vec![r#"{"x":"a"}"#; 1000].join(","));
    let response = api.post("/api/v1/stats/devices/d/batch", rows).await;
    assert_eq!(response.status, 422);
    assert_eq!(response.json()["detail"].as_array().map(Vec::len), Some(100));
    let rows: Vec<_> = (0..1000).map(|_| json!({"device_id": "none", "x": 1, "y": 2, "z": 3})).collect();
    let response = api.post("/api/v1/stats/batch", json!(rows)).await;
    assert_eq!(response.status, 422);
    assert_eq!(response.json()["detail"].as_array().map(Vec::len), Some(100));
}

/// If one of several parameters is required, the error names all of them. If a body has another media type,
/// the error names the accepted ones.
async fn errors_name_what_is_missing(api: Api) {
    api.device("d").await;
    for (path, expected) in [
        ("/api/v1/stats/analysis", "Field required: give device_id, once for each device, or prefix"),
        (
            "/api/v1/stats/devices/d/series",
            "Field required: give interval, such as PT1H, or points, such as 800, the maximum number of buckets",
        ),
    ] {
        assert_eq!(api.get(path).await.json()["detail"][0]["msg"], expected);
    }
    let reading = br#"{"x":1,"y":2,"z":3}"#;
    for header in [&["content-type: application/x-www-form-urlencoded"][..], &[]] {
        let response = api.send("POST", "/api/v1/stats/devices/d", header, Some(reading)).await;
        assert_eq!(response.brief(), "422 model_attributes_type body");
        let msg = response.json()["detail"][0]["msg"].as_str().unwrap().to_owned();
        assert!(msg.ends_with("; send JSON with Content-Type: application/json"), "{msg}");
        let response = api.send("POST", "/api/v1/stats/devices/d/batch", header, Some(reading)).await;
        assert_eq!(response.status, 415);
        let detail = response.json()["detail"].as_str().unwrap().to_owned();
        for accepted in
            ["application/json", "application/x-ndjson", "text/csv", "application/vnd.apache.arrow.stream"]
        {
            assert!(detail.contains(accepted), "{detail}");
        }
    }
}

/// A client that had sent its token in a wrong place found it in the error, and in its own log.
async fn no_error_shows_a_token(api: Api) {
    api.device("d").await;
    let token = Token::from_random(TokenKind::User, &[0xAB; 32]);
    let token = token.expose();
    let key = format!("idempotency-key: {token}");
    let problem = [JSON, "accept: application/problem+json"];
    for (method, path, headers, body) in [
        ("GET", format!("/api/v1/me?token={token}"), &[][..], String::new()),
        ("GET", format!("/api/v1/me?{token}=1"), &[], String::new()),
        ("GET", format!("/api/v1/users/{token}"), &[], String::new()),
        ("GET", format!("/api/v1/users?limit={token}"), &problem, String::new()),
        ("GET", format!("/api/v1/stats/analysis?device_id={token}"), &[], String::new()),
        ("POST", "/api/v1/session".to_owned(), &[JSON], json!({"tokn": token}).to_string()),
        ("POST", "/api/v1/session".to_owned(), &[], token.to_owned()),
        ("POST", "/api/v1/users".to_owned(), &[JSON], json!({"username": "a", "email": token}).to_string()),
        ("POST", "/api/v1/devices".to_owned(), &problem, json!({"device_id": [token]}).to_string()),
        ("POST", READINGS.to_owned(), &[&key], r#"{"x":1,"y":2,"z":3}"#.to_owned()),
        ("POST", BATCH.to_owned(), &[JSON], json!([{"x": token, (token): 1}]).to_string()),
        ("POST", format!("{BATCH}?on_fault=skip"), &[CSV], format!("x,y,z\n1,{token},3\n")),
        ("POST", BATCH.to_owned(), &[CSV], format!("x,y,z,{token}\n1,2,3,4\n")),
        (
            "POST",
            MIXED.to_owned(),
            &[JSON],
            json!([{"device_id": token, "x": 1, "y": 2, "z": 3}]).to_string(),
        ),
        ("POST", "/write".to_owned(), &[], format!("m,device={token} x=1,y=2,z=3")),
    ] {
        let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
        let answer = text(&api.send(method, &path, headers, body).await);
        assert!(answer.contains("dss_u_q6urq6***"), "{method} {path} {answer}");
        assert!(!answer.contains(&token[12..40]), "{method} {path} {answer}");
    }
    let header = format!("x-request-id: {token}");
    let response = api.send("GET", "/nothing", &[&header], None).await;
    assert_eq!(response.header("x-request-id").map(str::len), Some(36), "another id");
}
