//! The order of differences: the number of times that differences of integers are taken before compression.

/// Maximum order. Noise doubles with each order.
const ORDER_MAX: usize = 3;
/// Number of consecutive numbers that are examined together.
const STRETCH: usize = 1024;
/// Maximum number of numbers that are all examined. Of a longer column, every fourth stretch is examined.
const ALL_MAX: usize = 16 * 1024;
/// Cost of each order, in bits: the first numbers of each page.
const ORDER_BITS: u64 = 64;
/// Number of fractional bits of a cost.
const FRACTION_BITS: u32 = 32;

/// Statistics of the numbers of one order of differences.
#[derive(Clone, Copy)]
struct Sizes {
    count: u32,
    sum: i128,
    mean: i64,
    /// For each length in bits, the number of numbers whose distance from the mean has this length.
    lengths: [u32; 65],
}

/// Returns the order of differences, from 0 to [`ORDER_MAX`], that needs the fewest bits.
///
/// The estimate assumes that each number is written as its length, entropy-coded, and then its digits. The
/// estimate is computed with integers: the same numbers give the same order on every platform.
pub(crate) fn delta_order<T: Copy>(numbers: &[T], integer: impl Fn(T) -> i64) -> usize {
    let step = if numbers.len() <= ALL_MAX { 1 } else { 4 };
    let stretches = || numbers.chunks(STRETCH).step_by(step);
    let mut orders = [Sizes { count: 0, sum: 0, mean: 0, lengths: [0; 65] }; ORDER_MAX + 1];
    for stretch in stretches() {
        each_difference(stretch, &integer, &mut orders, |sizes, difference| {
            sizes.count += 1;
            sizes.sum += i128::from(difference);
        });
    }
    for sizes in &mut orders {
        #[expect(clippy::cast_possible_truncation, reason = "a mean of 64-bit integers")]
        let mean = (sizes.sum / i128::from(sizes.count.max(1))) as i64;
        sizes.mean = mean;
    }
    for stretch in stretches() {
        each_difference(stretch, &integer, &mut orders, |sizes, difference| {
            let distance = difference.wrapping_sub(sizes.mean);
            // The sign becomes the lowest bit.
            let folded = (distance << 1 ^ distance >> 63).cast_unsigned();
            #[expect(clippy::indexing_slicing, reason = "a length of 0 to 64 bits")]
            let times = &mut sizes.lengths[(u64::BITS - folded.leading_zeros()) as usize];
            *times += 1;
        });
    }
    let costs =
        (0_u64..).zip(&orders).map(|(order, sizes)| sizes.cost() + ((order * ORDER_BITS) << FRACTION_BITS));
    // Of equal costs, the lowest order wins.
    costs.enumerate().min_by_key(|(_, cost)| *cost).map_or(0, |(order, _)| order)
}

/// Calls `visit` with each difference of each order inside a stretch.
fn each_difference<T: Copy>(
    stretch: &[T],
    integer: impl Fn(T) -> i64,
    orders: &mut [Sizes; ORDER_MAX + 1],
    visit: impl Fn(&mut Sizes, i64),
) {
    let mut last = [0_i64; ORDER_MAX + 1];
    for (position, number) in stretch.iter().enumerate() {
        let mut difference = integer(*number);
        for (sizes, last) in orders.iter_mut().zip(&mut last).take(position + 1) {
            visit(sizes, difference);
            difference = difference.wrapping_sub(std::mem::replace(last, difference));
        }
    }
}

impl Sizes {
    /// Returns the estimated size of the numbers, in 2^-32 bits.
    fn cost(&self) -> u64 {
        let lengths = (0_u64..).zip(self.lengths).filter(|(_, times)| *times > 0);
        let costs = lengths.map(|(length, times)| {
            let code = log2(self.count) - log2(times);
            u64::from(times) * (code + (length.saturating_sub(1) << FRACTION_BITS))
        });
        costs.sum()
    }
}

/// Returns the binary logarithm of a positive number in units of 2^-32, rounded down: bit by bit, by
/// squaring.
fn log2(number: u32) -> u64 {
    let whole = number.ilog2();
    // From 1 to below 2, in units of 2^-63.
    let mut mantissa = u64::from(number) << (63 - whole);
    let mut log = u64::from(whole);
    for _ in 0..FRACTION_BITS {
        let square = u128::from(mantissa) * u128::from(mantissa);
        let is_two_or_more = square >> 127;
        #[expect(clippy::cast_possible_truncation, reason = "at most 64 bits")]
        let halved = (square >> (63 + is_two_or_more)) as u64;
        mantissa = halved;
        log = log << 1 | u64::from(is_two_or_more == 1);
    }
    log
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 50,000 numbers without a pattern, from 0 to 999.
    fn noise() -> impl Iterator<Item = i64> {
        let mut state = 1_u64;
        (0..50_000).map(move |_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            i64::try_from(state >> 33).unwrap() % 1_000
        })
    }

    fn order(numbers: impl Iterator<Item = i64>) -> usize {
        delta_order(&numbers.collect::<Vec<_>>(), |number| number)
    }

    #[test]
    fn noise_has_order_0() {
        assert_eq!(order(noise()), 0);
        assert_eq!(order(noise().take(100)), 0);
        assert_eq!(order(noise().map(|number| number - 500)), 0);
        assert_eq!(order(std::iter::empty()), 0);
    }

    #[test]
    fn a_drift_has_order_1() {
        assert_eq!(order(noise().zip(0..).map(|(number, index)| number + index * 1_000)), 1);
        assert_eq!(
            order(noise().scan(0, |sum, number| {
                *sum += number - 500;
                Some(*sum)
            })),
            1
        );
    }

    #[test]
    fn a_parabola_has_order_2() {
        assert_eq!(order(noise().zip(0..).map(|(number, index)| number / 100 + index * index * 10)), 2);
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        assert_eq!(order([i64::MIN, i64::MAX].into_iter().cycle().take(5_000)), 1, "steps that wrap around");
    }

    #[test]
    fn logarithms_are_exact_to_the_last_bit() {
        assert_eq!([1, 2, 1 << 20, 1 << 31].map(log2), [0, 1 << 32, 20 << 32, 31 << 32]);
        // Python: floor(log2(n) * 2**32), with 60 digits.
        assert_eq!(
            [3, 10, 1_000_003, u32::MAX].map(log2),
            [6_807_362_105, 14_267_572_527, 85_605_453_752, 137_438_953_470]
        );
    }
}
