//! Protection from web pages of other sites. A person who can reach the service may open such a page, and the
//! page can send requests from the browser of this person.
//!
//! `host` refuses requests for foreign names, because a page could read everything with them (DNS rebinding).

mod host;
mod host_port;

use axum::Router;

pub use host::{AllowedHosts, AllowedHostsError};

/// The names of the service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrowserAccess {
    /// Names of the service. Addresses and `localhost` need no entry.
    pub hosts: AllowedHosts,
}

/// Protects routes from web pages of other sites.
pub(crate) fn protect(routes: Router, access: &BrowserAccess) -> Router {
    routes.layer(host::refuse_foreign_hosts(&access.hosts))
}
