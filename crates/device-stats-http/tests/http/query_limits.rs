//! Queries above the limits of the service: they are refused at once, or end at their deadline. Other
//! requests are not affected.

use std::time::Duration;

use device_stats_service::QueryLimits;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::databases::{Database, over_both_databases};
use crate::server::{Api, READINGS, Server};

over_both_databases!(queries_above_the_limits_are_refused, disconnected_queries_return_their_shares);

/// A query of each kind. The user is the first one.
const QUERIES: [&str; 9] = [
    "/api/v1/stats/devices/d/analysis",
    "/api/v1/stats/users/1/analysis",
    "/api/v1/stats/analysis?device_id=d",
    "/api/v1/stats/devices/d/series?interval=PT1H",
    "/api/v1/stats/devices/d/histogram?bins=2",
    "/api/v1/stats/devices/d/latest",
    "/api/v1/stats/latest?device_id=d",
    "/api/v1/stats/devices/d?limit=1",
    "/api/v1/stats/devices/d/readings/2026-01-01T00:00:00Z",
];

/// Starts a service with limits, with a user and one reading of a device.
async fn start(database: &Database, limits: QueryLimits) -> Server {
    let server = Server::start_with_limits(database.open().await, limits).await;
    let api = server.api;
    if api.get("/api/v1/devices/d").await.status == 404 {
        let user = api.user("ada").await;
        api.owned_device("d", user).await;
    }
    let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": "2026-01-01T00:00:00Z"});
    assert_eq!(api.post(READINGS, reading).await.status, 201);
    server
}

async fn expect_each(api: Api, status: u16, code: Option<&str>) {
    for path in QUERIES {
        let response = api.get(path).await;
        assert_eq!(response.status, status, "{path}: {response:?}");
        if let Some(code) = code {
            assert_eq!(response.json()["code"], code, "{path}");
            assert_eq!(response.header("retry-after"), Some("1"), "{path}");
        }
    }
}

async fn queries_above_the_limits_are_refused(database: Database) {
    let limits = QueryLimits::default();
    let server = start(&database, limits).await;
    expect_each(server.api, 200, None).await;
    server.stop().await;
    let server = start(&database, QueryLimits { queries_max: 0, ..limits }).await;
    expect_each(server.api, 503, Some("too_many_analyses")).await;
    server.stop().await;
    let server = start(&database, QueryLimits { time_max: Duration::ZERO, ..limits }).await;
    expect_each(server.api, 503, Some("query_timeout")).await;
    server.stop().await;
}

async fn disconnected_queries_return_their_shares(database: Database) {
    let server = start(&database, QueryLimits { queries_max: 2, ..QueryLimits::default() }).await;
    for path in QUERIES.into_iter().cycle().take(300) {
        let mut stream = TcpStream::connect(server.api.address).await.unwrap();
        stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").as_bytes()).await.unwrap();
    }
    // Both shares are free again when the service has noticed that the clients are gone.
    for path in QUERIES {
        loop {
            let response = server.api.get(path).await;
            if response.status != 503 {
                assert_eq!(response.status, 200, "{path}: {response:?}");
                break;
            }
        }
    }
    server.stop().await;
}
