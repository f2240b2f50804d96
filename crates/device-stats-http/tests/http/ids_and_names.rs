//! Ids, names and references in paths, queries and bodies: unusual, invalid, and in races.

use futures_util::future::join_all;
use serde_json::json;

use crate::server::{Api, JSON, over_both_stores};

const DEVICES: &str = "/api/v1/devices";
const USERS: &str = "/api/v1/users";

over_both_stores!(
    user_ids_in_paths_are_integers,
    page_bounds_are_checked,
    invalid_device_ids_are_refused,
    valid_device_ids_are_accepted,
    unknown_device_paths_are_not_found,
    long_texts_are_refused,
    an_owner_must_exist,
    invalid_users_are_refused,
    email_addresses_are_normalized_and_unique,
    an_absent_member_changes_nothing,
    a_race_for_a_name_has_one_winner,
    a_post_during_a_deletion_succeeds_or_finds_no_device,
    an_unknown_method_lists_the_known_ones,
    a_trailing_slash_is_ignored,
    a_new_user_or_device_has_a_location,
);

async fn user_ids_in_paths_are_integers(api: Api) {
    let id = api.user("ada").await;
    let missing = "404 User not found";
    let parsing = "422 int_parsing path.user_id";
    for (text, expected) in [
        ("0", missing),
        ("-1", missing),
        ("2147483648", missing),
        ("9223372036854775807", missing),
        ("9223372036854775808", missing),
        ("1000000000000000000000000000000", missing),
        ("abc", parsing),
        ("%D9%A1", parsing),
        ("%00", parsing),
        ("1_0", parsing),
        ("1.5", parsing),
        ("%ff", "404 Not Found"),
    ] {
        assert_eq!(api.get(&format!("{USERS}/{text}")).await.brief(), expected, "{text}");
        assert_eq!(api.delete(&format!("{USERS}/{text}")).await.brief(), expected, "{text}");
        assert_eq!(api.put(&format!("{USERS}/{text}"), "{}").await.brief(), expected, "{text}");
        let path = format!("/api/v1/stats/users/{text}/analyze");
        assert_eq!(api.post(&path, "{}").await.brief(), expected, "{text}");
    }
    for text in [format!("{id}.0"), format!("+{id}"), format!("%20{id}"), format!("00{id}")] {
        assert_eq!(api.get(&format!("{USERS}/{text}")).await.json()["id"], id, "{text}");
    }
}

async fn page_bounds_are_checked(api: Api) {
    api.device("d").await;
    api.user("ada").await;
    for (query, expected) in [
        ("skip=9223372036854775807", "200"),
        ("skip=9223372036854775808", "200"),
        ("skip=1&limit=100", "200"),
        ("skip=-1", "422 greater_than_equal query.skip"),
        ("skip=1e3", "422 int_parsing query.skip"),
        ("skip=", "422 int_parsing query.skip"),
        ("skip=1&skip=1", "422 repeated query.skip"),
        ("limit=0", "422 greater_than_equal query.limit"),
        ("limit=101", "422 less_than_equal query.limit"),
        ("limit=99999999999999999999", "422 less_than_equal query.limit"),
        ("skip=x&limit=y", "422 int_parsing query.skip, int_parsing query.limit"),
    ] {
        for path in [USERS, DEVICES, "/api/v1/stats/devices/d"] {
            let response = api.get(&format!("{path}?{query}")).await;
            assert_eq!(response.brief(), expected, "{path}?{query}");
            if response.status == 200 {
                assert_eq!(response.json(), json!([]), "{path}?{query}");
            }
        }
    }
}

async fn invalid_device_ids_are_refused(api: Api) {
    let long = "x".repeat(256);
    let megabyte = "x".repeat(60_000);
    for (id, expected) in [
        (json!(""), "422 string_too_short body.device_id"),
        (json!(" "), "422 value_error body.device_id"),
        (json!(" a"), "422 value_error body.device_id"),
        (json!("a "), "422 value_error body.device_id"),
        (json!("."), "422 value_error body.device_id"),
        (json!(".."), "422 value_error body.device_id"),
        (json!("line\nbreak"), "422 value_error body.device_id"),
        (json!("a\u{0}b"), "422 value_error body.device_id"),
        (json!("\u{7f}"), "422 value_error body.device_id"),
        (json!(long), "422 string_too_long body.device_id"),
        (json!(megabyte), "422 string_too_long body.device_id"),
        (json!(null), "422 string_type body.device_id"),
        (json!(5), "422 string_type body.device_id"),
    ] {
        assert_eq!(api.post(DEVICES, json!({"device_id": id})).await.brief(), expected, "{id}");
    }
    let response = api.post(DEVICES, json!({"device_id": "d", "name": "a\u{0}b"})).await;
    assert_eq!(response.brief(), "422 value_error body.name");
    assert!(api.list(DEVICES).await.is_empty());
}

