//! Random numbers with a seed, for tests that print their seed.

/// The generator xorshift64 (Marsaglia, 2003), which needs no library.
pub(crate) struct Random(u64);

impl Random {
    /// Returns a generator for a seed other than 0.
    pub(crate) fn with_seed(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a number from 0 to `end`, exclusive.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    /// Returns one of the values.
    pub(crate) fn choose<T: Copy>(&mut self, values: &[T]) -> T {
        values[usize::try_from(self.below(values.len() as u64)).unwrap()]
    }
}
