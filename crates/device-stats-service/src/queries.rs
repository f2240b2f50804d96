//! Queries over a snapshot of the store: analyses, series, histograms, lists and statuses.

mod activity;
mod analysis;
mod fleet;
mod histogram;
mod latest;
pub(crate) mod list;
mod memory;
mod path;
mod reading_span;
mod series;
pub(crate) mod snapshot;
mod status;
#[cfg(test)]
mod tests;

pub use activity::Activity;
pub use analysis::Analysis;
pub use fleet::FleetSummary;
pub use latest::LatestReading;
pub use path::Path;
pub use reading_span::ReadingSpan;
pub use series::{Bucket, Series, SeriesTooLong};
pub use status::{StatusEntry, StatusPage, StatusRequest};
