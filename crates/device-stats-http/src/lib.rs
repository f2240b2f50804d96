//! The HTTP interface of the service: version 1 of the contract, as routes.
//!
//! A handler (`routes`) reads a request with extractors (`extract`), makes one call to the service and
//! encodes the result. `errors` maps every error to a response, and `middleware` completes every response.
//! The identity of the caller comes from `extract/caller.rs`, so sign-in belongs there. Metrics of requests
//! belong to `middleware`, and the files of a web page to `app.rs`, beside Swagger UI.

pub mod limits;

mod app;
mod body;
mod errors;
mod extract;
mod headers;
mod listener;
mod middleware;
mod openapi;
mod routes;
mod trailing_slash;

pub use listener::serve;
pub use openapi::openapi;
