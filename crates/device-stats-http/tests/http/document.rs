//! Tests of the OpenAPI document: it is complete and current, and the service returns exactly the documented
//! responses.

use std::collections::BTreeSet;
use std::path::Path;

use device_stats_formats::limits::BATCH_BYTES_MAX;
use device_stats_http::limits::BODY_BYTES_MAX;
use device_stats_http::openapi;
use serde_json::Value;

use crate::server::{Api, JSON, over_both_stores};

over_both_stores!(
    every_documented_status_is_returned_and_no_other,
    every_documented_word_is_accepted,
    the_document_is_served
);

fn document() -> Value {
    serde_json::from_str(&openapi()).unwrap()
}

/// Returns each operation with its path and method.
fn operations(document: &Value) -> Vec<(String, String, &Value)> {
    let paths = document["paths"].as_object().unwrap().iter();
    let operations = paths.flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| (path.clone(), method.to_uppercase(), operation))
    });
    operations.collect()
}

#[test]
fn the_committed_document_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json");
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(committed == openapi(), "run: cargo run -- openapi > docs/openapi.json");
}

#[test]
fn every_operation_and_parameter_is_described() {
    let document = document();
    let mut ids = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        assert!(operation["summary"].is_string(), "{name} has no summary");
        assert!(operation["tags"][0].is_string(), "{name} has no tag");
        let id = operation["operationId"].as_str().unwrap_or_else(|| panic!("{name} has no operationId"));
        assert!(ids.insert(id.to_owned()), "{id} is used twice");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            assert!(parameter["description"].is_string(), "{name}: {parameter}");
            assert!(parameter["example"] != Value::Null, "{name}: {parameter}");
        }
        let statuses = operation["responses"].as_object().unwrap();
        for (status, response) in statuses {
            assert!(response["description"].is_string(), "{name} {status}");
            let content = response["content"].as_object().into_iter().flatten();
            let schemas: Vec<&Value> = content.map(|(_, content)| &content["schema"]).collect();
            let is_empty = matches!(status.as_str(), "204" | "304");
            assert_eq!(schemas.is_empty(), is_empty, "{name} {status}");
            assert!(schemas.iter().all(|schema| schema.is_object()), "{name} {status}");
            let is_json = !response["content"]["application/json"].is_null();
            assert_eq!(!is_json, is_empty || is_stream(&path) && status == "200", "{name} {status}");
        }
        assert!(statuses.contains_key("500"), "{name}");
        // Without the database, or in an overload.
        let may_be_refused = path != "/health/live";
        assert_eq!(statuses.contains_key("503"), may_be_refused, "{name}");
        let has_body = operation.get("requestBody").is_some();
        for status in ["408", "413", "415"] {
            assert_eq!(statuses.contains_key(status), has_body, "{name} {status}");
        }
        let in_api = !path.starts_with("/health/");
        for status in ["400", "421", "429"] {
            assert_eq!(statuses.contains_key(status), in_api, "{name} {status}");
        }
        let needs_token = in_api && !matches!(path.as_str(), "/api/v1/version" | "/api/v1/session");
        for status in ["401", "403"] {
            let is_known = statuses.contains_key(status);
            assert!(is_known == needs_token || path == "/api/v1/session", "{name} {status}");
        }
        assert_eq!(operation.get("security").is_some(), needs_token, "{name}");
        let parameters = operation["parameters"].as_array().into_iter().flatten();
        let writes = method != "GET" || parameters.into_iter().any(|one| one["name"] == "magnitude");
        assert_eq!(statuses.contains_key("507"), writes, "{name}");
    }
}

