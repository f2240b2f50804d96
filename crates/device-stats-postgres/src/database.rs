//! The database: address, encryption, opening and migration, connections, transactions, and the conversion of
//! errors and columns.

pub(crate) mod columns;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod encryption;
pub(crate) mod errors;
pub(crate) mod invalid_url;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod session;
pub(crate) mod tls;
pub(crate) mod transactions;
