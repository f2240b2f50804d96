//! `/`: the page of the dashboard, and its files. The page is checked for a new version at each visit; a
//! browser keeps the files in `assets/` for ever, because their names contain a hash of their content.

use axum::Router;
use axum::extract::Extension;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, HeaderMap, VARY,
};
use axum::http::{HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use device_stats_service::Service;

use crate::dashboard::{Dashboard, Form};
use crate::errors::ApiError;
use crate::extract::{Conditions, Parsed};

/// Path of the page.
const PAGE: &str = "index.html";
/// Folder of the files whose names contain a hash of their content.
const HASHED: &str = "assets/";

const UNCHANGING: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const CHECKED: HeaderValue = HeaderValue::from_static("no-cache");

/// Returns the routes of a dashboard: its page, the files in `assets/`, and other files next to the page.
/// They accept any query, because the address of the page contains the chosen view.
pub(crate) fn dashboard(dashboard: &Dashboard) -> Router<Service> {
    if dashboard.find(PAGE).is_none() {
        return Router::new();
    }
    let mut routes = Router::new().route("/", get(show_page)).route("/assets/{*path}", get(find_file));
    for name in dashboard.paths().filter(|path| is_beside_page(path)) {
        routes = routes.route(&format!("/{name}"), get(find_file));
    }
    routes.layer(Extension(dashboard.clone()))
}

/// Returns whether a path is that of a file next to the page, such as an icon. A name without a dot could be
/// that of an operation, and braces have a meaning in routes.
fn is_beside_page(path: &str) -> bool {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    path != PAGE && path.contains('.') && path.chars().all(is_plain)
}

async fn show_page(
    Extension(dashboard): Extension<Dashboard>,
    headers: HeaderMap,
    Parsed(conditions): Parsed<Conditions>,
) -> Result<Response, ApiError> {
    respond(&dashboard, PAGE, &headers, &conditions)
}

async fn find_file(
    Extension(dashboard): Extension<Dashboard>,
    uri: Uri,
    headers: HeaderMap,
    Parsed(conditions): Parsed<Conditions>,
) -> Result<Response, ApiError> {
    // The names need no percent-encoding.
    respond(&dashboard, uri.path().strip_prefix('/').unwrap_or_default(), &headers, &conditions)
}

fn respond(
    dashboard: &Dashboard,
    path: &str,
    client: &HeaderMap,
    conditions: &Conditions,
) -> Result<Response, ApiError> {
    let file = dashboard.find(path).ok_or(ApiError::UnknownPath)?;
    let Form { bytes, tag, coding } = file.form_for(client);
    let is_known = conditions.check_read(tag)?;
    let mut response =
        if is_known { StatusCode::NOT_MODIFIED.into_response() } else { bytes.clone().into_response() };
    let headers = response.headers_mut();
    // Also in a 304: browsers replace the headers that they have kept, and the policy depends on the type.
    headers.insert(CONTENT_TYPE, file.media_type().clone());
    headers.insert(ETAG, tag.to_header());
    headers.insert(CACHE_CONTROL, if path.starts_with(HASHED) { UNCHANGING } else { CHECKED });
    if file.has_forms() {
        headers.insert(VARY, HeaderValue::from(ACCEPT_ENCODING));
    }
    if let Some(coding) = coding.filter(|_| !is_known) {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static(coding.name()));
    }
    Ok(response)
}
