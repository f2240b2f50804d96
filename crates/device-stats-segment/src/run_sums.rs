//! The exact sums of runs of readings, so that a part of a segment is summed from few numbers.

use crate::parts::{LOWEST_EXPONENT, Parts};
use crate::{ExactInteger, ExactSum};

/// Bits of the sum of a run of 2^20 values above those of one value.
const CARRY_BITS: u32 = 20;
/// Most words of the sum of a run: 2^20 doubles of either sign have 2,119 bits.
pub(crate) const WORDS_MAX: usize = 34;

/// The exact sums of all runs of one axis. Each is an integer of `words_per_sum` words in two's complement that counts
/// units of 2 to the power of `exponent`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunSums {
    /// The exponent of the lowest bit of any value; 0 where all values are zero.
    pub(crate) exponent: i32,
    /// As few as hold every sum.
    pub(crate) words_per_sum: usize,
    /// The words of all first places, then those of all second ones, ...
    pub(crate) places: Vec<Vec<i64>>,
    /// The sum of all.
    pub(crate) total: ExactInteger,
}

impl RunSums {
    /// Sums runs of `run` finite values.
    pub(crate) fn of(values: &[f64], run: u32) -> Self {
        let runs = values.chunks(run as usize);
        let Some((lowest, highest)) = span(values) else {
            return Self::from_words(0, &vec![vec![0]; runs.len()]);
        };
        let exponent = LOWEST_EXPONENT.saturating_add_unsigned(lowest);
        if highest - lowest + CARRY_BITS < i128::BITS {
            let sums: Vec<i128> =
                runs.map(|run| run.iter().map(|value| scaled(*value, lowest)).sum()).collect();
            let narrow = sums.iter().all(|sum| i64::try_from(*sum).is_ok());
            return Self::from_words(
                exponent,
                &sums.iter().map(|sum| words_of(*sum, narrow)).collect::<Vec<_>>(),
            );
        }
        let sums: Vec<ExactInteger> = runs
            .map(|run| {
                let mut sum = ExactSum::default();
                run.iter().for_each(|value| sum.add(*value));
                sum.to_integer()
            })
            .collect();
        let words_of =
            |count| sums.iter().map(|sum| sum.words_at(exponent, count)).collect::<Option<Vec<_>>>();
        Self::from_words(exponent, &(1..=WORDS_MAX).find_map(words_of).unwrap_or_default())
    }

    fn from_words(exponent: i32, sums: &[Vec<u64>]) -> Self {
        let words_per_sum = sums.first().map_or(1, Vec::len);
        let place = |place| {
            sums.iter().filter_map(move |sum: &Vec<u64>| sum.get(place)).map(|word: &u64| word.cast_signed())
        };
        let mut total = ExactSum::default();
        sums.iter().for_each(|sum| total.add_words(exponent, sum));
        Self {
            exponent,
            words_per_sum,
            places: (0..words_per_sum).map(|index| place(index).collect()).collect(),
            total: total.to_integer(),
        }
    }
}

/// The lowest place of a bit that is set in any of the values, and the first above the highest; `None` where all are
/// zero.
fn span(values: &[f64]) -> Option<(u32, u32)> {
    let spans = values.iter().filter_map(|value| Parts::of(*value).span());
    spans.reduce(|(low, high), (lowest, highest)| (low.min(lowest), high.max(highest)))
}

/// A value as an integer that counts bits of the place `lowest`, below which it has none.
fn scaled(value: f64, lowest: u32) -> i128 {
    let Parts { negative, mantissa, shift } = Parts::of(value);
    let magnitude = match shift.checked_sub(lowest) {
        Some(up) => i128::from(mantissa) << up,
        None => i128::from(mantissa >> (lowest - shift).min(63)),
    };
    if negative { -magnitude } else { magnitude }
}

/// The words of a sum, one or two.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the number is cut into its words"
)]
fn words_of(sum: i128, narrow: bool) -> Vec<u64> {
    if narrow { vec![sum as u64] } else { vec![sum as u64, (sum >> 64) as u64] }
}
