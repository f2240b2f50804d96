//! The response to a request for a page of a list by cursor.

use axum::Json;
use axum::http::HeaderValue;
use axum::http::header::LINK;
use axum::response::{IntoResponse, Response};
use form_urlencoded::Serializer;
use serde::Serialize;

/// Response 200 with a page of a list, and the header `Link` (RFC 8288) if there is another page.
pub(super) struct Listed<B> {
    pub(super) entries: Vec<B>,
    /// The address of the next page, relative to that of this page: its query. It stays correct if a proxy
    /// changes the path.
    pub(super) next: Option<String>,
}

impl<B> Listed<B> {
    /// Makes a page of a list. `next` is the `after` of the next page, if there is one; `others` are the
    /// other parameters.
    pub(super) fn new(entries: Vec<B>, next: Option<i64>, others: &[(String, String)]) -> Self {
        let next = next.map(|after| {
            let mut query = Serializer::new(String::new());
            let query = query.extend_pairs(others).append_pair("after", &after.to_string());
            format!("?{}", query.finish())
        });
        Self { entries, next }
    }
}

impl<B: Serialize> IntoResponse for Listed<B> {
    #[expect(clippy::expect_used, reason = "an encoded query is visible ASCII")]
    fn into_response(self) -> Response {
        let mut response = Json(self.entries).into_response();
        if let Some(next) = self.next {
            let link = format!("<{next}>; rel=\"next\"");
            response.headers_mut().insert(LINK, HeaderValue::from_str(&link).expect("a valid header"));
        }
        response
    }
}
