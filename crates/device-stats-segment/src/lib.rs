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

mod bytes;
mod codec;
mod codes;
mod columns;
mod counts;
mod delta;
mod dictionary;
mod exact_integer;
mod exact_squares;
mod exact_sum;
mod fault;
mod head;
mod histogram;
mod interpolate;
mod key;
mod layout;
mod merge;
mod moments;
mod page;
mod parts;
mod percentile;
mod row;
mod run_sums;
mod segment;
mod summarize;

pub use codes::CodesPage;
pub use counts::Counts;
pub use exact_integer::ExactInteger;
pub use exact_squares::ExactSquares;
pub use exact_sum::ExactSum;
pub use fault::Fault;
pub use head::{Fences, Head, Place, Totals};
pub use histogram::{bin_bounds, bin_edges, histogram};
pub use interpolate::{Fraction, interpolate};
pub use merge::{MergeError, merge};
pub use moments::Moments;
pub use page::{Column, DictionaryPage, Page, PageId, SumsPage};
pub use percentile::{Position, position};
pub use row::Row;
pub use segment::{Effort, EncodeError, Segment};
pub use summarize::summarize;

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
