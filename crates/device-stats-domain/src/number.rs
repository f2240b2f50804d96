//! The numbers of a reading: finite doubles with a single zero.

/// A finite IEEE 754 double. `-0.0` is stored as `0.0`, so equal numbers have equal bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Finite(f64);

/// Error for a number that is infinite or NaN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a finite number")]
pub struct NotFinite;

impl Finite {
    /// The least finite number.
    pub const MIN: Self = Self(f64::MIN);
    /// The greatest finite number.
    pub const MAX: Self = Self(f64::MAX);

    /// Wraps a finite number; `-0.0` becomes `0.0`.
    ///
    /// # Errors
    /// [`NotFinite`] for NaN and the infinities.
    pub fn new(number: f64) -> Result<Self, NotFinite> {
        // Adding positive zero turns -0.0 into 0.0 and changes nothing else.
        if number.is_finite() { Ok(Self(number + 0.0)) } else { Err(NotFinite) }
    }

    /// Returns the number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl From<bool> for Finite {
    /// Converts true to 1 and false to 0.
    fn from(value: bool) -> Self {
        Self(f64::from(u8::from(value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn negative_zero_becomes_zero() {
        assert_eq!(Finite::new(-0.0).unwrap().get().to_bits(), 0);
    }

    proptest! {
        #[test]
        fn every_bit_survives_or_the_number_is_refused(number in any::<f64>()) {
            match Finite::new(number) {
                Ok(kept) if number == 0.0 => prop_assert_eq!(kept.get().to_bits(), 0),
                Ok(kept) => prop_assert_eq!(kept.get().to_bits(), number.to_bits()),
                Err(NotFinite) => prop_assert!(!number.is_finite()),
            }
        }
    }
}
