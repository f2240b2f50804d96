//! Reading of segments: decoded heads and pages, from a bounded cache or from the store; and derived
//! segments, which are computed at their first use.

mod cache;
mod derived;
pub(crate) mod reader;
pub(crate) mod whole_segment;

pub use whole_segment::{read_derived_segment, read_segment};
