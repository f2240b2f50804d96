//! Who may do what: every operation of the OpenAPI document, with every kind of caller, on an own, a foreign
//! and a missing object.
//!
//! `rights/expected.txt` is the expected table. It is checked twice: against the rules in `operations`, which
//! are written independently of the service, and against the responses.

mod callers;
mod operations;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use device_stats_http::openapi;
use device_stats_store::{Model, Store};
use serde_json::Value;

use crate::databases::{Database, over_both_databases};
use crate::server::{Api, JSON, Response, Server};
use callers::{CALLERS, Caller, Fleet};
use operations::{OPERATIONS, Operation};

over_both_databases!(
    every_caller_may_do_what_the_table_says,
    a_batch_with_one_foreign_device_stores_nothing,
    a_batch_for_an_unseen_device_is_refused_before_its_body_arrives,
);

/// The object of a request, as the owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Object {
    Own,
    Foreign,
    Missing,
}

const OBJECTS: [Object; 3] = [Object::Own, Object::Foreign, Object::Missing];

/// Renders a table of statuses: a line for each operation and caller, and a column for each object.
fn render(mut status: impl FnMut(&Operation, &Caller, Object) -> u16) -> String {
    let mut table = format!("{:<28} {:<16} own foreign missing\n", "operation", "caller");
    for operation in &OPERATIONS {
        for caller in &CALLERS {
            let [own, foreign, missing] = OBJECTS.map(|object| status(operation, caller, object));
            writeln!(table, "{:<28} {:<16} {own} {foreign} {missing}", operation.name, caller.name).unwrap();
        }
    }
    table
}

fn expected() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/rights/expected.txt");
    std::fs::read_to_string(path).unwrap()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a developer asks to write the table")]
fn the_expected_table_follows_the_rules() {
    let table = render(Operation::expected);
    if std::env::var_os("WRITE_RIGHTS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/http/rights/expected.txt");
        std::fs::write(path, &table).unwrap();
    }
    assert!(expected() == table, "after a change of the rules, run this test with WRITE_RIGHTS=1");
}

#[test]
fn the_table_has_every_operation() {
    let document: Value = serde_json::from_str(&openapi()).unwrap();
    let items = document["paths"].as_object().unwrap().values();
    let operations = items.flat_map(|item| item.as_object().unwrap().values());
    let documented: BTreeSet<&str> =
        operations.map(|operation| operation["operationId"].as_str().unwrap()).collect();
    let covered: BTreeSet<&str> = OPERATIONS.iter().map(|operation| operation.id).collect();
    assert_eq!(documented.symmetric_difference(&covered).collect::<Vec<_>>(), Vec::<&&str>::new());
}

async fn every_caller_may_do_what_the_table_says(database: Database) {
    let server = Server::start_with_tokens(database.open().await).await;
    let (found, leaks) = request_all(server.api, &database.open().await).await;
    server.stop().await;
    assert_same(&expected(), &found);
    assert!(leaks.is_empty(), "{leaks:#?}");
}

/// Seeded bug: a store that ignores which users and devices a caller may see. The table must show it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_the_check_of_owners_is_noticed() {
    let store: Arc<dyn Store> = Arc::new(Model::without_visibility());
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let (found, leaks) = request_all(server.api, &store).await;
    server.stop().await;
    assert!(!leaks.is_empty());
    let expected = expected();
    let different = expected.lines().zip(found.lines()).filter(|(expected, found)| expected != found);
    let different: BTreeSet<&str> =
        different.filter_map(|(expected, _)| expected.split_whitespace().next()).collect();
    for operation in OPERATIONS.iter().filter(|operation| operation.has_object()) {
        // Only administrators may do the first, and the service itself checks the owner of the second.
        if ["delete_user", "create_device:owner"].contains(&operation.name) {
            continue;
        }
        assert!(different.contains(operation.name), "{} shows nothing", operation.name);
    }
}

