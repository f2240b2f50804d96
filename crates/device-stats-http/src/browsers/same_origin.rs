//! Requests by pages of the service itself. Only they may change data with a cookie: a browser adds the
//! cookie to requests by pages of related sites, too.

use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, Uri};

/// Set by browsers, not by pages (Fetch Metadata).
const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Returns whether a page of the service sent a request. A browser states this in `Sec-Fetch-Site`; without
/// that header, for example over plain HTTP to another machine, the host and port in `Origin` must be those
/// of the request.
pub(crate) fn is_same_origin(head: &Parts) -> bool {
    if let Some(site) = only(&head.headers, SEC_FETCH_SITE) {
        return site == "same-origin";
    }
    let host = head.uri.authority().map(Authority::as_str);
    let host = host.or_else(|| only(&head.headers, HOST.as_str()));
    let origin = only(&head.headers, ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok());
    let origin = origin.as_ref().and_then(Uri::authority).map(Authority::as_str);
    host.zip(origin).is_some_and(|(host, origin)| host.eq_ignore_ascii_case(origin))
}

/// Returns the text of a header that occurs once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    #[test]
    fn only_pages_of_the_service_have_its_origin() {
        for (headers, is_same) in [
            (&[("sec-fetch-site", "same-origin")][..], true),
            (&[("sec-fetch-site", "same-origin"), ("origin", "http://x")], true),
            (&[("sec-fetch-site", "same-site"), ("origin", "http://h:1")], false),
            (&[("sec-fetch-site", "cross-site")], false),
            (&[("sec-fetch-site", "none")], false),
            (
                &[
                    ("sec-fetch-site", "same-origin"),
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "http://x"),
                ],
                false,
            ),
            (&[("origin", "http://h:1")], true),
            (&[("origin", "https://H:1")], true),
            (&[("origin", "http://h")], false),
            (&[("origin", "http://other:1")], false),
            (&[("origin", "null")], false),
            (&[], false),
        ] {
            let mut request = Request::post("/").header("host", "h:1");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let (head, ()) = request.body(()).unwrap().into_parts();
            assert_eq!(is_same_origin(&head), is_same, "{headers:?}");
        }
    }
}
