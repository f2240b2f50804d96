//! Exact statistics of doubles: sums, moments, quantiles, magnitudes and histogram edges that are computed
//! without error and rounded once. The results do not depend on the order or the grouping of the numbers.
//!
//! ```
//! use device_stats_exact::ExactSum;
//!
//! let numbers = [1e16, 1.0, -1e16];
//! assert_eq!(numbers.iter().sum::<f64>(), 0.0); // the 1.0 is lost
//! assert_eq!(numbers.into_iter().collect::<ExactSum>().rounded(), Some(1.0));
//! ```

mod accumulator;
mod exact_integer;
mod exact_squares;
mod exact_sum;
pub mod float;
mod histogram_edges;
mod interpolate;
mod interquartile_range;
mod magnitude;
mod moments;
mod order_key;
mod quantile_position;

pub use exact_integer::ExactInteger;
pub use exact_squares::ExactSquares;
pub use exact_sum::ExactSum;
pub use histogram_edges::{bin_bounds, bin_edges, bin_range};
pub use interpolate::{Fraction, interpolate};
pub use interquartile_range::{Quartile, interquartile_range};
pub use magnitude::magnitude;
pub use moments::Moments;
pub use order_key::{OrderKey, double_from_key, integer_from_key};
pub use quantile_position::{QuantilePosition, quantile_position};

/// Tests the examples in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
