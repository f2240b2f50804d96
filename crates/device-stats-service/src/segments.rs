//! Sealed segments as the service reads them: a bounded cache of what was decoded, and pages for the engine. What is
//! computed from them is the business of `service`; when they are made, that of `sealing`.

mod cache;
mod reader;

pub(crate) use reader::{OpenSegments, ReadError, SegmentReader};
