//! The exact sums of runs of readings, so that a part of a segment is summed from few numbers.

use crate::{ExactInteger, ExactSum};
use device_stats_exact::float::{LOWEST_EXPONENT, Parts};

/// Bits that the sum of a run of up to 2^20 values has above those of one value.
const CARRY_BITS: u32 = 20;
/// Most words of the sum of a run: 2^20 doubles of either sign have 2,119 bits.
pub(crate) const WORDS_MAX: usize = 34;

/// The exact sums of all runs of one axis. Each is an integer of several words in two's complement that counts units of
/// 2 to the power of `exponent`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct RunSums {
    /// The exponent of the lowest bit of any value; 0 where all values are zero.
    pub(crate) exponent: i32,
    /// The lowest words of all sums, then their second ones, ... As few as hold every sum.
    pub(crate) places: Vec<Vec<i64>>,
    /// The sum of all.
    pub(crate) total: ExactInteger,
}

impl RunSums {
    /// Sums runs of `run` readings, of which the codes say which of the finite values they have.
    pub(crate) fn of(values: &[f64], codes: &[u32], run: u32) -> Self {
        let (lowest, highest) = span(values).unwrap_or((0, 0));
        let exponent = if highest == 0 { 0 } else { LOWEST_EXPONENT.saturating_add_unsigned(lowest) };
        let places = if highest - lowest + CARRY_BITS < i128::BITS {
            narrow_places(&sum_runs(values, codes, run, |sum, value| *sum += scaled(value, lowest)))
        } else {
            let sums = sum_runs(values, codes, run, ExactSum::add);
            wide_places(exponent, &sums.iter().map(ExactSum::to_integer).collect::<Vec<_>>())
        };
        let mut total = ExactSum::default();
        let mut words = vec![0; places.len()];
        for run in 0..places.first().map_or(0, Vec::len) {
            for (word, place) in words.iter_mut().zip(&places) {
                *word = place.get(run).map_or(0, |word| word.cast_unsigned());
            }
            total.add_words(exponent, &words);
        }
        Self { exponent, places, total: total.to_integer() }
    }
}

/// The sum of each run.
fn sum_runs<S: Default>(values: &[f64], codes: &[u32], run: u32, add: impl Fn(&mut S, f64)) -> Vec<S> {
    let sum = |codes: &[u32]| {
        let mut sum = S::default();
        for value in codes.iter().filter_map(|code| values.get(*code as usize)) {
            add(&mut sum, *value);
        }
        sum
    };
    codes.chunks(run as usize).map(sum).collect()
}

/// The lowest place of a bit that is set in any of the values, and the first above the highest; `None` where all are
/// zero.
fn span(values: &[f64]) -> Option<(u32, u32)> {
    let spans = values.iter().filter_map(|value| Parts::of(*value).span());
    spans.reduce(|(low, high), (lowest, highest)| (low.min(lowest), high.max(highest)))
}

/// A value as an integer that counts bits of the place `lowest`, below which it has none.
fn scaled(value: f64, lowest: u32) -> i128 {
    let parts = Parts::of(value);
    match parts.shift.checked_sub(lowest) {
        Some(up) => i128::from(parts.signed_mantissa()) << up,
        None => i128::from(parts.signed_mantissa() >> (lowest - parts.shift).min(63)),
    }
}

/// The words of sums that have two at most.
#[expect(clippy::cast_possible_truncation, reason = "the number is cut into its words")]
fn narrow_places(sums: &[i128]) -> Vec<Vec<i64>> {
    let low = sums.iter().map(|sum| *sum as i64).collect();
    if sums.iter().all(|sum| i64::try_from(*sum).is_ok()) {
        return vec![low];
    }
    vec![low, sums.iter().map(|sum| (sum >> 64) as i64).collect()]
}

/// The words of sums of any size, counted from `exponent`.
fn wide_places(exponent: i32, sums: &[ExactInteger]) -> Vec<Vec<i64>> {
    let words_of = |count| sums.iter().map(|sum| sum.words_at(exponent, count)).collect::<Option<Vec<_>>>();
    let words = (1..=WORDS_MAX).find_map(words_of).unwrap_or_default();
    let place = |place| {
        words.iter().filter_map(move |words| words.get(place)).map(|word: &u64| word.cast_signed()).collect()
    };
    (0..words.first().map_or(0, Vec::len)).map(place).collect()
}
