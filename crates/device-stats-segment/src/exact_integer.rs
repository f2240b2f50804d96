//! The stored form of an exact sum.

/// An integer in two's complement times a power of two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExactInteger {
    /// The number counts units of 2 to this power.
    pub exponent: i32,
    /// The integer in two's complement, lowest word first; at least one word.
    pub words: Box<[u64]>,
}
