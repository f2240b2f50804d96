//! Exact sums, moments, percentiles and histogram edges of plain numbers.

mod exact_integer;
mod exact_squares;
mod exact_sum;
pub mod float;
mod histogram_edges;
mod interpolate;
mod moments;
mod order_key;
mod percentile;
mod summarize;

pub use exact_integer::ExactInteger;
pub use exact_squares::{ExactSquares, SQUARE_PLACES};
pub use exact_sum::{ExactSum, SUM_PLACES};
pub use histogram_edges::{bin_bounds, bin_edges, histogram};
pub use interpolate::{Fraction, interpolate};
pub use moments::Moments;
pub use order_key::Key;
pub use percentile::{Position, position};
pub use summarize::summarize;
