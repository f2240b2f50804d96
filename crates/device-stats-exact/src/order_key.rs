//! Unsigned integer keys in the order of numbers, so that a binary search can halve the span between any two
//! numbers.

/// A number with an unsigned integer key. Keys have the order of their numbers.
pub trait OrderKey: Copy + std::fmt::Debug {
    /// Returns the key. Doubles are in the order of [`f64::total_cmp`].
    fn order_key(self) -> u64;
}

impl OrderKey for f64 {
    #[inline]
    fn order_key(self) -> u64 {
        let bits = self.to_bits();
        // The bits of negative numbers descend as the numbers ascend.
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    }
}

impl OrderKey for i64 {
    #[inline]
    fn order_key(self) -> u64 {
        self.cast_unsigned() ^ 1 << 63
    }
}

/// Returns the double with this key: the inverse of [`OrderKey::order_key`].
#[inline]
pub fn double_from_key(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Returns the integer with this key: the inverse of [`OrderKey::order_key`].
#[inline]
pub fn integer_from_key(key: u64) -> i64 {
    (key ^ 1 << 63).cast_signed()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_of_doubles_are_in_total_order(a in prop::num::f64::ANY, b in prop::num::f64::ANY) {
            prop_assert_eq!(a.order_key().cmp(&b.order_key()), a.total_cmp(&b));
            prop_assert_eq!(double_from_key(a.order_key()).to_bits(), a.to_bits());
        }

        #[test]
        fn keys_of_integers_are_in_order(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(a.order_key().cmp(&b.order_key()), a.cmp(&b));
            prop_assert_eq!(integer_from_key(a.order_key()), a);
        }
    }
}
