//! The database file: opening and migration, connections, checkpoints, free pages, and the conversion of
//! errors and columns.

pub(crate) mod checkpoint;
pub(crate) mod columns;
pub(crate) mod connections;
pub(crate) mod disk;
pub(crate) mod errors;
pub(crate) mod free_pages;
pub(crate) mod migrations;
pub(crate) mod open;
pub(crate) mod upkeep;
pub(crate) mod uri;

#[cfg(test)]
mod tests;
