//! The format of a segment. The README of this crate describes it byte by byte.

pub(crate) mod byte_reader;
pub(crate) mod code_counts;
pub(crate) mod codec;
pub(crate) mod codes_page;
pub(crate) mod columns;
pub(crate) mod cumulative_counts;
pub(crate) mod delta_order;
pub(crate) mod dictionary;
pub(crate) mod encode_error;
pub(crate) mod fault;
pub(crate) mod head;
pub(crate) mod merge;
pub(crate) mod page;
pub(crate) mod page_layout;
pub(crate) mod row;
pub(crate) mod run_sums;
pub(crate) mod segment;
