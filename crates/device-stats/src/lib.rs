//! The service itself: what a request means ([`service`]), HTTP in front of it ([`http`]), the settings and the command
//! line. The binary `device-stats` only calls [`run`].
//!
//! A request passes three layers: a handler in `http` reads it into domain values, one call to `service` does what it
//! asks, and the store keeps or finds. A handler knows no store error, `service` knows no HTTP.

pub mod settings;

mod command;
mod database;
mod logging;

pub use command::run;
