//! The page at `/` and its files. The tests use files of their own, so they do not depend on a built
//! dashboard.

use std::borrow::Cow;
use std::sync::Arc;

use device_stats_http::Dashboard;
use device_stats_store::Model;

use crate::server::{Api, Response, Server};

const PAGE: &str = "<!doctype html><title>A dashboard</title>";
const SCRIPT: &str = "assets/index-1a2b3c4d.js";
const FONT: &str = "assets/text-5e6f7a8b.woff2";
const ICON: &str = "favicon.svg";

/// The forms in Brotli and gzip. The service does not look into them.
const BROTLI: &str = "the script in Brotli";
const GZIP: &str = "the script in gzip.....";

fn script() -> String {
    "export const value = 1;\n".repeat(500)
}

/// Runs a case over a service whose clients need a token, with these files.
async fn with_files(case: impl AsyncFnOnce(Api)) {
    let files = [
        ("index.html", PAGE.to_owned()),
        (SCRIPT, script()),
        ("assets/index-1a2b3c4d.js.br", BROTLI.to_owned()),
        ("assets/index-1a2b3c4d.js.gz", GZIP.to_owned()),
        (FONT, "f".repeat(2_000)),
        (ICON, "<svg/>".to_owned()),
        ("write", "a name of an operation".to_owned()),
        ("icons/a.svg", "neither in assets/ nor next to the page".to_owned()),
    ];
    let files = files.map(|(path, content)| (path.to_owned(), Cow::Owned(content.into_bytes())));
    with(Dashboard::new(files), case).await;
}

async fn with(dashboard: Dashboard, case: impl AsyncFnOnce(Api)) {
    let server = Server::start_with_dashboard(Arc::new(Model::default()), dashboard).await;
    case(server.api).await;
    server.stop().await;
}

async fn get(api: Api, path: &str, headers: &[&str]) -> Response {
    api.send("GET", path, headers, None).await
}