#[test]
fn every_property_is_described() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        assert!(schema["description"].is_string(), "{name} has no description");
        let parts = schema["allOf"].as_array().into_iter().flatten().chain([schema]);
        for (property, about) in parts.filter_map(|part| part["properties"].as_object()).flatten() {
            // The description of a nullable reference is next to the reference.
            let described = about["description"].is_string()
                || about["$ref"].is_string()
                || about["oneOf"][0]["description"].is_string();
            assert!(described, "{name}.{property} has no description");
            // A property that refers to other schemas shows their examples.
            let composed = about.to_string().contains("$ref");
            assert!(
                composed || about.get("example").or(about.get("examples")).is_some(),
                "{name}.{property} has no example"
            );
        }
    }
    let text = openapi();
    for part in text.split("#/components/schemas/").skip(1) {
        let name = part.split('"').next().unwrap();
        assert!(schemas.contains_key(name), "{name} is missing");
    }
}

const READING: &str = r#"{"x":1,"y":2,"z":3}"#;
const DATED_READING: &str = r#"{"x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:00Z"}"#;

/// Requests that together get every 2xx and 4xx response of each operation, except the errors of its body.
const REQUESTS: [(&str, &str, &str, u16); 146] = [
    ("GET", "/health/live", "", 200),
    ("GET", "/health/ready", "", 200),
    ("GET", "/api/v1/version", "", 200),
    ("GET", "/api/v1/version?x=1", "", 422),
    ("GET", "/api/v1/me", "", 200),
    ("GET", "/api/v1/me?x=1", "", 422),
    ("POST", "/api/v1/session", "{}", 422),
    ("POST", "/api/v1/tokens", r#"{"for":"admin"}"#, 403),
    ("POST", "/api/v1/tokens", "{}", 422),
    ("GET", "/api/v1/audit", "", 200),
    ("GET", "/api/v1/audit?order=up", "", 422),
    ("GET", "/api/v1/tokens", "", 200),
    ("GET", "/api/v1/tokens?limit=0", "", 422),
    ("POST", "/api/v1/users", r#"{"username":"ada","email":"ada@example.com"}"#, 201),
    ("POST", "/api/v1/users", r#"{"username":"ada","email":"ada@example.com"}"#, 400),
    ("POST", "/api/v1/users", "{}", 422),
    ("GET", "/api/v1/users", "", 200),
    ("GET", "/api/v1/users?limit=0", "", 422),
    ("GET", "/api/v1/users/1", "", 200),
    ("GET", "/api/v1/users/9", "", 404),
    ("GET", "/api/v1/users/x", "", 422),
    ("POST", "/api/v1/users", r#"{"username":"eve","email":"eve@example.com"}"#, 201),
    ("PUT", "/api/v1/users/1", "{}", 200),
    ("PUT", "/api/v1/users/1", r#"{"username":"eve"}"#, 400),
    ("PUT", "/api/v1/users/9", "{}", 404),
    ("PUT", "/api/v1/users/1", "[]", 422),
    ("POST", "/api/v1/devices", r#"{"device_id":"d","user_id":1}"#, 201),
    ("POST", "/api/v1/devices", r#"{"device_id":"d"}"#, 400),
    ("POST", "/api/v1/devices", "{}", 422),
    ("GET", "/api/v1/devices", "", 200),
    ("GET", "/api/v1/devices?skip=x", "", 422),
    ("GET", "/api/v1/devices/d", "", 200),
    ("GET", "/api/v1/devices/none", "", 404),
    ("GET", "/api/v1/devices/d?include=x", "", 422),
    ("PUT", "/api/v1/devices/d", r#"{"name":"n"}"#, 200),
    ("PUT", "/api/v1/devices/d", r#"{"user_id":9}"#, 400),
    ("PUT", "/api/v1/devices/none", "{}", 404),
    ("PUT", "/api/v1/devices/d", r#"{"user_id":"x"}"#, 422),
    ("POST", "/api/v1/stats/devices/d/analyze", "{}", 404),
    ("POST", "/api/v1/stats/users/1/analyze", "{}", 404),
    ("POST", "/api/v1/stats/devices/d", READING, 201),
    ("POST", "/api/v1/stats/devices/d", DATED_READING, 201),
    ("POST", "/api/v1/stats/devices/none", READING, 404),
    ("POST", "/api/v1/stats/devices/d", "{}", 422),
    ("GET", "/api/v1/stats/devices/d", "", 200),
    ("GET", "/api/v1/stats/devices/none", "", 404),
    ("GET", "/api/v1/stats/devices/d?end_time=x", "", 422),
    ("POST", "/api/v1/stats/devices/d/batch", "[]", 201),
    ("POST", "/api/v1/stats/devices/none/batch", "[]", 404),
    ("POST", "/api/v1/stats/devices/d/batch", "{}", 422),
    ("POST", "/api/v1/stats/batch", "[]", 201),
    ("POST", "/api/v1/stats/batch", "[{}]", 422),
    ("POST", "/api/v1/write", "m,device=d x=1,y=2,z=3", 204),
    ("POST", "/api/v1/write?on_fault=skip", "m", 200),
    ("POST", "/api/v1/write?precision=h", "m,device=d x=1,y=2,z=3 1", 422),
    ("POST", "/api/v1/stats/devices/d/analyze", "null", 200),
    ("POST", "/api/v1/stats/devices/none/analyze", "{}", 404),
    ("POST", "/api/v1/stats/devices/d/analyze", "[]", 422),
    ("POST", "/api/v1/stats/users/1/analyze", "", 200),
    ("POST", "/api/v1/stats/users/9/analyze", "", 404),
    ("POST", "/api/v1/stats/users/x/analyze", "", 422),
    ("GET", "/api/v1/stats/devices/d/analysis", "", 200),
    ("GET", "/api/v1/stats/devices/d/analysis?until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/devices/none/analysis", "", 404),
    ("GET", "/api/v1/stats/devices/d/analysis?stats=x", "", 422),
    ("GET", "/api/v1/stats/users/1/analysis", "", 200),
    ("GET", "/api/v1/stats/users/1/analysis?until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/users/9/analysis", "", 404),
    ("GET", "/api/v1/stats/users/x/analysis", "", 422),
    ("GET", "/api/v1/stats/analysis?device_id=d", "", 200),
    ("GET", "/api/v1/stats/analysis?device_id=d&until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/analysis?device_id=none", "", 404),
    ("GET", "/api/v1/stats/analysis", "", 422),
    ("GET", "/api/v1/stats/latest", "", 200),
    ("GET", "/api/v1/stats/latest?device_id=none", "", 404),
    ("GET", "/api/v1/stats/latest?limit=0", "", 422),
    ("GET", "/api/v1/stats/status?points=2", "", 200),
    ("GET", "/api/v1/stats/status?device_id=none", "", 404),
    ("GET", "/api/v1/stats/status?state=x", "", 422),
    ("GET", "/api/v1/stats/fleet", "", 200),
    ("GET", "/api/v1/stats/fleet?user_id=9", "", 404),
    ("GET", "/api/v1/stats/fleet?user_id=x", "", 422),
    ("GET", "/api/v1/stats/devices/d/latest", "", 200),
    ("GET", "/api/v1/stats/devices/none/latest", "", 404),
    ("GET", "/api/v1/stats/devices/d/latest?limit=1", "", 422),
    ("GET", "/api/v1/stats/devices/d/readings/2026-11-23T10:00:00Z", "", 200),
    ("GET", "/api/v1/stats/devices/d/readings/2026-11-24", "", 404),
    ("GET", "/api/v1/stats/devices/d/readings/x", "", 422),
    ("GET", "/api/v1/devices?user_id=9", "", 404),
    ("GET", "/api/v1/stats/devices/d/series?interval=P1D", "", 200),
    ("GET", "/api/v1/stats/devices/d/series?interval=P1D&until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/devices/none/series?interval=P1D", "", 404),
    ("GET", "/api/v1/stats/devices/d/series?interval=x", "", 422),
    ("GET", "/api/v1/stats/users/1/series?interval=P1D", "", 200),
    ("GET", "/api/v1/stats/users/1/series?interval=P1D&until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/users/9/series?interval=P1D", "", 404),
    ("GET", "/api/v1/stats/users/1/series?interval=x", "", 422),
    ("GET", "/api/v1/stats/users/x/series?interval=P1D", "", 422),
    ("GET", "/api/v1/stats/devices/d/histogram?bins=3", "", 200),
    ("GET", "/api/v1/stats/devices/d/histogram?until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/devices/none/histogram?bins=3", "", 404),
    ("GET", "/api/v1/stats/devices/d/histogram?bins=0", "", 422),
    ("GET", "/api/v1/stats/devices/d/path?points=8", "", 200),
    ("GET", "/api/v1/stats/devices/d/path?until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/devices/none/path", "", 404),
    ("GET", "/api/v1/stats/devices/d/path?points=7", "", 422),
    ("GET", "/api/v1/stats/users/1/histogram?bins=3", "", 200),
    ("GET", "/api/v1/stats/users/1/histogram?until=1970-01-02&if_empty=no_content", "", 204),
    ("GET", "/api/v1/stats/users/9/histogram?bins=3", "", 404),
    ("GET", "/api/v1/stats/users/1/histogram?bins=0", "", 422),
    ("GET", "/api/v1/stats/users/x/histogram?bins=3", "", 422),
    ("GET", "/api/v1/stats/devices/d/export", "", 200),
    ("GET", "/api/v1/stats/devices/none/export", "", 404),
    ("GET", "/api/v1/stats/devices/d/export?format=x", "", 422),
    ("GET", "/api/v1/stats/users/1/export", "", 200),
    ("GET", "/api/v1/stats/users/9/export", "", 404),
    ("GET", "/api/v1/stats/users/x/export", "", 422),
    ("GET", "/api/v1/stats/devices/d/live", "", 200),
    ("GET", "/api/v1/stats/devices/none/live", "", 404),
    ("GET", "/api/v1/stats/devices/d/live?rate=0", "", 422),
    ("GET", "/api/v1/stats/users/1/live", "", 200),
    ("GET", "/api/v1/stats/users/9/live", "", 404),
    ("GET", "/api/v1/stats/users/x/live", "", 422),
    ("GET", "/api/v1/service", "", 200),
    ("GET", "/api/v1/service?x=1", "", 422),
    ("GET", "/metrics", "", 200),
    ("GET", "/metrics?x=1", "", 422),
    ("POST", "/api/v1/demo", "", 201),
    ("POST", "/api/v1/demo?x=1", "", 422),
    ("GET", "/api/v1/demo", "", 200),
    ("GET", "/api/v1/demo?x=1", "", 422),
    ("DELETE", "/api/v1/demo", "", 204),
    ("DELETE", "/api/v1/demo?x=1", "", 422),
    ("DELETE", "/api/v1/session", "", 204),
    ("DELETE", "/api/v1/session?x=1", "", 422),
    ("DELETE", "/api/v1/tokens/9", "", 404),
    ("DELETE", "/api/v1/tokens/x", "", 422),
    ("DELETE", "/api/v1/stats/devices/d?all=true", "", 200),
    ("DELETE", "/api/v1/stats/devices/none?all=true", "", 404),
    ("DELETE", "/api/v1/stats/devices/d", "", 422),
    ("DELETE", "/api/v1/devices/d", "", 204),
    ("DELETE", "/api/v1/devices/d", "", 404),
    ("DELETE", "/api/v1/users/1", "", 204),
    ("DELETE", "/api/v1/users/1", "", 404),
    ("DELETE", "/api/v1/users/x", "", 422),
    ("GET", "/api/v1/users/1", "", 404),
];

/// Requests with a header that together get every response to a condition, sent before the deletions.
const CONDITIONAL_REQUESTS: [(&str, &str, &str, &str, u16); 10] = [
    ("POST", "/api/v1/devices", "x: y", r#"{"device_id":"e"}"#, 201),
    ("GET", "/api/v1/users/1", "if-none-match: *", "", 304),
    ("GET", "/api/v1/users/1", "if-match: \"x\"", "", 412),
    ("PUT", "/api/v1/users/1", "if-match: \"x\"", "{}", 412),
    ("DELETE", "/api/v1/users/1", "if-match: \"x\"", "", 412),
    ("GET", "/api/v1/devices/e", "if-none-match: *", "", 304),
    ("GET", "/api/v1/devices/e", "if-match: \"x\"", "", 412),
    ("PUT", "/api/v1/devices/e", "if-match: \"x\"", "{}", 412),
    ("DELETE", "/api/v1/devices/e", "if-match: \"x\"", "", 412),
    ("DELETE", "/api/v1/devices/e", "if-match: x", "", 422),
];

/// Returns the method of a request and the path of its operation.
fn operation_name(document: &Value, method: &str, path: &str) -> String {
    let path = path.split('?').next().unwrap();
    let is_meant = |template: &&String| {
        let (template, path) = (template.split('/'), path.split('/'));
        template.clone().count() == path.clone().count()
            && template.zip(path).all(|(expected, part)| expected == part || expected.starts_with('{'))
    };
    let paths = document["paths"].as_object().unwrap();
    let template = paths.keys().find(is_meant).unwrap_or_else(|| panic!("{path} is not in the document"));
    format!("{method} {template}")
}

/// Returns whether an operation streams a response that is not JSON.
fn is_stream(path: &str) -> bool {
    path.ends_with("/export") || path == "/metrics" || is_live(path)
}

/// Returns whether the response of an operation is endless.
fn is_live(path: &str) -> bool {
    path.starts_with("/api/") && path.ends_with("/live")
}

/// Returns whether [`every_documented_status_is_returned_and_no_other`] tests a status. 408 takes half a
/// minute, 409 needs two concurrent requests, `rates` tests 429, and `rights` and `sessions` test the
/// responses that need tokens. A request that may change data also gets 403 if a web page of another site
/// sends it.
fn is_tested(method: &str, path: &str, status: u16) -> bool {
    !matches!(
        (method, path, status),
        (_, _, 401 | 408 | 409 | 429 | 500..)
            | ("GET", _, 403)
            | ("POST", "/api/v1/tokens", 201 | 404)
            | (_, "/api/v1/tokens/{token_id}", 204)
            | ("POST", "/api/v1/session", 201)
    )
}

async fn every_documented_status_is_returned_and_no_other(api: Api) {
    let document = document();
    let mut documented = BTreeSet::new();
    let mut with_body = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let name = format!("{method} {path}");
        let statuses = operation["responses"].as_object().unwrap().keys();
        let statuses = statuses.map(|status| status.parse::<u16>().unwrap());
        documented.extend(
            statuses.filter(|status| is_tested(&method, &path, *status)).map(|status| (name.clone(), status)),
        );
        if operation.get("requestBody").is_some() {
            with_body.insert((name, method, path));
        }
    }
    let mut given = BTreeSet::new();
    let first_deletion = REQUESTS.iter().position(|(method, ..)| *method == "DELETE").unwrap();
    let (before, deletions) = REQUESTS.split_at(first_deletion);
    let plain = |(method, path, body, expected)| (method, path, "x: y", body, expected);
    let before = before.iter().copied().map(plain).chain(CONDITIONAL_REQUESTS);
    for (method, path, header, body, expected) in before.chain(deletions.iter().copied().map(plain)) {
        let name = operation_name(&document, method, path);
        let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
        let response = if is_live(path) && expected == 200 {
            api.send_bytes(format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes(), false)
                .await
        } else {
            api.send(method, path, &[JSON, header], body).await
        };
        assert_eq!(response.status, expected, "{name}: {response:?}");
        given.insert((name, response.status));
    }
    // A batch for a missing device is refused before its body is looked at.
    api.device("d").await;
    for (name, method, path) in with_body {
        let path = path.replace("{user_id}", "1").replace("{device_id}", "d");
        let is_batch = path.ends_with("batch") || path.ends_with("write");
        let too_much = vec![b' '; if is_batch { BATCH_BYTES_MAX } else { BODY_BYTES_MAX } + 1];
        for (headers, body, expected) in [
            (vec![JSON], b"\xff".as_slice(), 400),
            (vec![JSON, "content-encoding: br"], b"{}", 415),
            (vec![JSON], &too_much, 413),
        ] {
            let response = api.send(&method, &path, &headers, Some(body)).await;
            assert_eq!(response.status, expected, "{name}: {response:?}");
            given.insert((name.clone(), response.status));
        }
    }
    for (path, method, _) in operations(&document) {
        for (host, headers) in
            [("a b", ""), ("site.example", ""), ("localhost", "sec-fetch-site: cross-site\r\n")]
        {
            if path.starts_with("/health/") || (method == "GET" && !headers.is_empty()) {
                continue;
            }
            let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n");
            let response = api.send_bytes(request.as_bytes(), true).await;
            given.insert((format!("{method} {path}"), response.status));
        }
    }
    let missing: Vec<_> = documented.difference(&given).collect();
    let unknown: Vec<_> = given.difference(&documented).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "never returned: {missing:?}; undocumented: {unknown:?}"
    );
}

/// Returns the words of a parameter with a choice, also of a list of words.
fn words(parameter: &Value) -> Vec<&str> {
    let schema = &parameter["schema"];
    let words = schema["enum"].as_array().or_else(|| schema["items"]["enum"].as_array());
    words.into_iter().flatten().map(|word| word.as_str().unwrap()).collect()
}

async fn every_documented_word_is_accepted(api: Api) {
    let document = document();
    let mut choices = BTreeSet::new();
    for (path, method, operation) in operations(&document) {
        let path = path.replace("{user_id}", "1").replace("{device_id}", "d").replace("{timestamp}", "0");
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            for word in words(parameter) {
                choices.insert(name.to_owned());
                let response = api.send(&method, &format!("{path}?{name}={word}"), &[JSON], None).await;
                assert!(!response.brief().contains(&format!("query.{name}")), "{path} {word}: {response:?}");
            }
        }
    }
    assert_eq!(
        choices,
        [
            "action",
            "format",
            "if_empty",
            "include",
            "on_fault",
            "order",
            "precision",
            "state",
            "stats",
            "week_start",
        ]
        .map(str::to_owned)
        .into()
    );
}

#[test]
fn links_lead_from_a_new_user_or_device_to_all_operations_on_it() {
    let document = document();
    for (path, parameter) in [("/api/v1/users", "{user_id}"), ("/api/v1/devices", "{device_id}")] {
        let links = document["paths"][path]["post"]["responses"]["201"]["links"].as_object().unwrap();
        let linked: BTreeSet<&str> =
            links.values().map(|link| link["operationId"].as_str().unwrap()).collect();
        let operations = operations(&document);
        let on_it = operations.iter().filter(|(path, ..)| path.contains(parameter));
        let on_it: BTreeSet<&str> = on_it.map(|(.., one)| one["operationId"].as_str().unwrap()).collect();
        assert_eq!(linked, on_it);
    }
}

async fn the_document_is_served(api: Api) {
    let server = api.get("/api/v1/openapi.json").await;
    assert_eq!((server.status, server.json()), (200, document()));
    let page = api.get("/docs/").await;
    assert_eq!(page.status, 200);
    assert!(page.header("content-type").unwrap().starts_with("text/html"));
    let start = api.get("/docs").await;
    assert!(matches!(start.status, 200 | 303), "{start:?}");
}
