//! Statements that append readings, list hot readings and reserve ids.

pub(crate) mod append;
pub(crate) mod hot;
pub(crate) mod ids;
pub(crate) mod keyed;
pub(crate) mod parameters;
pub(crate) mod pick_times;
