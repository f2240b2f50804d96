//! Sessions of browsers: signing in with a token, requests with the cookie, signing out.

use std::sync::Arc;

use device_stats_domain::{SessionSecret, Token, TokenKind};
use device_stats_store::{Model, Store};
use serde_json::json;

use crate::databases::{Database, over_both_databases};
use crate::server::{Api, JSON, Response, Server, administrator_token};

over_both_databases!(a_browser_signs_in_and_out);

const SESSION: &str = "/api/v1/session";
const SAME: &str = "sec-fetch-site: same-origin";

async fn sign_in(api: Api, token: &str, headers: &[&str]) -> Response {
    let body = json!({ "token": token }).to_string();
    api.send("POST", SESSION, &[&[JSON], headers].concat(), Some(body.as_bytes())).await
}

/// Returns the pair of the cookie, as a browser sends it, and its attributes.
fn cookie(response: &Response) -> (String, String) {
    assert_eq!(response.status, 201, "{response:?}");
    let (pair, attributes) = response.header("set-cookie").unwrap().split_once("; ").unwrap();
    (format!("cookie: {pair}"), attributes.to_owned())
}

async fn a_browser_signs_in_and_out(database: Database) {
    let store = database.open().await;
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let api = server.api;
    let token = administrator_token(&store).await;
    let signed_in = sign_in(api, token.expose(), &[SAME]).await;
    let (cookie, attributes) = cookie(&signed_in);
    assert!(cookie.starts_with("cookie: device-stats="), "{cookie}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict; Max-Age=43200");
    assert_eq!(signed_in.json()["token"]["for"], "admin");
    assert!(!signed_in.body.windows(40).any(|part| part == &token.expose().as_bytes()[..40]));

    let me = api.send("GET", "/api/v1/me", &[&cookie], None).await;
    assert_eq!((me.status, &me.json()["for"]), (200, &json!("admin")));
    let user = br#"{"username":"ada","email":"ada@example.com"}"#;
    let create = async |headers: &[&str]| {
        api.send("POST", "/api/v1/users", &[&[JSON, &cookie], headers].concat(), Some(user)).await
    };
    // A browser adds the cookie to requests by pages of related sites, too.
    for headers in [&[][..], &["sec-fetch-site: same-site"], &["origin: http://other.localhost"]] {
        let refused = create(headers).await;
        assert_eq!(refused.status, 403, "{headers:?} {refused:?}");
        assert_eq!(refused.json()["code"], "cross_site", "{headers:?}");
    }
    assert_eq!(create(&["origin: http://localhost"]).await.status, 201);
    assert_eq!(create(&[SAME]).await.status, 400, "the user exists");
    api.send("POST", "/api/v1/devices", &[JSON, &cookie, SAME], Some(br#"{"device_id":"d"}"#)).await;
    // `EventSource` sends cookies, but no headers.
    let stream = api.send_for_head("GET", "/api/v1/stats/devices/d/live", &[&cookie]).await;
    assert_eq!(stream.status, 200);

    let signed_out = api.send("DELETE", SESSION, &[&cookie, SAME], None).await;
    assert_eq!(signed_out.status, 204);
    assert!(signed_out.header("set-cookie").unwrap().contains("Max-Age=0"));
    let refused = api.send("GET", "/api/v1/me", &[&cookie], None).await;
    assert_eq!(refused.brief(), "401 The session has ended; sign in again");
    assert_eq!(api.send("DELETE", SESSION, &[SAME], None).await.status, 204);
    server.stop().await;
}

#[tokio::test]
async fn a_revoked_token_begins_no_session_and_a_fault_does_not_repeat_it() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let server = Server::start_with_tokens(Arc::clone(&store)).await;
    let unknown = Token::from_random(TokenKind::User, &[5; 32]);
    let refused = sign_in(server.api, unknown.expose(), &[]).await;
    assert_eq!(refused.brief(), "401 The token is unknown, expired or revoked");
    let mistyped = unknown.expose().replace("dss_u_", "dss_a_");
    let refused = sign_in(server.api, &mistyped, &[]).await;
    assert_eq!(refused.brief(), "401 The text in the place of the token is mistyped: its checksum is wrong");
    let forged = SessionSecret::from_random(&[6; 32]);
    let forged = format!("cookie: device-stats={}", forged.expose());
    assert_eq!(server.api.send("GET", "/api/v1/me", &[&forged], None).await.status, 401);
    server.stop().await;
}

/// Everybody between a browser and the service can read a cookie that is sent without TLS.
#[tokio::test]
async fn a_browser_signs_in_over_a_network_only_with_tls() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    let token = administrator_token(&store).await;
    let server = Server::start_with_tokens_behind(Arc::clone(&store), "127.0.0.1".parse().unwrap()).await;
    let remote = "x-forwarded-for: 203.0.113.7";
    let refused = sign_in(server.api, token.expose(), &[remote]).await;
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("insecure_connection")));
    let refused = sign_in(server.api, token.expose(), &[remote, "x-forwarded-proto: http"]).await;
    assert_eq!(refused.status, 403);
    let standard = "forwarded: for=203.0.113.7;proto=https";
    let refused = sign_in(server.api, token.expose(), &[standard, "x-forwarded-proto: http"]).await;
    assert_eq!(refused.status, 403, "the headers disagree");
    assert_eq!(sign_in(server.api, token.expose(), &[standard]).await.status, 201);
    let encrypted = sign_in(server.api, token.expose(), &[remote, "x-forwarded-proto: https"]).await;
    let (cookie, attributes) = cookie(&encrypted);
    assert!(cookie.starts_with("cookie: __Host-device-stats="), "{cookie}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Strict; Max-Age=43200; Secure");
    let https = "x-forwarded-proto: https";
    let me = async |headers: &[&str]| server.api.send("GET", "/api/v1/me", headers, None).await.status;
    assert_eq!(me(&[&cookie, remote]).await, 200);
    assert_eq!(me(&[&cookie, remote, https]).await, 200);
    // Another host of the domain can set a cookie without the prefix.
    let unprefixed = cookie.replace("__Host-", "");
    assert_eq!(me(&[&unprefixed, remote, https]).await, 401);
    let ended = server.api.send("DELETE", SESSION, &[&unprefixed, remote, https, SAME], None).await;
    assert_eq!(ended.status, 204);
    assert_eq!(me(&[&cookie, remote, https]).await, 200, "another session was ended");
    server.stop().await;
    // A client that is not a trusted proxy cannot pretend to use TLS.
    let server = Server::start_with_tokens(store).await;
    let plain = sign_in(server.api, token.expose(), &["x-forwarded-proto: https"]).await;
    assert!(!plain.header("set-cookie").unwrap().contains("Secure"));
    server.stop().await;
}
