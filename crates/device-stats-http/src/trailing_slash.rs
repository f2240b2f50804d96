//! The trailing slash of a path: the API ignores it. A redirect could lose the body of the request.

use axum::extract::Request;
use axum::http::Uri;
use axum::http::uri::PathAndQuery;

/// Removes the trailing slash from a path of the API.
#[expect(clippy::expect_used, reason = "a valid path stays valid without its trailing slash")]
pub(crate) fn strip_trailing_slash(mut request: Request) -> Request {
    let uri = request.uri();
    if let Some(path) = uri.path().strip_suffix('/').filter(|path| path.starts_with("/api/")) {
        let path = match uri.query() {
            Some(query) => PathAndQuery::try_from(format!("{path}?{query}")),
            None => PathAndQuery::try_from(path),
        };
        *request.uri_mut() = Uri::from(path.expect("a path without its trailing slash is valid"));
    }
    request
}
