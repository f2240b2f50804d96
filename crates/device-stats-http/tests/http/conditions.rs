//! `ETag`, `If-Match` and `If-None-Match` of users and devices, and their times of creation.

use serde_json::{Value, json};

use crate::server::{Api, JSON, Response, over_both_stores};

over_both_stores!(
    a_known_state_is_not_sent_again,
    every_change_changes_the_tag,
    a_change_needs_the_present_state,
    one_of_several_clients_changes_what_all_have_seen,
    any_state_is_changed_even_if_others_change_it,
    invalid_conditions_are_refused,
    times_of_creation_appear_on_request
);

const DEVICE: &str = "/api/v1/devices/d";

async fn tag(api: Api, path: &str) -> String {
    let response = api.get(path).await;
    assert_eq!(response.status, 200, "{response:?}");
    response.header("etag").unwrap().to_owned()
}

async fn get_if(api: Api, path: &str, header: &str) -> Response {
    api.send("GET", path, &[header], None).await
}

async fn put_if(api: Api, path: &str, header: &str, body: Value) -> Response {
    api.send("PUT", path, &[JSON, header], Some(body.to_string().as_bytes())).await
}

async fn a_known_state_is_not_sent_again(api: Api) {
    let user = api.user("ada").await;
    api.owned_device("d", user).await;
    for path in [DEVICE.to_owned(), format!("/api/v1/users/{user}")] {
        let tag = tag(api, &path).await;
        assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() == 34, "{tag}");
        for (condition, status) in [
            (format!("if-none-match: {tag}"), 304),
            (format!("if-none-match: W/{tag}"), 304),
            (format!("if-none-match: \"x\", {tag}, \"y\""), 304),
            (format!("if-none-match: \"x\"\r\nif-none-match: {tag}"), 304),
            ("if-none-match: *".to_owned(), 304),
            ("if-none-match: \"x\"".to_owned(), 200),
            (format!("if-match: {tag}"), 200),
            (format!("if-match: W/{tag}"), 412),
            ("if-match: *".to_owned(), 200),
            (format!("if-match: \"x\"\r\nif-none-match: {tag}"), 412),
        ] {
            let response = get_if(api, &path, &condition).await;
            assert_eq!(response.status, status, "{path} {condition}");
            if status != 412 {
                assert_eq!(response.header("etag"), Some(tag.as_str()));
            }
            assert_eq!(response.body.is_empty(), status == 304);
        }
        let included =
            get_if(api, &format!("{path}?include=created_at"), &format!("if-none-match: {tag}")).await;
        assert_eq!(included.status, 304);
    }
    assert_eq!(get_if(api, "/api/v1/devices/none", "if-match: *").await.status, 404);
}

async fn every_change_changes_the_tag(api: Api) {
    let user = api.user("ada").await;
    let path = format!("/api/v1/users/{user}");
    let mut seen = vec![tag(api, &path).await];
    let mut note = async || {
        let tag = tag(api, &path).await;
        assert!(!seen.contains(&tag));
        seen.push(tag);
    };
    api.put(&path, json!({"username": "eve"})).await;
    note().await;
    api.put(&path, json!({"email": "eve@example.com"})).await;
    note().await;
    api.owned_device("d", user).await;
    note().await;
    let of_device = tag(api, DEVICE).await;
    api.put(DEVICE, json!({"name": "n"})).await;
    note().await;
    assert_ne!(tag(api, DEVICE).await, of_device);
    api.put(DEVICE, json!({"name": null})).await;
    assert_eq!(tag(api, DEVICE).await, of_device);
    api.put(DEVICE, json!({"user_id": null})).await;
    assert_ne!(tag(api, DEVICE).await, of_device);
}