#[tokio::test]
async fn the_page_and_its_files_need_no_token_and_accept_any_query() {
    with_files(async |api| {
        let script = script();
        for (path, media_type, body) in [
            ("/".to_owned(), "text/html; charset=utf-8", PAGE),
            ("/?view=device&device_id=a%20b&view=c".to_owned(), "text/html; charset=utf-8", PAGE),
            (format!("/{SCRIPT}"), "text/javascript; charset=utf-8", script.as_str()),
            (format!("/{SCRIPT}?x=1"), "text/javascript; charset=utf-8", script.as_str()),
            (format!("/{ICON}"), "image/svg+xml", "<svg/>"),
        ] {
            let response = get(api, &path, &[]).await;
            assert_eq!(response.status, 200, "{path}: {response:?}");
            assert_eq!(response.header("content-type"), Some(media_type), "{path}");
            assert_eq!(response.body, body.as_bytes(), "{path}");
        }
        assert_eq!(api.get("/api/v1/devices").await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn files_with_a_hash_in_their_names_are_kept_for_ever_and_others_are_checked() {
    with_files(async |api| {
        for (path, expected) in [
            ("/", "no-cache"),
            (&format!("/{ICON}"), "no-cache"),
            (&format!("/{SCRIPT}"), "public, max-age=31536000, immutable"),
            (&format!("/{FONT}"), "public, max-age=31536000, immutable"),
        ] {
            let response = get(api, path, &[]).await;
            assert_eq!((response.status, response.header("cache-control")), (200, Some(expected)), "{path}");
        }
    })
    .await;
}

/// A browser replaces the headers that it has kept by those of a 304, also the policy of the page.
#[tokio::test]
async fn a_browser_that_has_a_file_gets_304_with_the_same_headers() {
    with_files(async |api| {
        for path in ["/", &format!("/{SCRIPT}"), &format!("/{FONT}")] {
            for codings in ["identity", "gzip", "gzip, deflate, br, zstd"] {
                let accept = format!("accept-encoding: {codings}");
                let full = get(api, path, &[&accept]).await;
                let tag = full.header("etag").unwrap().to_owned();
                let known = get(api, path, &[&accept, &format!("if-none-match: \"x\", W/{tag}")]).await;
                assert_eq!((known.status, known.body.len()), (304, 0), "{path} {codings}");
                let headers = ["etag", "cache-control", "vary", "content-type", "content-security-policy"];
                for name in headers {
                    assert_eq!(known.header(name), full.header(name), "{path} {codings} {name}");
                }
                let changed = get(api, path, &[&accept, "if-none-match: \"x\""]).await;
                assert_eq!((changed.status, &changed.body), (200, &full.body), "{path} {codings}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn files_are_sent_in_the_coding_that_the_browser_asks_for_and_each_form_has_its_own_tag() {
    with_files(async |api| {
        let path = format!("/{SCRIPT}");
        let script = script();
        let mut tags = Vec::new();
        for (codings, coding, body) in [
            // A browser over plain HTTP, and over HTTPS.
            ("gzip, deflate", Some("gzip"), GZIP),
            ("gzip, deflate, br, zstd", Some("br"), BROTLI),
            ("zstd", None, script.as_str()),
            ("gzip;q=0", None, &script),
        ] {
            let response = get(api, &path, &[&format!("accept-encoding: {codings}")]).await;
            assert_eq!(response.header("content-encoding"), coding, "{codings}");
            assert_eq!(response.header("content-type"), Some("text/javascript; charset=utf-8"), "{codings}");
            assert_eq!(response.header("vary"), Some("accept-encoding"), "{codings}");
            assert_eq!(response.body, body.as_bytes(), "{codings}");
            tags.push(response.header("etag").unwrap().to_owned());
        }
        assert_eq!(tags[2], tags[3]);
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), 3);
        let font = get(api, &format!("/{FONT}"), &["accept-encoding: gzip, br"]).await;
        assert_eq!((font.header("content-encoding"), font.header("vary")), (None, None));
    })
    .await;
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    with_files(async |api| {
        for path in ["/", &format!("/{SCRIPT}")] {
            let headers = ["accept-encoding: gzip", "x-request-id: r"];
            let full = get(api, path, &headers).await;
            let head = api.send("HEAD", path, &headers, None).await;
            assert_eq!((head.status, head.body.len()), (200, 0), "{path}");
            assert_eq!(head.sorted_headers(), full.sorted_headers(), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_missing_file_is_404_and_only_reading_is_allowed() {
    with_files(async |api| {
        for path in [
            "/assets/index-00000000.js",
            "/assets/",
            "/assets/../index.html",
            "/assets/%69ndex-1a2b3c4d.js",
            "/assets/%ff",
            "/index.html",
            "/icons/a.svg",
            // A form of a file.
            "/assets/index-1a2b3c4d.js.br",
        ] {
            let response = get(api, path, &["x-request-id: r"]).await;
            assert_eq!(response.brief(), "404 Not Found", "{path}");
            assert_eq!(response.json()["code"], "unknown_path", "{path}");
            assert_eq!(response.header("cache-control"), Some("no-store"), "{path}");
        }
        for (method, path) in [("POST", "/"), ("PUT", "/assets/index-1a2b3c4d.js")] {
            let response = api.send(method, path, &[], None).await;
            assert_eq!(
                (response.status, response.header("allow")),
                (405, Some("GET,HEAD")),
                "{method} {path}"
            );
        }
        // The file `write` does not replace the operation.
        assert_eq!(api.send("POST", "/write", &[], None).await.status, 401);
    })
    .await;
}

#[tokio::test]
async fn the_page_and_its_workers_get_what_they_need_from_the_policy() {
    with_files(async |api| {
        let policy = async |path: &str| {
            let response = get(api, path, &[]).await;
            response.header("content-security-policy").unwrap().to_owned()
        };
        let (page, script) = (policy("/").await, policy(&format!("/{SCRIPT}")).await);
        for part in ["script-src 'self'", "connect-src 'self'"] {
            assert!(page.contains(part) && script.contains(part), "{page} {script}");
        }
        assert!(page.contains("worker-src 'self'") && !page.contains("unsafe"), "{page}");
        assert_eq!(policy(&format!("/{FONT}")).await, "default-src 'none'; frame-ancestors 'none'");
        let page = get(api, "/", &[]).await;
        for (name, value) in [
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
        ] {
            assert_eq!(page.header(name), Some(value));
        }
        let foreign = b"GET / HTTP/1.1\r\nhost: a b\r\nconnection: close\r\n\r\n";
        assert_eq!(api.send_bytes(foreign, true).await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn a_binary_without_a_dashboard_says_how_to_get_it() {
    with(Dashboard::new(device_stats_dashboard::placeholder()), async |api| {
        let page = get(api, "/?view=device", &[]).await;
        assert_eq!((page.status, page.header("cache-control")), (200, Some("no-cache")));
        let text = String::from_utf8(page.body).unwrap();
        assert!(text.contains("make dashboard"), "{text}");
        let style = get(api, "/placeholder.css", &[]).await;
        assert_eq!((style.status, style.header("cache-control")), (200, Some("no-cache")));
    })
    .await;
}

#[tokio::test]
async fn without_files_there_is_no_page() {
    with(Dashboard::default(), async |api| {
        for path in ["/", "/assets/a.js"] {
            assert_eq!(get(api, path, &[]).await.brief(), "404 Not Found", "{path}");
        }
    })
    .await;
}
