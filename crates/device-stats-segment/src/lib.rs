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

mod exact_sum;
mod histogram;
mod interpolate;
mod percentile;
mod summarize;

pub use exact_sum::ExactSum;
pub use histogram::{bin_edges, count_in_bins};
pub use interpolate::{Fraction, interpolate};
pub use percentile::{Position, position};
pub use summarize::summarize;
