//! Exact statistics of many segments and of hot readings, without reading most of the data.
//!
//! The fences of a whole segment give, for any value, the number of readings with a smaller value. For a
//! value between two fences, this number is uncertain by the readings of one page of the dictionary. If the
//! window cuts a segment, the codes of the readings inside the window are counted by page of the dictionary.
//! If fewer readings are outside, those are counted instead and subtracted. The counts give the part fences
//! like those of a whole segment. Hot readings are sorted once.
//!
//! All fences together give a bracket: two values that certainly enclose the order statistic. Only the pages
//! inside the bracket are read, one or two per segment, and the order statistic is selected there. If the
//! segments have very different distributions, the bracket has many pages. Then they are read in a few
//! rounds, and each round narrows the bracket. The result has the same bits as the result of sorting all
//! readings.
//!
//! The caller provides the pages ([`Pages`]). Each function requests as many pages at once as fit in a fixed
//! amount of memory (`batch.rs`). If the bracket of one order statistic has more pages than that, and they
//! are not in the caller's cache, they are read twice: first for a sample of their values, which narrows the
//! bracket, then for the values inside (`rank/sampled_search.rs`).

mod batch;
mod group;
mod histogram;
mod memory_limits;
mod newest;
mod page_source;
mod pages_ahead;
mod part;
mod rank;
mod rows;
mod span_end;
mod statistics;
#[cfg(test)]
mod tests;
mod thinned;

pub use group::Group;
pub use histogram::histogram;
pub use memory_limits::MemoryLimits;
pub use newest::newest;
pub use page_source::{Pages, SegmentPage};
pub use pages_ahead::{PagesAhead, codes_of};
pub use part::Part;
pub use part::spans::{Spans, cut};
pub use rows::rows;
pub use span_end::span_end;
pub use statistics::{AxisAnalysis, analyze, analyze_axis};
pub use thinned::thinned;
