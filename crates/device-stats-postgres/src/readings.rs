//! Statements about readings: how they are appended, and those that are hot.

pub(crate) mod append;
pub(crate) mod hot;
pub(crate) mod ids;
pub(crate) mod keyed;
pub(crate) mod parameters;
pub(crate) mod pick_times;