async fn a_change_needs_the_present_state(api: Api) {
    let user = api.user("ada").await;
    api.owned_device("d", user).await;
    let path = format!("/api/v1/users/{user}");
    let (of_user, of_device) = (tag(api, &path).await, tag(api, DEVICE).await);
    let (user_seen, device_seen) = (format!("if-match: {of_user}"), format!("if-match: {of_device}"));
    assert_eq!(put_if(api, DEVICE, &device_seen, json!({"name": "n"})).await.status, 200);
    // The device is part of the user's state.
    for (path, seen, body) in
        [(DEVICE, &device_seen, json!({"name": "m"})), (&*path, &user_seen, json!({"username": "eve"}))]
    {
        let refused = put_if(api, path, seen, body).await;
        assert_eq!((refused.status, &refused.json()["code"]), (412, &json!("precondition_failed")));
        assert_eq!(api.send("DELETE", path, &[seen], None).await.status, 412);
        let unknown = format!("if-none-match: {}", tag(api, path).await);
        assert_eq!(api.send("DELETE", path, &[&unknown], None).await.status, 412);
        assert_eq!(put_if(api, path, "if-none-match: *", json!({})).await.status, 412);
    }
    let found = api.get(&path).await.json();
    assert_eq!((&found["username"], &found["devices"][0]["name"]), (&json!("ada"), &json!("n")));
    let seen = format!("if-match: \"x\", {}", tag(api, &path).await);
    assert_eq!(put_if(api, &path, &seen, json!({"username": "eve"})).await.json()["username"], "eve");
    assert_eq!(
        put_if(api, DEVICE, "if-match: *", json!({"user_id": 99})).await.brief(),
        "400 User not found"
    );
    for path in [DEVICE, &path] {
        let seen = format!("if-match: {}", tag(api, path).await);
        assert_eq!(api.send("DELETE", path, &[&seen], None).await.status, 204);
        assert_eq!(api.send("DELETE", path, &[&seen], None).await.status, 404);
    }
}

async fn one_of_several_clients_changes_what_all_have_seen(api: Api) {
    api.device("d").await;
    let seen = format!("if-match: {}", tag(api, DEVICE).await);
    let change = |n: usize| {
        let seen = seen.clone();
        tokio::spawn(async move { put_if(api, DEVICE, &seen, json!({"name": n.to_string()})).await.status })
    };
    let changes: Vec<_> = (0..8).map(change).collect();
    let mut statuses = Vec::new();
    for change in changes {
        statuses.push(change.await.unwrap());
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

/// `If-Match: *` states only that the device exists.
async fn any_state_is_changed_even_if_others_change_it(api: Api) {
    let user = api.user("ada").await;
    api.device("d").await;
    let user_path = format!("/api/v1/users/{user}");
    let changes = (0..64).map(|n: usize| {
        let user_path = user_path.clone();
        tokio::spawn(async move {
            let device = put_if(api, DEVICE, "if-match: *", json!({"name": n.to_string()})).await.status;
            let user = json!({"username": n.to_string()});
            [device, put_if(api, &user_path, "if-match: *", user).await.status]
        })
    });
    for change in changes.collect::<Vec<_>>() {
        assert_eq!(change.await.unwrap(), [200, 200]);
    }
    for path in [DEVICE, &user_path] {
        assert_eq!(api.send("DELETE", path, &["if-match: *"], None).await.status, 204);
        assert_eq!(put_if(api, path, "if-match: *", json!({})).await.status, 404);
    }
}

async fn invalid_conditions_are_refused(api: Api) {
    api.device("d").await;
    for invalid in ["", "x", "\"x", "\"x\" \"y\"", "*, \"x\""] {
        let response = put_if(api, DEVICE, &format!("if-match: {invalid}"), json!({"name": "n"})).await;
        assert_eq!(response.brief(), "422 entity_tag_invalid header.If-Match", "{invalid}");
        let response = get_if(api, DEVICE, &format!("if-none-match: {invalid}")).await;
        assert_eq!(response.brief(), "422 entity_tag_invalid header.If-None-Match", "{invalid}");
    }
    assert_eq!(api.get(DEVICE).await.json()["name"], Value::Null);
}

async fn times_of_creation_appear_on_request(api: Api) {
    let user = api.user("ada").await;
    api.owned_device("d", user).await;
    let is_recent = |time: &Value| {
        let time = time.as_str().unwrap();
        assert!(time.len() == 27 && time.ends_with('Z') && time > "2026", "{time}");
    };
    for path in [
        DEVICE.to_owned(),
        format!("/api/v1/users/{user}"),
        "/api/v1/users".into(),
        "/api/v1/devices".into(),
        "/api/v1/devices?after=0".into(),
    ] {
        let plain = api.get(&path).await.json();
        assert!(!plain.to_string().contains("created_at"), "{plain}");
        let separator = if path.contains('?') { '&' } else { '?' };
        let included = api.get(&format!("{path}{separator}include=created_at")).await.json();
        let entry = if included.is_array() { &included[0] } else { &included };
        is_recent(&entry["created_at"]);
        if let Some(devices) = entry["devices"].as_array() {
            is_recent(&devices[0]["created_at"]);
        }
        for invalid in ["x", "created_at,created_at,created_at", ""] {
            assert_eq!(
                api.get(&format!("{path}{separator}include={invalid}")).await.status,
                422,
                "{invalid}"
            );
        }
    }
    let created = api.post("/api/v1/devices", json!({"device_id": "e"})).await.json();
    assert_eq!(created.get("created_at"), None);
}