async fn valid_device_ids_are_accepted(api: Api) {
    let long = "x".repeat(255);
    for (id, path) in [
        ("a/b", "a%2Fb"),
        ("a%2Fb", "a%252Fb"),
        ("%", "%25"),
        ("\u{e9}", "%C3%A9"),
        ("e\u{301}", "e%CC%81"),
        ("\u{202e}gpj", "%E2%80%AEgpj"),
        ("<script>", "%3Cscript%3E"),
        ("\u{1f525}", "%F0%9F%94%A5"),
        ("a b+c?d#e", "a%20b+c%3Fd%23e"),
        ("...", "..."),
        ("batch", "batch"),
        (&long, &long),
    ] {
        let device = api.device(id).await;
        assert_eq!(device["device_id"], id);
        assert_eq!(api.get(&format!("{DEVICES}/{path}")).await.json(), device, "{path}");
        let readings = format!("/api/v1/stats/devices/{path}");
        assert_eq!(api.post(&readings, r#"{"x":1,"y":2,"z":3}"#).await.brief(), "201", "{path}");
        assert_eq!(api.list(&readings).await.len(), 1, "{path}");
    }
    // Other members of a body are ignored.
    let response = api.post(DEVICES, json!({"device_id": "one", "id": 900, "admin": true})).await;
    assert!(response.status == 201 && response.json()["id"] != 900);
    let response = api.put(&format!("{DEVICES}/one"), json!({"device_id": "two"})).await;
    assert_eq!(response.json()["device_id"], "one");
    assert_eq!(
        api.post(DEVICES, json!({"device_id": "one"})).await.brief(),
        "400 Device with this ID already exists"
    );
}

async fn unknown_device_paths_are_not_found(api: Api) {
    api.device("d").await;
    let missing = "404 Device not found";
    for (path, expected) in [
        ("/none", missing),
        ("/%00", missing),
        ("/%2e%2e", missing),
        ("/%20", missing),
        ("/D", missing),
        ("/%ff", "404 Not Found"),
        ("/d/x", "404 Not Found"),
        ("//", "404 Not Found"),
    ] {
        assert_eq!(api.get(&format!("{DEVICES}{path}")).await.brief(), expected, "{path}");
        assert_eq!(api.delete(&format!("{DEVICES}{path}")).await.brief(), expected, "{path}");
        assert_eq!(api.put(&format!("{DEVICES}{path}"), "{}").await.brief(), expected, "{path}");
    }
    assert_eq!(api.list(DEVICES).await.len(), 1);
}

async fn long_texts_are_refused(api: Api) {
    let user = |name: String, email: String| json!({"username": name, "email": email});
    for (body, path, expected) in [
        (user("x".repeat(256), "a@example.com".into()), USERS, "422 string_too_long body.username"),
        (user("\u{e9}".repeat(128), "a@example.com".into()), USERS, "422 string_too_long body.username"),
        (user("a".into(), format!("{}@example.com", "x".repeat(300))), USERS, "422 value_error body.email"),
        (json!({"device_id": "d", "name": "x".repeat(1025)}), DEVICES, "422 string_too_long body.name"),
    ] {
        assert_eq!(api.post(path, body).await.brief(), expected);
    }
    assert!(api.list(USERS).await.is_empty() && api.list(DEVICES).await.is_empty());
    let name = "\u{e9}".repeat(512);
    let response = api.post(DEVICES, json!({"device_id": "d", "name": name})).await;
    assert_eq!((response.status, &response.json()["name"]), (201, &json!(name)));
    assert_eq!(api.post(USERS, user("x".repeat(255), "a@example.com".into())).await.brief(), "201");
}

async fn an_owner_must_exist(api: Api) {
    let id = api.user("ada").await;
    api.device("owned").await;
    let nobody = "400 User not found";
    for (user, expected) in [
        ("0", nobody),
        ("-1", nobody),
        ("2147483648", nobody),
        ("9223372036854775807", nobody),
        ("9223372036854775808", nobody),
        ("1000000000000000000000000000000", nobody),
        ("true", "422 int_type body.user_id"),
        ("1.5", "422 int_from_float body.user_id"),
        ("\"x\"", "422 int_parsing body.user_id"),
        ("1e400", "422 finite_number body.user_id"),
        ("[]", "422 int_type body.user_id"),
    ] {
        let response = api.post(DEVICES, format!(r#"{{"device_id":"d","user_id":{user}}}"#)).await;
        assert_eq!(response.brief(), expected, "{user}");
        let response = api.put(&format!("{DEVICES}/owned"), format!(r#"{{"user_id":{user}}}"#)).await;
        assert_eq!(response.brief(), expected, "{user}");
    }
    assert_eq!(api.list(DEVICES).await.len(), 1);
    for (device, user) in [("a", format!("\"{id}\"")), ("b", format!("{id}.0")), ("c", id.to_string())] {
        let body = format!(r#"{{"device_id":"{device}","user_id":{user}}}"#);
        assert_eq!(api.post(DEVICES, body).await.json()["user_id"], id, "{user}");
    }
    let devices = api.get(&format!("{USERS}/{id}")).await.json()["devices"].take();
    assert_eq!(devices.as_array().map(Vec::len), Some(3));
    assert_eq!(api.delete(&format!("{USERS}/{id}")).await.brief(), "204");
    assert_eq!(api.list(DEVICES).await.len(), 1);
}

async fn invalid_users_are_refused(api: Api) {
    for (body, expected) in [
        (json!({}), "422 missing body.username, missing body.email"),
        (
            json!({"username": "", "email": "nope"}),
            "422 string_too_short body.username, value_error body.email",
        ),
        (json!({"username": "a\u{0}", "email": "a@example.com"}), "422 value_error body.username"),
        (json!({"username": 1, "email": null}), "422 string_type body.username, string_type body.email"),
    ] {
        assert_eq!(api.post(USERS, &body).await.brief(), expected, "{body}");
    }
    assert!(api.list(USERS).await.is_empty());
}

async fn email_addresses_are_normalized_and_unique(api: Api) {
    for (name, email, expected) in [
        ("a", "\u{fc}@ex\u{e4}mple.com", "\u{fc}@ex\u{e4}mple.com"),
        ("b", "Ada@EXAMPLE.Com", "Ada@example.com"),
        ("c", "Bob <bob@example.com>", "bob@example.com"),
    ] {
        let response = api.post(USERS, json!({"username": name, "email": email})).await;
        assert_eq!((response.status, &response.json()["email"]), (201, &json!(expected)), "{email}");
    }
    for (name, email, expected) in [
        ("d", "Ada@example.COM", "400 Email already registered"),
        ("a", "new@example.com", "400 Username already taken"),
        ("a", "bob@example.com", "400 Email already registered"),
        ("e", "a@b@c.com", "422 value_error body.email"),
        ("e", "@example.com", "422 value_error body.email"),
        ("e", "a@", "422 value_error body.email"),
    ] {
        let response = api.post(USERS, json!({"username": name, "email": email})).await;
        assert_eq!(response.brief(), expected, "{email}");
    }
    assert_eq!(api.list(USERS).await.len(), 3);
}

async fn an_absent_member_changes_nothing(api: Api) {
    let (ada, eve) = (api.user("ada").await, api.user("eve").await);
    let before = api.get(&format!("{USERS}/{ada}")).await.json();
    for (body, expected) in [
        (json!({"username": null}), "422 string_type body.username"),
        (json!({"email": null}), "422 string_type body.email"),
        (json!({"username": ""}), "422 string_too_short body.username"),
        (json!({"username": "eve"}), "400 Username already taken"),
        (json!({"email": "eve@example.com"}), "400 Email already registered"),
        (json!({}), "200"),
        (json!({"username": "ada", "email": "ada@example.com"}), "200"),
        (json!({"id": eve}), "200"),
    ] {
        assert_eq!(api.put(&format!("{USERS}/{ada}"), &body).await.brief(), expected, "{body}");
        assert_eq!(api.get(&format!("{USERS}/{ada}")).await.json(), before, "{body}");
    }
    let device = api.post(DEVICES, json!({"device_id": "d", "name": "n", "user_id": ada})).await.json();
    let path = format!("{DEVICES}/d");
    assert_eq!(api.put(&path, "{}").await.json(), device);
    assert_eq!(api.put(&path, json!({"name": null})).await.json()["user_id"], ada);
    assert_eq!(api.put(&path, json!({"user_id": null})).await.json()["user_id"], json!(null));
    assert_eq!(api.put(&path, json!({"name": "m", "user_id": eve})).await.json()["user_id"], eve);
}

async fn a_race_for_a_name_has_one_winner(api: Api) {
    let statuses = |path: &'static str, body: String| async move {
        let mut statuses: Vec<u16> =
            join_all((0..16).map(|_| api.post(path, &body))).await.iter().map(|it| it.status).collect();
        statuses.sort_unstable();
        statuses
    };
    let one_winner = [vec![201], vec![400; 15]].concat();
    assert_eq!(statuses(DEVICES, json!({"device_id": "d"}).to_string()).await, one_winner);
    let user = json!({"username": "ada", "email": "ada@example.com"});
    assert_eq!(statuses(USERS, user.to_string()).await, one_winner);
}

async fn a_post_during_a_deletion_succeeds_or_finds_no_device(api: Api) {
    for _ in 0..5 {
        let user = api.user("ada").await;
        api.owned_device("d", user).await;
        let reading = r#"{"x":1,"y":2,"z":3}"#;
        let posts = join_all((0..16).map(|_| api.post("/api/v1/stats/devices/d", reading)));
        let user = format!("{USERS}/{user}");
        let (responses, deleted) = tokio::join!(posts, api.delete(&user));
        assert_eq!(deleted.brief(), "204");
        for response in responses {
            assert!(matches!(response.brief().as_str(), "201" | "404 Device not found"), "{response:?}");
        }
        assert_eq!(api.get("/api/v1/stats/devices/d").await.brief(), "404 Device not found");
    }
}

async fn an_unknown_method_lists_the_known_ones(api: Api) {
    api.device("d").await;
    let not_allowed = "405 Method Not Allowed";
    for (method, path, expected, allow) in [
        ("HEAD", DEVICES, "200", None),
        ("HEAD", "/api/v1/devices/d", "200", None),
        ("HEAD", "/api/v1/devices/none", "404", None),
        ("OPTIONS", DEVICES, "204", Some("GET,HEAD,POST")),
        ("OPTIONS", "/api/v1/devices/d", "204", Some("GET,HEAD,PUT,DELETE")),
        ("TRACE", DEVICES, not_allowed, Some("GET,HEAD,POST")),
        ("PATCH", "/api/v1/devices/d", not_allowed, Some("GET,HEAD,PUT,DELETE")),
        ("DELETE", "/api/v1/stats/batch", not_allowed, Some("POST")),
        ("BREW", "/health/live", not_allowed, Some("GET,HEAD")),
        ("GET", "/nothing", "404 Not Found", None),
        ("GET", "/api/v1", "404 Not Found", None),
    ] {
        let response = api.send(method, path, &[], None).await;
        assert_eq!(response.brief(), expected, "{method} {path}");
        let sorted = |allow: &str| {
            let mut methods: Vec<_> = allow.split(',').map(|method| method.trim().to_owned()).collect();
            methods.sort_unstable();
            methods
        };
        assert_eq!(response.header("allow").map(sorted), allow.map(sorted), "{method} {path}");
    }
}

async fn a_trailing_slash_is_ignored(api: Api) {
    let user = br#"{"username":"ada","email":"ada@example.com"}"#;
    assert_eq!(api.send("POST", "/api/v1/users/", &[JSON], Some(user)).await.brief(), "201");
    api.device("d").await;
    let reading = br#"{"x":1,"y":2,"z":3}"#;
    for path in ["/api/v1/stats/devices/d/", "/api/v1/stats/devices/d"] {
        assert_eq!(api.send("POST", path, &[JSON], Some(reading)).await.brief(), "201");
    }
    assert_eq!(api.list("/api/v1/stats/devices/d/?limit=1").await.len(), 1);
    assert_eq!(api.list("/api/v1/users/?skip=0").await.len(), 1);
    assert_eq!(api.post("/api/v1/stats/devices/d/analyze/", "{}").await.status, 200);
    assert_eq!(api.delete("/api/v1/devices/d/").await.brief(), "204");
}

async fn a_new_user_or_device_has_a_location(api: Api) {
    let ada = json!({"username": "ada", "email": "ada@example.com"});
    for (path, body) in [
        ("/api/v1/users", ada),
        ("/api/v1/devices", json!({"device_id": "pump-7"})),
        ("/api/v1/devices", json!({"device_id": "hall 3/é%?"})),
    ] {
        let created = api.post(path, body).await;
        let location = created.header("location").unwrap().to_owned();
        let found = api.get(&location).await;
        assert_eq!((created.status, found.status), (201, 200), "{location}");
        assert_eq!(found.json()["id"], created.json()["id"], "{location}");
    }
}
