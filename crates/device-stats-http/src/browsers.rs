//! Protection from web pages of other sites. A person who can reach the service may open such a page, and the
//! page can send requests from the browser of this person.
//!
//! `host` refuses requests for foreign names, because a page could read everything with them (DNS rebinding).
//! `cross_site` refuses changes by pages of other sites. `cors` lets the pages of configured origins read and
//! change data. `headers` restricts what browsers may do with a response, and `hsts` lets them use only
//! HTTPS.

mod cors;
mod cross_site;
mod headers;
mod host;
mod host_port;
mod hsts;
mod origins;
mod same_origin;

use axum::Router;
use tower::ServiceBuilder;
use tower::util::option_layer;

pub use host::{AllowedHosts, AllowedHostsError};
pub(crate) use hsts::Hsts;
pub use origins::{CorsOrigins, CorsOriginsError};
pub(crate) use same_origin::is_same_origin;

/// The names of the service, and the web pages of other sites that may use it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserAccess {
    /// Names of the service. Addresses and `localhost` need no entry.
    pub hosts: AllowedHosts,
    /// Origins whose pages may read and change data.
    pub origins: CorsOrigins,
}

/// Protects routes from web pages of other sites.
pub(crate) fn protect(routes: Router, access: &BrowserAccess) -> Router {
    let BrowserAccess { hosts, origins } = access;
    // The first layer is the outermost one. The layers are one service, because `Router::layer` allocates
    // memory for each layer and request.
    let layers = ServiceBuilder::new()
        .map_response(headers::restrict)
        .layer(option_layer(cors::cors(origins)))
        .layer(host::refuse_foreign_hosts(hosts))
        .layer(cross_site::refuse_cross_site_changes(origins));
    routes.layer(layers)
}
