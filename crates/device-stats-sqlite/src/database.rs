//! The database file: how it is opened and migrated, its connections, and the meaning of its errors and
//! columns.

pub(crate) mod columns;
pub(crate) mod connections;
pub(crate) mod errors;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod uri;

#[cfg(test)]
mod tests;
