//! A double taken apart into the integer and the power of two that it is.

/// The exponent of the lowest bit of the smallest double.
pub const LOWEST_EXPONENT: i32 = -1074;

/// A finite double: its mantissa, as an integer of at most 53 bits, times 2 to the power of
/// [`LOWEST_EXPONENT`]` + shift`, and its sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    pub negative: bool,
    pub mantissa: u64,
    /// From 0 to 2,045.
    pub shift: u32,
}

impl Parts {
    /// The parts of a finite number.
    #[inline]
    pub fn of(number: f64) -> Self {
        let bits = number.to_bits();
        let exponent_field = (bits >> 52 & 0x7ff) as u32;
        let fraction = bits & ((1 << 52) - 1);
        // Subnormal numbers have no hidden bit and the exponent of the smallest normal ones. Without a branch, which
        // would often go the wrong way.
        let mantissa = fraction | u64::from(exponent_field != 0) << 52;
        Self { negative: number.is_sign_negative(), mantissa, shift: exponent_field.saturating_sub(1) }
    }

    /// The mantissa with the sign of the number.
    #[inline]
    pub fn signed_mantissa(&self) -> i64 {
        let sign = -i64::from(self.negative);
        (self.mantissa.cast_signed() ^ sign) - sign
    }

    /// The place of the lowest bit that is set, from [`LOWEST_EXPONENT`] up, and of the first above the highest;
    /// `None` for zero.
    pub fn span(&self) -> Option<(u32, u32)> {
        (self.mantissa != 0).then(|| {
            let lowest = self.shift + self.mantissa.trailing_zeros();
            (lowest, self.shift + u64::BITS - self.mantissa.leading_zeros())
        })
    }
}
