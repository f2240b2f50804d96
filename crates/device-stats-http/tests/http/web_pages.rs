//! Requests as browsers send them for web pages of other sites. `scripts/browser` sends some of them from a
//! real browser.

use std::sync::Arc;

use device_stats_http::BrowserAccess;
use device_stats_store::Model;

use crate::server::{Api, JSON, Response, Server};

const USERS: &str = "/api/v1/users";
const USER: &[u8] = br#"{"username":"eve","email":"eve@site.example"}"#;
/// A line of line protocol, as the field of a form with the encoding `text/plain`.
const FORM: &[u8] = b"m,device=d x=1,y=2,z=3\r\n";
/// Headers of browsers for a page of `https://site.example`.
const SITE: &str = "origin: https://site.example";
const CROSS_SITE: &str = "sec-fetch-site: cross-site";

/// Runs a case over a new service with these names, for pages of these origins.
async fn with_access(hosts: &str, origins: &str, case: impl AsyncFnOnce(Api)) {
    let access = BrowserAccess { hosts: hosts.parse().unwrap(), origins: origins.parse().unwrap() };
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

async fn readings(api: Api) -> usize {
    api.list("/api/v1/stats/devices/d").await.len()
}

/// A web page whose name resolved to the address of the service could read and change everything.
#[tokio::test]
async fn requests_for_foreign_hosts_are_refused() {
    with_access("stats.example.com", "", async |api| {
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
    with_access("", "", async |api| {
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
    with_access("", "", async |api| {
        let size = 12 * 1024 * 1024;
        let head = format!("POST /write HTTP/1.1\r\nhost: pump-hall\r\ncontent-length: {size}\r\n\r\n");
        let response = api.send_bytes(&[head.as_bytes(), &vec![b'x'; size]].concat(), true).await;
        assert_eq!((response.status, response.json()["code"].as_str()), (421, Some("foreign_host")));
    })
    .await;
}

/// `/write` accepts any `Content-Type`, so a page of any site could post a form to it.
#[tokio::test]
async fn changes_by_pages_of_other_sites_are_refused() {
    with_access("", "https://dash.example.com", async |api| {
        for origin in [
            &[SITE, CROSS_SITE][..],
            &[CROSS_SITE],
            &["sec-fetch-site: same-site"],
            &[SITE],
            // A page that hides its origin, for example in a sandboxed frame.
            &["origin: null"],
            &["origin: http://localhost:1"],
            &["origin: https://dash.example.com.site.example", CROSS_SITE],
            &["origin: http://dash.example.com", CROSS_SITE],
        ] {
            for (method, path, media_type, body) in [
                ("POST", "/write", "content-type: text/plain", Some(FORM)),
                ("POST", "/api/v2/write", "content-type: application/x-www-form-urlencoded", Some(FORM)),
                ("POST", USERS, JSON, Some(USER)),
                ("POST", "/api/v1/stats/devices/d/analyze", JSON, None),
                ("DELETE", "/api/v1/devices/d", JSON, None),
                ("PUT", "/nothing", JSON, Some(b"{}")),
            ] {
                let headers = [origin, &[media_type]].concat();
                let response = api.send(method, path, &headers, body).await;
                assert_eq!(response.status, 403, "{method} {path} {origin:?}");
                assert_eq!(response.json()["code"], "cross_site", "{method} {path} {origin:?}");
            }
            // The browser hides the answer from the page.
            let response = api.send("GET", "/api/v1/devices/d", origin, None).await;
            assert_eq!(response.header("access-control-allow-origin"), None);
        }
        assert_eq!((readings(api).await, api.list(USERS).await.len()), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn the_refusal_of_a_page_names_the_setting() {
    with_access("", "", async |api| {
        let response = api.send("POST", USERS, &[JSON, CROSS_SITE, "x-request-id: r-1"], Some(USER)).await;
        insta::assert_snapshot!(text(&response), @r#"{"detail":"A web page of another site sent this request. To let the page change data, add its origin to the setting --cors-origin (DEVICE_STATS_CORS_ORIGIN)","code":"cross_site","request_id":"r-1"}"#);
    })
    .await;
}

/// Pages of the service itself, programs, and pages of configured origins may change data.
#[tokio::test]
async fn other_changes_are_not_refused() {
    with_access("", "https://dash.example.com, http://localhost:3000", async |api| {
        for (index, origin) in [
            &[][..],
            &["origin: http://localhost", "sec-fetch-site: same-origin"],
            &["origin: http://localhost"],
            // Behind a proxy that speaks TLS.
            &["origin: https://localhost"],
            // Behind a proxy that replaces the name: the browser knows that the origin is the same.
            &["origin: https://stats.example.com", "sec-fetch-site: same-origin"],
            // A person opens the request, for example from a bookmark.
            &["sec-fetch-site: none"],
            &["origin: https://dash.example.com", CROSS_SITE],
            &["origin: http://localhost:3000", "sec-fetch-site: same-site"],
            &["origin: http://localhost:3000"],
        ]
        .into_iter()
        .enumerate()
        {
            let body = format!("m,device=d x={index},y=2,z=3 {index}\n");
            let headers = [&["content-type: text/plain"], origin].concat();
            let response = api.send("POST", "/write?precision=s", &headers, Some(body.as_bytes())).await;
            assert_eq!(response.status, 204, "{origin:?}: {response:?}");
        }
        assert_eq!(readings(api).await, 9);
    })
    .await;
}

fn cors_headers(response: &Response) -> Vec<(&'static str, &str)> {
    let names = [
        "access-control-allow-origin",
        "access-control-allow-methods",
        "access-control-allow-headers",
        "access-control-allow-credentials",
        "access-control-expose-headers",
        "access-control-max-age",
        "vary",
    ];
    names.into_iter().filter_map(|name| Some((name, response.header(name)?))).collect()
}

#[tokio::test]
async fn without_origins_no_response_has_headers_of_cors() {
    with_access("", "", async |api| {
        for (method, headers) in [
            ("GET", &[SITE, CROSS_SITE][..]),
            ("GET", &["origin: null"]),
            ("POST", &[SITE, CROSS_SITE]),
            ("OPTIONS", &[SITE, "access-control-request-method: PUT"]),
        ] {
            let response = api.send(method, USERS, headers, None).await;
            assert_eq!(cors_headers(&response), [], "{method} {headers:?}");
        }
        assert_eq!(api.send("OPTIONS", USERS, &[], None).await.status, 204);
    })
    .await;
}

#[tokio::test]
async fn pages_of_configured_origins_may_read_every_response() {
    with_access("", "https://dash.example.com", async |api| {
        let dash = "origin: https://dash.example.com";
        let exposed = "x-conflicts,content-disposition,etag,link,location,ratelimit,ratelimit-policy,\
            x-request-id,retry-after";
        let vary = "origin, access-control-request-headers";
        for (method, path, status) in [
            ("GET", "/api/v1/devices/d", 200),
            ("GET", "/api/v1/devices/e", 404),
            ("GET", "/nothing", 404),
            ("POST", USERS, 422),
            ("PATCH", USERS, 405),
        ] {
            let response = api.send(method, path, &[dash, CROSS_SITE], None).await;
            assert_eq!(response.status, status, "{method} {path}");
            let expected = [
                ("access-control-allow-origin", "https://dash.example.com"),
                ("access-control-expose-headers", exposed),
                ("vary", vary),
            ];
            assert_eq!(cors_headers(&response), expected, "{method} {path}");
            let response = api.send(method, path, &[SITE], None).await;
            assert_eq!(response.header("access-control-allow-origin"), None, "{method} {path}");
        }
        // The page learns why the service refuses it.
        let response = send_to(api, "pump-hall", "GET", USERS, &format!("{dash}\r\n")).await;
        assert_eq!(response.status, 421);
        assert_eq!(response.header("access-control-allow-origin"), Some("https://dash.example.com"));
    })
    .await;
}

#[tokio::test]
async fn browsers_may_ask_before_they_send_a_request_of_a_configured_origin() {
    with_access("", "https://dash.example.com", async |api| {
        let ask =
            ["access-control-request-method: PUT", "access-control-request-headers: content-type,if-match"];
        let response = api
            .send("OPTIONS", USERS, &[&ask[..], &["origin: https://dash.example.com"]].concat(), None)
            .await;
        assert_eq!((response.status, response.body.len()), (200, 0));
        assert!(response.header("x-request-id").is_some());
        let expected = [
            ("access-control-allow-origin", "https://dash.example.com"),
            ("access-control-allow-methods", "GET,HEAD,POST,PUT,DELETE"),
            ("access-control-allow-headers", "content-type,if-match"),
            ("access-control-max-age", "600"),
            ("vary", "origin, access-control-request-headers"),
        ];
        assert_eq!(cors_headers(&response), expected);
        let response = api.send("OPTIONS", USERS, &[&ask[..], &[SITE]].concat(), None).await;
        assert_eq!(response.header("access-control-allow-origin"), None);
    })
    .await;
}

#[tokio::test]
async fn every_response_restricts_browsers() {
    with_access("", "https://dash.example.com", async |api| {
        let data = "default-src 'none'; frame-ancestors 'none'";
        for (method, path, status) in [
            ("GET", "/api/v1/devices/d", 200),
            ("GET", "/api/v1/openapi.json", 200),
            ("GET", "/api/v1/stats/devices/d/export", 200),
            ("GET", "/health/live", 200),
            ("GET", "/nothing", 404),
            ("DELETE", "/api/v1/devices/d", 204),
            ("GET", "/api/v1/users?limit=0", 422),
            ("OPTIONS", USERS, 200),
        ] {
            let response = api.send(method, path, &[], None).await;
            assert_eq!(response.status, status, "{method} {path}");
            for (name, value) in [
                ("content-security-policy", data),
                ("x-content-type-options", "nosniff"),
                ("referrer-policy", "no-referrer"),
                ("cross-origin-resource-policy", "same-origin"),
                ("cache-control", "no-store"),
            ] {
                assert_eq!(response.header(name), Some(value), "{method} {path}");
            }
            for name in ["cross-origin-opener-policy", "permissions-policy"] {
                assert_eq!(response.header(name), None, "{method} {path}");
            }
        }
        let script = api.get("/docs/swagger-initializer.js").await;
        // A worker may send requests to the service.
        assert_eq!(
            script.header("content-security-policy"),
            Some("default-src 'none'; script-src 'self'; connect-src 'self'; frame-ancestors 'none'")
        );
        let page = api.get("/docs/").await;
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; \
                 img-src 'self' data:; font-src 'self'; connect-src 'self'; \
                 base-uri 'none'; form-action 'self'; object-src 'none'; frame-ancestors 'none'",
            ),
            (
                "permissions-policy",
                "accelerometer=(), camera=(), clipboard-read=(), display-capture=(), encrypted-media=(), \
                 geolocation=(), gyroscope=(), hid=(), magnetometer=(), microphone=(), midi=(), \
                 payment=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), usb=(), \
                 xr-spatial-tracking=()",
            ),
            ("cross-origin-opener-policy", "same-origin"),
            ("cross-origin-resource-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), Some(value));
        }
    })
    .await;
}

/// A proxy must not keep a live stream back.
#[tokio::test]
async fn a_live_stream_keeps_its_own_cache_control() {
    with_access("", "", async |api| {
        let path = "/api/v1/stats/devices/d/live";
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n");
        let response = api.send_bytes(request.as_bytes(), false).await;
        assert_eq!((response.status, response.header("cache-control")), (200, Some("no-cache")));
    })
    .await;
}

/// A page with inline scripts would not work under its policy.
#[tokio::test]
async fn the_page_of_the_documentation_has_no_inline_scripts() {
    with_access("", "", async |api| {
        let page = text(&api.get("/docs/").await);
        assert!(page.matches("<script").count() > 0 && !page.contains("<style"), "{page}");
        assert_eq!(page.matches("<script").count(), page.matches("<script src=\"./").count(), "{page}");
        let settings = text(&api.get("/docs/swagger-initializer.js").await);
        // The default layout contains a logo with inline styles, and asks a server of others to validate the
        // document.
        assert!(settings.contains(r#""layout": "BaseLayout""#), "{settings}");
        assert!(settings.contains(r#""validatorUrl": "none""#), "{settings}");
    })
    .await;
}
