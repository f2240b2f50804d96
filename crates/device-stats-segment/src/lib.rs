//! The engine: exact sums and exact order statistics of columns of numbers. Numbers in, statistics out; nothing here
//! knows of stores, threads or clocks.
//!
//! ```
//! use device_stats_segment::summarize;
//!
//! let summary = summarize(&mut [1e16, 1.0, -1e16]).unwrap();
//! assert_eq!(summary.sum, Some(1.0)); // adding from left to right would say 0
//! assert_eq!(summary.median, 1.0);
//! ```

pub mod analysis;

mod format;

pub use device_stats_exact::{
    ExactInteger, ExactSquares, ExactSum, Fraction, Moments, Position, bin_bounds, bin_edges, histogram,
    interpolate, position, summarize,
};
pub use format::codes_page::CodesPage;
pub use format::cumulative_counts::Counts;
pub use format::fault::Fault;
pub use format::head::{Fences, Head, Place, Totals};
pub use format::merge::{MergeError, merge};
pub use format::page::{Column, DictionaryPage, Page, PageId, SumsPage};
pub use format::row::Row;
pub use format::segment::{Effort, EncodeError, Segment};

/// The example in the README, tried.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// Most readings of a segment.
pub const READINGS_MAX: u32 = 1 << 20;
/// Readings of a page of times, ids or codes; the last page of a column has the rest.
pub const ROW_PAGE: u32 = 4096;
/// Values of a page of a dictionary; the last page has the rest.
pub const DICTIONARY_PAGE: u32 = 1024;
/// Readings that share one exact sum in the column of sums; the last run has the rest.
pub const SUM_RUN: u32 = 64;
/// Sums of a page of sums; the last page has the rest.
pub const SUMS_PAGE: u32 = 4096;
/// Bytes after which a block is full: pages are added to a block until it has at least as many.
pub const BLOCK_BYTES: usize = 16 * 1024;
