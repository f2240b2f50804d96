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
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(path.expect("a path without its trailing slash is valid"));
        *request.uri_mut() = Uri::from_parts(parts).expect("a valid URI stays valid");
    }
    request
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    /// A target with a host (of HTTP/2, or of a request to a proxy) lost it, so nothing could check it.
    #[test]
    fn the_rest_of_the_target_is_kept() {
        for (target, expected) in [
            ("/api/v1/users/?limit=1", "/api/v1/users?limit=1"),
            ("http://site.example:8000/api/v1/users/", "http://site.example:8000/api/v1/users"),
            ("http://site.example/api/v1/users/?limit=1", "http://site.example/api/v1/users?limit=1"),
            ("/docs/", "/docs/"),
        ] {
            let request = Request::get(target).body(Body::empty()).unwrap();
            assert_eq!(strip_trailing_slash(request).uri(), expected);
        }
    }
}
