//! Requests as browsers send them for web pages of other sites.

use std::sync::Arc;

use device_stats_http::BrowserAccess;
use device_stats_store::Model;

use crate::server::{Api, Response, Server};

const USERS: &str = "/api/v1/users";

/// Runs a case over a new service with these names.
async fn with_access(hosts: &str, case: impl AsyncFnOnce(Api)) {
    let access = BrowserAccess { hosts: hosts.parse().unwrap() };
    let server = Server::start_for(Arc::new(Model::default()), access).await;
    server.api.device("d").await;
    case(server.api).await;
    server.stop().await;
}

/// Sends a request with this header `Host`.
async fn send_to(api: Api, host: &str, method: &str, path: &str, headers: &str) -> Response {
    let request = format!("{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}\r\n");
    api.send_bytes(request.as_bytes(), method != "HEAD").await
}

fn text(response: &Response) -> String {
    String::from_utf8(response.body.clone()).unwrap()
}

/// A web page whose name resolved to the address of the service could read and change everything.
#[tokio::test]
async fn requests_for_foreign_hosts_are_refused() {
    with_access("stats.example.com", async |api| {
        for (method, path) in [
            ("GET", USERS),
            ("GET", "/api/v1/users/"),
            ("DELETE", "/api/v1/devices/d"),
            ("GET", "/api/v1/stats/devices/d/export"),
            ("GET", "/api/v1/stats/devices/d/live"),
            ("GET", "/api/v1/version"),
            ("GET", "/api/v1/openapi.json"),
            ("GET", "/docs/"),
            ("GET", "/nothing"),
            ("POST", "/write"),
            ("PATCH", USERS),
            ("OPTIONS", USERS),
            ("HEAD", USERS),
        ] {
            let response = send_to(api, "site.example:8000", method, path, "").await;
            assert_eq!(response.status, 421, "{method} {path}");
            let response = send_to(api, "site example", method, path, "").await;
            assert_eq!(response.status, 400, "{method} {path}");
        }
        for host in ["stats.example.com", "Stats.Example.com:8000", "127.0.0.1:8000", "[::1]", "localhost"] {
            assert_eq!(send_to(api, host, "GET", "/api/v1/devices/d", "").await.status, 200, "{host}");
        }
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(send_to(api, "backend_servers", "GET", path, "").await.status, 200, "{path}");
        }
        let without_host = b"GET /api/v1/devices/d HTTP/1.0\r\n\r\n";
        assert_eq!(api.send_bytes(without_host, true).await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn the_refusal_of_a_host_names_it_and_the_setting() {
    with_access("", async |api| {
        let response = send_to(api, "pump-hall:8000", "GET", USERS, "x-request-id: r-1\r\n").await;
        insta::assert_snapshot!(text(&response), @r#"{"detail":"The request is for pump-hall, which is not a name of this service. To allow it, add pump-hall to the setting --allowed-host (DEVICE_STATS_ALLOWED_HOST)","code":"foreign_host","request_id":"r-1"}"#);
        let response = send_to(api, "a b", "GET", USERS, "x-request-id: r-1\r\n").await;
        insta::assert_snapshot!(text(&response), @r#"{"detail":"The header Host is not a host name or an address, with or without a port","code":"malformed_host","request_id":"r-1"}"#);
        let response = send_to(api, "pump-hall", "POST", "/write", "").await;
        assert_eq!(response.json()["message"], response.json()["detail"], "Telegraf logs `message`");
    })
    .await;
}

#[tokio::test]
async fn a_client_that_sends_much_to_a_foreign_host_can_read_the_refusal() {
    with_access("", async |api| {
        let size = 12 * 1024 * 1024;
        let head = format!("POST /write HTTP/1.1\r\nhost: pump-hall\r\ncontent-length: {size}\r\n\r\n");
        let response = api.send_bytes(&[head.as_bytes(), &vec![b'x'; size]].concat(), true).await;
        assert_eq!((response.status, response.json()["code"].as_str()), (421, Some("foreign_host")));
    })
    .await;
}
