//! Queries over a snapshot of the store: analyses, series, histograms and lists.

mod analysis;
mod histogram;
pub(crate) mod list;
mod series;
pub(crate) mod snapshot;

pub use analysis::Analysis;
pub use series::Bucket;
