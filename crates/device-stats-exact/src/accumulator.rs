//! The superaccumulator of exact sums and of exact sums of squares.
//!
//! It keeps one `i128` bin for every 32 exponents. A summand of at most 64 bits is shifted by less than 32
//! places and added to its bin. The shifted summand is below 2^95, and a bin holds sums below 2^127. Carries
//! between bins are resolved only when the sum is read or merged. (R. Neal, "Fast exact summation using small
//! and large superaccumulators", 2015.)

use num_bigint::{BigInt, Sign};

use crate::ExactInteger;

/// Exponents per bin.
pub(crate) const BIN_EXPONENTS: u32 = 32;

/// An exact sum of integers, each times a power of two. `LOWEST` is the exponent of the lowest bit.
#[derive(Clone, Debug)]
pub(crate) struct Accumulator<const BINS: usize, const LOWEST: i32> {
    bins: [i128; BINS],
}

impl<const BINS: usize, const LOWEST: i32> Default for Accumulator<BINS, LOWEST> {
    fn default() -> Self {
        Self { bins: [0; BINS] }
    }
}

impl<const BINS: usize, const LOWEST: i32> Accumulator<BINS, LOWEST> {
    /// Adds `summand` · 2^(`LOWEST` + `shift`). The summand has at most 64 bits and a sign.
    ///
    /// # Panics
    /// If `shift` is beyond the last bin.
    #[inline]
    #[expect(clippy::indexing_slicing, reason = "a summand beyond the bins must not be dropped")]
    pub(crate) fn add(&mut self, shift: u32, summand: i128) {
        self.bins[(shift / BIN_EXPONENTS) as usize] += summand << (shift % BIN_EXPONENTS);
    }

    /// Adds a magnitude of at most 128 bits, or subtracts it if `is_negative`.
    #[inline]
    pub(crate) fn add_wide(&mut self, shift: u32, magnitude: u128, is_negative: bool) {
        let sign = -i128::from(is_negative);
        for (half, shift) in [(magnitude & u128::from(u64::MAX), shift), (magnitude >> 64, shift + 64)] {
            self.add(shift, (half.cast_signed() ^ sign) - sign);
        }
    }

    /// Adds an integer in two's complement, lowest word first, in units of 2^`exponent`.
    ///
    /// # Panics
    /// If a word is beyond the bins.
    #[inline]
    pub(crate) fn add_words(&mut self, exponent: i32, words: &[u64]) {
        let Some((highest, lower)) = words.split_last() else { return };
        let mut shift = Self::shift(exponent);
        for word in lower {
            self.add(shift, i128::from(*word));
            shift += u64::BITS;
        }
        self.add(shift, i128::from(highest.cast_signed()));
    }

    /// Adds an exact integer.
    ///
    /// # Panics
    /// If a bit of the integer is beyond the bins.
    pub(crate) fn add_integer(&mut self, integer: &ExactInteger) {
        let (exponent, integer) = (integer.exponent(), integer.integer());
        let sign = if integer.sign() == Sign::Minus { -1 } else { 1 };
        let mut shift = Self::shift(exponent);
        for digit in integer.magnitude().iter_u64_digits() {
            self.add(shift, sign * i128::from(digit));
            shift += u64::BITS;
        }
    }

    /// Adds everything that was added to `other`. Resolves the carries of `self` first, so that any number of
    /// sums can be merged.
    pub(crate) fn merge(&mut self, other: &Self) {
        let mut carry = 0;
        if let Some((highest, lower)) = self.bins.split_last_mut() {
            for bin in lower {
                let sum = *bin + carry;
                *bin = sum & i128::from(u32::MAX);
                carry = sum >> BIN_EXPONENTS;
            }
            *highest += carry;
        }
        for (bin, others) in self.bins.iter_mut().zip(&other.bins) {
            *bin += others;
        }
    }

    /// Returns the sum in lowest terms.
    pub(crate) fn to_integer(&self) -> ExactInteger {
        let mut bytes = Vec::with_capacity(BINS * size_of::<u32>() + size_of::<i128>());
        let mut carry = 0;
        for bin in &self.bins {
            let sum = bin + carry;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the lowest digit")]
            bytes.extend((sum as u32).to_le_bytes());
            carry = sum >> BIN_EXPONENTS;
        }
        bytes.extend(carry.to_le_bytes());
        ExactInteger::new(LOWEST, BigInt::from_signed_bytes_le(&bytes))
    }

    #[expect(clippy::expect_used, reason = "a summand below the bins must not be rounded")]
    fn shift(exponent: i32) -> u32 {
        let shift = exponent.checked_sub(LOWEST).and_then(|shift| u32::try_from(shift).ok());
        shift.expect("a summand is a multiple of the lowest bit")
    }
}
