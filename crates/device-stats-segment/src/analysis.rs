//! Exact statistics of many segments and of readings that are not sealed yet, without reading the data.
//!
//! A whole segment is known by its fences: for any value they tell how many of its readings are smaller, but for less
//! than a page. Of a segment that the window cuts, the codes of the part inside (or of the rest outside, whichever is
//! shorter) are counted page by page of the dictionary; then it has fences like a whole one. So two values can be found
//! that enclose the wanted rank with certainty, and only the pages between them are read, a page or two of each segment;
//! in these the rank is found. Where segments are so unlike that it would be many pages, they are read in a few rounds,
//! each of which brings the bounds closer. The result has the same bits as sorting everything.
//!
//! Where pages come from is the caller's business ([`Pages`]); each function asks for as much as it can at once.

mod histogram;
mod newest;
mod page_source;
mod part;
mod rank;
mod rows;
mod span_end;
mod statistics;
#[cfg(test)]
mod tests;

pub use histogram::count_below;
pub use newest::newest;
pub use page_source::{Pages, SegmentPage};
pub use part::{Part, cut};
pub use rows::rows;
pub use span_end::reach;
pub use statistics::{Ask, AxisAnalysis, AxisStatistics, Group, analyze, analyze_axis};
