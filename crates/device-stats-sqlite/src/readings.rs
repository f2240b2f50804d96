//! Statements that append readings and reserve their ids.

pub(crate) mod append;
pub(crate) mod ids;
pub(crate) mod keyed;
