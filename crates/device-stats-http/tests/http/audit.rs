//! The audit log: changes, sign-ins and refusals, with the requests that caused them.

use std::sync::Arc;

use device_stats_domain::{Token, TokenKind};
use device_stats_store::{Model, Store};
use serde_json::{Value, json};

use crate::databases::{Database, over_both_databases};
use crate::server::{Api, JSON, Server, administrator_token};

over_both_databases!(changes_are_in_the_audit_log_with_their_requests);

const AUDIT: &str = "/api/v1/audit";

/// Returns the entries of a path, without their ids and times.
async fn entries(api: Api, path: &str, headers: &[&str]) -> Vec<Value> {
    let response = api.send("GET", path, headers, None).await;
    assert_eq!(response.status, 200, "{path} {response:?}");
    let Value::Array(mut entries) = response.json() else { panic!("{response:?}") };
    for entry in &mut entries {
        let entry = entry.as_object_mut().unwrap();
        assert!(entry.remove("id").unwrap().as_i64() >= Some(1));
        assert!(entry.remove("time").unwrap().as_str().unwrap().ends_with('Z'));
    }
    entries
}

/// Removes the members that are `null`.
fn present(entry: &Value) -> Value {
    let members = entry.as_object().unwrap().iter();
    let present = members.filter(|(_, value)| !value.is_null());
    Value::Object(
        present
            .map(|(name, value)| {
                (name.clone(), if name == "author" { present_author(value) } else { value.clone() })
            })
            .collect(),
    )
}

fn present_author(author: &Value) -> Value {
    let members = author.as_object().unwrap().iter().filter(|(_, value)| !value.is_null());
    Value::Object(members.map(|(name, value)| (name.clone(), value.clone())).collect())
}

