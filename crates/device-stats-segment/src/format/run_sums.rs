//! The exact sums of runs of readings. With them, few additions give the sum of a part of a segment.

use device_stats_exact::float::{Decomposed, LOWEST_EXPONENT};
use device_stats_exact::{ExactInteger, ExactSum};

/// Number of bits by which the sum of a run of up to 2^20 values can be longer than one value.
const CARRY_BITS: u32 = 20;
/// Maximum number of words of the sum of a run: 2^20 doubles of both signs have 2,119 bits.
pub(crate) const WORDS_MAX: usize = 34;

/// The exact sums of all runs of one axis. Each is an integer of several words in two's complement, in units
/// of 2^`exponent`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunSums {
    /// The exponent of the lowest set bit of any value; 0 if all values are zero.
    pub(crate) exponent: i32,
    /// The lowest words of all sums, then the second words, and so on. The number of words is the smallest
    /// that holds every sum; at least one.
    pub(crate) word_columns: Vec<Vec<i64>>,
    /// The sum of all values.
    pub(crate) total: ExactInteger,
}

impl RunSums {
    /// Sums runs of `run` readings. The codes are positions in the finite `values`.
    pub(crate) fn new(values: &[f64], codes: &[u32], run: u32) -> Self {
        let (lowest, highest) = bit_span(values).unwrap_or((0, 0));
        let exponent = if highest == 0 { 0 } else { LOWEST_EXPONENT.saturating_add_unsigned(lowest) };
        let mut total = ExactSum::default();
        let word_columns = if highest - lowest + CARRY_BITS < i128::BITS {
            let sums = sum_runs(values, codes, run, |sum, value| *sum += scaled(value, lowest));
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "splits a number into its words"
            )]
            let words = |sum: i128| [sum as u64, (sum >> u64::BITS) as u64];
            for sum in &sums {
                total.add_words(exponent, &words(*sum));
            }
            narrow_columns(&sums)
        } else {
            let sums = sum_runs(values, codes, run, ExactSum::add);
            for sum in &sums {
                total.merge(sum);
            }
            wide_columns(exponent, &sums)
        };
        Self { exponent, word_columns, total: total.to_integer() }
    }
}

/// Returns the sum of each run.
#[expect(clippy::indexing_slicing, reason = "a value must not be dropped")]
fn sum_runs<S: Default>(values: &[f64], codes: &[u32], run: u32, add: impl Fn(&mut S, f64)) -> Vec<S> {
    let sum = |codes: &[u32]| {
        let mut sum = S::default();
        for code in codes {
            add(&mut sum, values[*code as usize]);
        }
        sum
    };
    codes.chunks(run as usize).map(sum).collect()
}

/// Returns the position of the lowest bit set in any value and the position after the highest; `None` if all
/// values are zero.
fn bit_span(values: &[f64]) -> Option<(u32, u32)> {
    let spans = values.iter().filter_map(|value| Decomposed::new(*value).bit_span());
    spans.reduce(|(low, high), (lowest, highest)| (low.min(lowest), high.max(highest)))
}

/// Returns a value in units of the bit at position `lowest`. The value has no lower bit.
fn scaled(value: f64, lowest: u32) -> i128 {
    let decomposed = Decomposed::new(value);
    let mantissa = decomposed.signed_mantissa();
    match decomposed.shift.checked_sub(lowest) {
        Some(up) => i128::from(mantissa) << up,
        // The exponent of zero may be so low that the shift exceeds 63.
        None => i128::from(mantissa >> (lowest - decomposed.shift).min(63)),
    }
}

/// Returns the words of sums of at most two words.
#[expect(clippy::cast_possible_truncation, reason = "splits a number into its words")]
fn narrow_columns(sums: &[i128]) -> Vec<Vec<i64>> {
    let low = sums.iter().map(|sum| *sum as i64).collect();
    if sums.iter().all(|sum| i64::try_from(*sum).is_ok()) {
        return vec![low];
    }
    vec![low, sums.iter().map(|sum| (sum >> u64::BITS) as i64).collect()]
}

/// Returns the words of sums of any size in units of 2^`exponent`.
#[expect(clippy::expect_used, reason = "a sum must not be dropped")]
fn wide_columns(exponent: i32, sums: &[ExactSum]) -> Vec<Vec<i64>> {
    let sums: Vec<ExactInteger> = sums.iter().map(ExactSum::to_integer).collect();
    let words = |count| sums.iter().map(|sum| sum.to_words_at(exponent, count)).collect::<Option<Vec<_>>>();
    let words = (1..=WORDS_MAX).find_map(words).expect("2^20 doubles have at most 2,119 bits");
    let mut columns = vec![Vec::with_capacity(sums.len()); words.first().map_or(1, Vec::len)];
    for sum in words {
        for (column, word) in columns.iter_mut().zip(sum) {
            column.push(word.cast_signed());
        }
    }
    columns
}
