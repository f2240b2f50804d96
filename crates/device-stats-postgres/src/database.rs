//! The database: address, opening and migration, connections, transactions, and the conversion of errors and
//! columns.

pub(crate) mod columns;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod errors;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod transactions;