/// Sends all requests. Returns the table of their statuses, and the answers that show something of a foreign
/// object: they differ from the answers about a missing one, or contain foreign names.
async fn request_all(api: Api, store: &Arc<dyn Store>) -> (String, Vec<String>) {
    let (mut statuses, mut leaks) = (Vec::new(), Vec::new());
    let mut fleet = Fleet::create(store).await;
    for operation in &OPERATIONS {
        for caller in &CALLERS {
            let mut answers = Vec::new();
            for object in OBJECTS {
                let response = request(api, &fleet, operation, caller, object).await;
                statuses.push(response.status);
                if operation.changes && response.status < 300 {
                    fleet = Fleet::create(store).await;
                }
                answers.push(response);
            }
            let [own, foreign, missing] = answers.try_into().unwrap();
            leaks.extend(different_answers(&fleet, operation, caller, &foreign, &missing));
            leaks.extend(foreign_names(&fleet, operation, caller, &own));
        }
    }
    let mut statuses = statuses.into_iter();
    (render(|_, _, _| statuses.next().unwrap()), leaks)
}

async fn request(
    api: Api,
    fleet: &Fleet,
    operation: &Operation,
    caller: &Caller,
    object: Object,
) -> Response {
    let path = fleet.name_object(operation.path, object);
    let body = fleet.name_object(operation.body, object);
    let mut headers = vec!["x-request-id: r".to_owned()];
    headers.extend(fleet.credentials(caller).map(|token| format!("authorization: Bearer {token}")));
    if !body.is_empty() {
        headers.push(if body.starts_with('{') || body.starts_with('[') {
            JSON.to_owned()
        } else {
            "content-type: text/plain".to_owned()
        });
    }
    let headers: Vec<&str> = headers.iter().map(String::as_str).collect();
    let body = Some(body.as_bytes()).filter(|body| !body.is_empty());
    if operation.is_endless {
        let response = api.send_for_head(operation.method, &path, &headers).await;
        if response.status == 200 {
            return response;
        }
    }
    api.send(operation.method, &path, &headers, body).await
}

/// Returns an answer about an own object, or a list, that contains something that the caller may not see.
fn foreign_names(fleet: &Fleet, operation: &Operation, caller: &Caller, own: &Response) -> Option<String> {
    let body = String::from_utf8_lossy(&own.body);
    let is_leak = caller.is_owner_or_its_device() && fleet.names_foreign(&body);
    is_leak.then(|| format!("{} {}: {body}", operation.name, caller.name))
}

/// Returns the answers about a foreign and a missing object if they differ, unless the caller may see the
/// foreign one.
fn different_answers(
    fleet: &Fleet,
    operation: &Operation,
    caller: &Caller,
    foreign: &Response,
    missing: &Response,
) -> Option<String> {
    if caller.is_administrator() || !operation.has_object() {
        return None;
    }
    let foreign = without_names(fleet, foreign, Object::Foreign);
    let missing = without_names(fleet, missing, Object::Missing);
    (foreign != missing).then(|| format!("{} {}: {foreign:?} {missing:?}", operation.name, caller.name))
}

/// Returns an answer about an object without the names of the object: the answer may repeat the name that the
/// client has sent.
fn without_names(fleet: &Fleet, response: &Response, object: Object) -> (u16, String, Vec<(String, String)>) {
    let body = String::from_utf8(response.body.clone()).unwrap();
    // The time of a summary is its last member.
    let body = body.split_once("\"as_of\":").map_or(body.as_str(), |(before, _)| before);
    (response.status, fleet.hide_names(body, object), response.sorted_headers())
}

fn assert_same(expected: &str, found: &str) {
    let different: Vec<_> =
        expected.lines().zip(found.lines()).filter(|(expected, found)| expected != found).collect();
    assert!(different.is_empty() && expected.len() == found.len(), "{different:#?}");
}

