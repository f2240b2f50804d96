//! The handlers.

pub(crate) mod analyses;
pub(crate) mod batches;
pub(crate) mod devices;
pub(crate) mod exports;
pub(crate) mod health;
pub(crate) mod histograms;
pub(crate) mod live;
pub(crate) mod points;
pub(crate) mod readings;
pub(crate) mod series;
pub(crate) mod statistics;
pub(crate) mod users;