async fn changes_are_in_the_audit_log_with_their_requests(database: Database) {
    let store = database.open().await;
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let (api, admin) = (server.api, administrator_token(&store).await);
    let admin = format!("authorization: Bearer {}", admin.expose());
    let send = async |request: &str, method: &str, path: &str, body: &str| {
        let id = format!("x-request-id: {request}");
        let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
        let response = api.send(method, path, &[&admin, JSON, &id], body).await;
        assert!(response.status < 300, "{response:?}");
    };
    send("r1", "POST", "/api/v1/users", r#"{"username":"ann","email":"ann@example.com"}"#).await;
    send("r2", "POST", "/api/v1/devices", r#"{"device_id":"pump","user_id":1}"#).await;
    send("r3", "PUT", "/api/v1/devices/pump", r#"{"name":"Pump"}"#).await;
    let reading = r#"{"x":1,"y":2,"z":3,"timestamp":"2026-11-23T10:00:00Z"}"#;
    send("r4", "POST", "/api/v1/stats/devices/pump", reading).await;
    let readings = "/api/v1/stats/devices/pump?start_time=2026-11-23T00:00:00Z&until=2026-11-24T00:00:00Z";
    send("r5", "DELETE", readings, "").await;
    send("r6", "DELETE", "/api/v1/users/1", "").await;
    let listed = entries(api, &format!("{AUDIT}?order=oldest"), &[&admin]).await;
    let author = |request: &str| json!({"kind": "admin", "token_id": 1, "request_id": request, "address": "127.0.0.1"});
    let expected = [
        json!({"action": "create_user", "author": author("r1"), "user_id": 1, "username": "ann", "details": {}}),
        json!({"action": "create_device", "author": author("r2"), "user_id": 1, "device": 1, "device_id": "pump",
            "details": {}}),
        json!({"action": "update_device", "author": author("r3"), "user_id": 1, "device": 1, "device_id": "pump",
            "details": {"fields": ["name"]}}),
        json!({"action": "delete_readings", "author": author("r5"), "user_id": 1, "device": 1, "device_id": "pump",
            "details": {"from": "2026-11-23T00:00:00.000000Z", "until": "2026-11-24T00:00:00.000000Z", "readings": 1}}),
        json!({"action": "delete_user", "author": author("r6"), "user_id": 1, "username": "ann", "details": {}}),
        json!({"action": "delete_device", "author": author("r6"), "user_id": 1, "device": 1, "device_id": "pump",
            "details": {}}),
    ];
    // The first entry is about the token of the administrator.
    assert_eq!(listed[0]["action"], "create_token");
    assert_eq!(listed[1..].iter().map(present).collect::<Vec<_>>(), expected);
    assert!(!format!("{listed:?}").contains("example.com"), "an email address is in the audit log");

    let of_device = entries(api, &format!("{AUDIT}?device_id=pump&action=delete_device"), &[&admin]).await;
    assert_eq!(of_device.iter().map(present).collect::<Vec<_>>(), expected[5..]);
    let first_page = api.send("GET", &format!("{AUDIT}?limit=2&user_id=1"), &[&admin], None).await;
    assert_eq!(first_page.json().as_array().unwrap().len(), 2);
    assert!(first_page.header("link").unwrap().starts_with("<?limit=2&user_id=1&after="));
    let first_page = api.send("GET", &format!("{AUDIT}?limit=4&until=2100-01-01"), &[&admin], None).await;
    let link = first_page.header("link").unwrap();
    let next = link.split_once('<').unwrap().1.split_once('>').unwrap().0;
    let rest = entries(api, &format!("{AUDIT}{next}"), &[&admin]).await;
    let rest: Vec<_> = rest.iter().map(|entry| entry["action"].as_str().unwrap()).collect();
    assert_eq!(rest, ["create_device", "create_user", "create_token"]);
    server.stop().await;
}

#[tokio::test]
async fn refused_requests_are_in_the_audit_log() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let (api, admin) = (server.api, administrator_token(&store).await);
    let admin = format!("authorization: Bearer {}", admin.expose());
    let token = r#"{"for":"admin","scopes":["read"]}"#;
    let created = api.send("POST", "/api/v1/tokens", &[&admin, JSON], Some(token.as_bytes())).await.json();
    let reader = format!("authorization: Bearer {}", created["token"].as_str().unwrap());
    let unknown = Token::from_random(TokenKind::Device, &[9; 32]);
    let unknown = unknown.expose();
    let unknown_token = format!("authorization: Token {unknown}");
    for n in 0..3 {
        let id = format!("x-request-id: read-{n}");
        let refused = api.send("DELETE", "/api/v1/users/1", &[&reader, &id], None).await;
        assert_eq!(refused.status, 403);
    }
    assert_eq!(api.send("GET", "/api/v1/me", &[&unknown_token], None).await.status, 401);
    assert_eq!(api.send("GET", "/api/v1/me", &["authorization: Bearer x"], None).await.status, 401);
    // This page belongs to another site.
    let cross = ["sec-fetch-site: cross-site", &admin];
    assert_eq!(api.send("DELETE", "/api/v1/users/1", &cross, None).await.status, 403);
    // A client without a token learns that it needs one, and that a path does not exist.
    assert_eq!(api.send("GET", "/api/v1/me", &[], None).await.status, 401);
    assert_eq!(api.send("GET", "/api/v1/none", &[&admin], None).await.status, 404);
    server.service.keep_audit_in_background(None).stop().await;

    let mut refused = entries(api, &format!("{AUDIT}?action=refuse_request"), &[&admin]).await;
    refused.sort_by_key(|entry| entry["details"].to_string());
    let details: Vec<_> = refused.iter().map(|entry| entry["details"].clone()).collect();
    assert_eq!(
        details,
        [
            json!({"operation": "DELETE /api/v1/users/{user_id}", "reason": "cross_site", "count": 1}),
            json!({"operation": "DELETE /api/v1/users/{user_id}", "reason": "forbidden", "count": 3}),
            json!({"operation": "GET /api/v1/me", "reason": "unauthorized", "count": 1}),
            json!({"prefix": unknown[..12], "operation": "GET /api/v1/me", "reason": "unauthorized", "count": 1}),
        ]
    );
    let reader = json!({"kind": "admin", "token_id": 2, "request_id": "read-0", "address": "127.0.0.1"});
    assert_eq!(present_author(&refused[1]["author"]), reader);
    assert_eq!(refused[3]["author"]["kind"], "anyone");
    assert!(!format!("{refused:?}").contains(&unknown[..13]), "the rest of a token is in the audit log");
    server.stop().await;
}

#[tokio::test]
async fn signing_in_and_out_is_in_the_audit_log() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let (api, admin) = (server.api, administrator_token(&store).await);
    let body = json!({ "token": admin.expose() }).to_string();
    let same = "sec-fetch-site: same-origin";
    let path = "/api/v1/session";
    let begun = api.send("POST", path, &[JSON, same, "x-request-id: in"], Some(body.as_bytes())).await;
    let cookie = format!("cookie: {}", begun.header("set-cookie").unwrap().split_once(';').unwrap().0);
    api.send("DELETE", path, &[&cookie, same, "x-request-id: out"], None).await;
    let admin = format!("authorization: Bearer {}", admin.expose());
    let listed = entries(api, &format!("{AUDIT}?token_id=1&order=oldest"), &[&admin]).await;
    let expected = [("create_session", "in"), ("delete_session", "out")].map(|(action, request)| {
        let author = json!({"kind": "admin", "token_id": 1, "request_id": request, "address": "127.0.0.1"});
        json!({"action": action, "author": author, "token_id": 1, "details": {}})
    });
    assert_eq!(listed[1..].iter().map(present).collect::<Vec<_>>(), expected);
    server.stop().await;
}

#[tokio::test]
async fn faulty_queries_of_the_audit_log_are_refused() {
    let server = Server::start(Arc::new(Model::default())).await;
    for (query, field) in [
        ("order=up", "order"),
        ("action=explode", "action"),
        ("token_id=0", "token_id"),
        ("user_id=x", "user_id"),
        ("device_id=", "device_id"),
        ("after=-1", "after"),
        ("limit=1001", "limit"),
        ("start_time=soon", "start_time"),
        ("usr_id=1", "usr_id"),
    ] {
        let refused = server.api.send("GET", &format!("{AUDIT}?{query}"), &[], None).await;
        assert_eq!(refused.status, 422, "{query} {refused:?}");
        assert_eq!(refused.json()["detail"][0]["loc"], json!(["query", field]), "{query}");
    }
    server.stop().await;
}
