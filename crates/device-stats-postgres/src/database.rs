//! The database: its address, how it is opened and migrated, its connections and transactions, and the
//! meaning of its errors and columns.

pub(crate) mod columns;
pub(crate) mod config;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod errors;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod transactions;
