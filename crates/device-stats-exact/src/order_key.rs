//! Numbers in their total order, as unsigned integers: so a search can halve the numbers themselves, whatever they are.

/// A number whose order is that of an unsigned integer.
pub trait Key: Copy + std::fmt::Debug {
    /// Ascends exactly as the numbers do; of doubles as [`f64::total_cmp`] does.
    fn key(self) -> u64;
}

impl Key for f64 {
    fn key(self) -> u64 {
        let bits = self.to_bits();
        // Negative numbers descend with their bits.
        if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
    }
}

impl Key for i64 {
    fn key(self) -> u64 {
        self.cast_unsigned() ^ 1 << 63
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn keys_of_doubles_are_in_total_order(a in prop::num::f64::ANY, b in prop::num::f64::ANY) {
            prop_assert_eq!(a.key().cmp(&b.key()), a.total_cmp(&b));
        }

        #[test]
        fn keys_of_integers_are_in_order(a in any::<i64>(), b in any::<i64>()) {
            prop_assert_eq!(a.key().cmp(&b.key()), a.cmp(&b));
        }
    }
}
