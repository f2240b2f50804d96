//! Statements about segments: the catalogue, the bytes, the times, and how one replaces readings or other
//! segments.

pub(crate) mod catalogue;
pub(crate) mod pieces;
pub(crate) mod replace;
pub(crate) mod sealed_times;
pub(crate) mod spans;
