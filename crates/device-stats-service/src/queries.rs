//! Queries over a snapshot of the store: analyses, series, histograms and lists.

mod analysis;
mod histogram;
mod latest;
pub(crate) mod list;
mod memory;
mod path;
mod reading_span;
mod series;
pub(crate) mod snapshot;
#[cfg(test)]
mod tests;

pub use analysis::Analysis;
pub use latest::LatestReading;
pub use path::Path;
pub use reading_span::ReadingSpan;
pub use series::{Bucket, Series, SeriesTooLong};
