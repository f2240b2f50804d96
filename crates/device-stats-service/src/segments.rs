//! Reading of segments: decoded heads and pages, from a bounded cache or from the store.

mod cache;
pub(crate) mod reader;
pub(crate) mod whole_segment;

pub use whole_segment::read_segment;
