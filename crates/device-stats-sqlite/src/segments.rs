//! Statements about segments: their catalogue, their bytes, their times, and the replacement of readings or
//! other segments by a segment.

pub(crate) mod catalogue;
pub(crate) mod group_commit;
pub(crate) mod pieces;
pub(crate) mod replace;
pub(crate) mod sealed_times;
