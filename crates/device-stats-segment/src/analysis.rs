//! Exact statistics of many segments and of hot readings, without reading most of the data.
//!
//! A whole segment is known by its fences: for any value, they give the number of smaller readings up to the
//! readings of one page. For a segment that the window cuts, the codes of the part inside (or of the rest
//! outside, if that is shorter) are counted by page of the dictionary; then it has fences like a whole
//! segment. Hot readings are sorted once.
//!
//! From all fences follow two values that certainly enclose the order statistic. Only the pages between them
//! are read, one or two per segment, and the order statistic is selected there. If the segments are so unlike
//! that there would be many pages, they are read in a few rounds, each of which narrows the bracket. The
//! result has the same bits as sorting everything.
//!
//! The caller provides the pages ([`Pages`]). Each function requests as many at once as it can.

mod group;
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

pub use group::Group;
pub use histogram::histogram;
pub use newest::newest;
pub use page_source::{Pages, SegmentPage};
pub use part::{Part, cut};
pub use rows::rows;
pub use span_end::span_end;
pub use statistics::{AxisAnalysis, analyze, analyze_axis};