/// A user sends readings of its own device and of a foreign one.
async fn a_batch_with_one_foreign_device_stores_nothing(database: Database) {
    let store = database.open().await;
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let fleet = Fleet::create(&store).await;
    let owner = CALLERS.iter().find(|caller| caller.name == "owner").unwrap();
    let token = format!("authorization: Bearer {}", fleet.credentials(owner).unwrap());
    let send = async |options: &str, object: Object, own_time: &str| {
        let [own, other] = [Object::Own, object].map(|object| fleet.name_object("{device}", object));
        let row = |device: &str, time: &str| {
            format!(r#"{{"device_id":"{device}","x":1,"y":2,"z":3,"timestamp":"{time}"}}"#)
        };
        let body = format!("[{},{}]", row(&own, own_time), row(&other, "2026-11-23T10:00:00Z"));
        let path = format!("/api/v1/stats/batch{options}");
        let headers = [JSON, &token, "x-request-id: r"];
        server.api.send("POST", &path, &headers, Some(body.as_bytes())).await
    };
    let mut answers = Vec::new();
    for object in [Object::Foreign, Object::Missing] {
        let refused = send("", object, "2026-11-23T10:00:00Z").await;
        assert_eq!(refused.status, 422, "{refused:?}");
        assert_eq!(refused.json()["detail"][0]["loc"][1], 1, "{refused:?}");
        assert_eq!(fleet.count_readings(&store).await, 0, "{object:?}");
        answers.push(without_names(&fleet, &refused, object));
    }
    assert_eq!(answers[0], answers[1]);
    answers.clear();
    for (n, object) in [Object::Foreign, Object::Missing].into_iter().enumerate() {
        let answer = send("?on_fault=skip", object, &format!("2026-11-23T10:00:0{n}Z")).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        assert_eq!(answer.json()["rejected"], 1, "{answer:?}");
        assert_eq!(fleet.count_readings(&store).await, n + 1, "{object:?}");
        answers.push(without_names(&fleet, &answer, object));
    }
    assert_eq!(answers[0], answers[1]);
    server.stop().await;
}

/// A client could make the service receive and parse 10 MiB for a device that the client may not see.
async fn a_batch_for_an_unseen_device_is_refused_before_its_body_arrives(database: Database) {
    let store = database.open().await;
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let fleet = Fleet::create(&store).await;
    for (name, registering) in [
        ("owner", "100"),
        ("owner:ingest", "403 The token lacks the scope manage"),
        ("device", "403 A device may not do this; use a token of its owner"),
    ] {
        let caller = CALLERS.iter().find(|caller| caller.name == name).unwrap();
        let token = format!("authorization: Bearer {}", fleet.credentials(caller).unwrap());
        let path = |object: Object| fleet.name_object("/api/v1/stats/devices/{device}/batch", object);
        // A client that asks first is told whether to send the body.
        let ask = async |object: Object, query: &str| {
            let head = format!(
                "POST {}{query} HTTP/1.1\r\nhost: localhost\r\n{JSON}\r\n{token}\r\nexpect: 100-continue\r\n\
                 content-length: 1\r\n\r\n",
                path(object)
            );
            server.api.send_bytes(head.as_bytes(), true).await.brief()
        };
        assert_eq!(ask(Object::Own, "").await, "100", "{name}");
        assert_eq!(ask(Object::Own, "?register=true").await, "100", "{name}");
        for object in [Object::Foreign, Object::Missing] {
            for query in ["", "?on_fault=skip", "?register=false", "?register=maybe"] {
                assert_eq!(ask(object, query).await, "404 Device not found", "{name} {object:?} {query}");
            }
            assert_eq!(ask(object, "?register=true").await, registering, "{name} {object:?}");
            // The faults of the body do not matter.
            let refused = server.api.send("POST", &path(object), &[JSON, &token], Some(b"x")).await;
            assert_eq!(refused.brief(), "404 Device not found", "{name} {object:?}");
        }
    }
    server.stop().await;
}
