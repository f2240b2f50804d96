//! Sealed segments as the service reads them: a bounded cache of what was decoded, and pages for the engine. What is
//! computed from them is the business of `service`; when they are made, that of `sealing`.

mod cache;
mod reader;
mod whole_segment;

pub use whole_segment::read_segment;

pub(crate) use reader::{OpenSegments, ReadError, SegmentReader};
