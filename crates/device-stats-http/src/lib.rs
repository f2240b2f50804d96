//! The HTTP interface of the service: version 1 of the API contract.
//!
//! A handler (`routes`) reads a request with extractors (`extract`), makes one call to the service and
//! encodes the result. `errors` maps every error to a response, and `middleware` completes every response.
//! Later features have these places: sign-in belongs to `extract/caller.rs`, which determines the caller;
//! further counts of requests belong to `middleware`.

pub mod limits;

mod app;
mod body;
mod browsers;
mod compression;
mod dashboard;
mod errors;
mod extract;
mod headers;
mod listener;
mod metrics;
mod middleware;
mod observers;
mod openapi;
mod overload;
mod proxies;
mod routes;
#[cfg(test)]
mod testing;
mod tls;
mod trailing_slash;

pub use browsers::{AllowedHosts, AllowedHostsError, BrowserAccess, CorsOrigins, CorsOriginsError};
pub use dashboard::Dashboard;
pub use listener::{ListenerSettings, serve};
pub use openapi::openapi;
pub use proxies::{TrustedProxies, TrustedProxiesError};
pub use routes::AuditEntryResponse;
pub use tls::{Tls, TlsError, TlsFiles};
