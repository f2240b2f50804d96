//! The limit on the devices that a user creates itself.

use serde_json::json;

use crate::databases::{Database, over_both_databases};
use crate::server::{JSON, MIXED, Response, Server, administrator};

over_both_databases!(a_user_creates_devices_up_to_the_limit, concurrent_requests_do_not_exceed_the_limit);

const DEVICES: &str = "/api/v1/devices";

/// A server whose users create up to three devices, an administrator, and the user `ann`.
struct Fleet {
    server: Server,
    administrator: String,
    user: String,
}

impl Fleet {
    async fn start(database: &Database) -> Self {
        let store = database.open().await;
        let administrator = administrator(&store).await;
        let server = Server::start_with_devices_max(store, 3).await;
        let mut fleet = Self { server, administrator, user: String::new() };
        for (path, body) in [
            ("/api/v1/users", r#"{"username":"ann","email":"ann@example.com"}"#),
            ("/api/v1/tokens", r#"{"for":{"user_id":1}}"#),
        ] {
            let created = fleet.post(path, &fleet.administrator, body).await;
            assert_eq!(created.status, 201, "{created:?}");
            fleet.user =
                format!("authorization: Bearer {}", created.json()["token"].as_str().unwrap_or_default());
        }
        fleet
    }

    async fn post(&self, path: &str, token: &str, body: &str) -> Response {
        self.server.api.send("POST", path, &[JSON, token, "x-request-id: r"], Some(body.as_bytes())).await
    }

    async fn create(&self, token: &str, id: &str) -> Response {
        self.post(DEVICES, token, &json!({"device_id": id, "user_id": 1}).to_string()).await
    }

    /// Sends readings of these devices, and registers the missing ones.
    async fn register(&self, token: &str, ids: &[&str]) -> Response {
        let rows: Vec<_> = ids.iter().map(|id| json!({"device_id": id, "x": 1, "y": 2, "z": 3})).collect();
        self.post(&format!("{MIXED}?register=true"), token, &json!(rows).to_string()).await
    }

    /// Returns the ids of the devices of the user.
    async fn owned(&self) -> Vec<String> {
        let response = self.server.api.send("GET", DEVICES, &[&self.user], None).await.json();
        let ids = response
            .as_array()
            .unwrap()
            .iter()
            .map(|device| device["device_id"].as_str().unwrap().to_owned());
        ids.collect()
    }
}

async fn a_user_creates_devices_up_to_the_limit(database: Database) {
    let fleet = Fleet::start(&database).await;
    let (user, administrator) = (&fleet.user, &fleet.administrator);
    assert_eq!(fleet.create(user, "a").await.status, 201);
    let refused = fleet.register(user, &["a", "b", "c", "d"]).await;
    assert_eq!(refused.status, 422);
    let expected = r#"{"detail":[{"type":"too_many_owned_devices","loc":["query","register"],"msg":"You may have at most 3 devices; delete some, or let an administrator create further ones","input":true,"ctx":{"devices_max":3}}],"code":"invalid_request","request_id":"r"}"#;
    assert_eq!(String::from_utf8_lossy(&refused.body), expected);
    assert_eq!(fleet.owned().await, ["a"], "all or none");
    assert_eq!(fleet.register(user, &["a", "b"]).await.status, 201);
    assert_eq!(fleet.create(user, "c").await.status, 201);
    let refused = fleet.create(user, "d").await;
    assert_eq!(refused.status, 422);
    assert_eq!(refused.brief(), "422 too_many_owned_devices body");
    for path in ["/api/v1/stats/devices/d/batch?register=true", "/api/v1/write?register=true"] {
        let body = if path.contains("write") { "m,device=d x=1,y=2,z=3" } else { r#"[{"x":1,"y":2,"z":3}]"# };
        let refused = fleet.post(path, user, body).await;
        assert_eq!(refused.brief(), "422 too_many_owned_devices query.register", "{path}");
    }
    // The reason before the limit stays the same, and existing devices work.
    assert_eq!(fleet.create(user, "a").await.brief(), "400 Device with this ID already exists");
    assert_eq!(fleet.register(user, &["a", "b", "c"]).await.status, 201);
    // An administrator is not limited, also for a user with the maximum.
    assert_eq!(fleet.create(administrator, "d").await.status, 201);
    assert_eq!(fleet.register(administrator, &["e", "f", "g", "h", "i"]).await.status, 201);
    assert_eq!(fleet.owned().await, ["a", "b", "c", "d"]);
    assert_eq!(fleet.register(user, &["a", "d"]).await.status, 201);
    // Deleting makes room.
    for id in ["a", "b"] {
        assert_eq!(fleet.create(user, "j").await.status, 422);
        let path = format!("{DEVICES}/{id}");
        assert_eq!(fleet.server.api.send("DELETE", &path, &[user], None).await.status, 204);
    }
    assert_eq!(fleet.create(user, "j").await.status, 201);
    fleet.server.stop().await;
}

async fn concurrent_requests_do_not_exceed_the_limit(database: Database) {
    let fleet = Fleet::start(&database).await;
    let ids: Vec<String> = (0..12).map(|n| format!("d{n}")).collect();
    let requests = ids.iter().enumerate().map(async |(n, id)| match n % 2 {
        0 => fleet.create(&fleet.user, id).await,
        _ => fleet.register(&fleet.user, &[id]).await,
    });
    let statuses: Vec<u16> =
        futures_util::future::join_all(requests).await.iter().map(|response| response.status).collect();
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 3, "{statuses:?}");
    assert!(statuses.iter().all(|status| matches!(status, 201 | 422)), "{statuses:?}");
    assert_eq!(fleet.owned().await.len(), 3);
    fleet.server.stop().await;
}
