//! How often the differences of whole numbers should be taken before they are compressed.

/// The most that is tried. Noise doubles with each.
const ORDER_MAX: usize = 3;
/// Numbers that are looked at together.
const STRETCH: usize = 1024;
/// Of more numbers only every fourth stretch is looked at.
const ALL_MAX: usize = 16 * 1024;
/// Bits that an order takes of each page, for the first numbers.
const ORDER_BITS: f64 = 64.0;

/// Numbers of one order of differences, as far as their size matters.
#[derive(Clone, Copy)]
struct Sizes {
    count: u32,
    sum: i128,
    mean: i64,
    /// How many are how long, in bits, as their distance from the mean.
    lengths: [u32; 65],
}

/// The order of differences, from 0 to [`ORDER_MAX`], that needs the fewest bits. The bits are estimated as if a number
/// were written as its length, in as few bits as the lengths allow on the whole, and then its digits.
pub(crate) fn delta_order<T: Copy>(numbers: &[T], integer: impl Fn(T) -> i64) -> usize {
    let apart = if numbers.len() <= ALL_MAX { 1 } else { 4 };
    let stretches = || numbers.chunks(STRETCH).step_by(apart);
    let mut orders = [Sizes { count: 0, sum: 0, mean: 0, lengths: [0; 65] }; ORDER_MAX + 1];
    for stretch in stretches() {
        each_difference(stretch, &integer, &mut orders, |sizes, difference| {
            sizes.count += 1;
            sizes.sum += i128::from(difference);
        });
    }
    for sizes in &mut orders {
        sizes.mean = i64::try_from(sizes.sum / i128::from(sizes.count.max(1))).unwrap_or(0);
    }
    for stretch in stretches() {
        each_difference(stretch, &integer, &mut orders, |sizes, difference| {
            let distance = difference.wrapping_sub(sizes.mean);
            // The sign becomes the lowest bit.
            let folded = (distance << 1 ^ distance >> 63).cast_unsigned();
            if let Some(times) = sizes.lengths.get_mut((u64::BITS - folded.leading_zeros()) as usize) {
                *times += 1;
            }
        });
    }
    let bits = (0_u32..).zip(&orders).map(|(order, sizes)| sizes.bits() + ORDER_BITS * f64::from(order));
    bits.enumerate().min_by(|(_, left), (_, right)| left.total_cmp(right)).map_or(0, |(order, _)| order)
}

/// Calls `f` with each difference of each order that lies inside a stretch.
fn each_difference<T: Copy>(
    stretch: &[T],
    integer: impl Fn(T) -> i64,
    orders: &mut [Sizes; ORDER_MAX + 1],
    f: impl Fn(&mut Sizes, i64),
) {
    let mut last = [0_i64; ORDER_MAX + 1];
    for (position, number) in stretch.iter().enumerate() {
        let mut difference = integer(*number);
        for (sizes, last) in orders.iter_mut().zip(&mut last).take(position + 1) {
            f(sizes, difference);
            difference = difference.wrapping_sub(std::mem::replace(last, difference));
        }
    }
}

impl Sizes {
    /// How many bits the numbers take.
    fn bits(&self) -> f64 {
        let count = f64::from(self.count);
        let lengths = (0_u32..).zip(self.lengths).filter(|(_, times)| *times > 0);
        lengths
            .map(|(length, times)| {
                let times = f64::from(times);
                times * ((count / times).log2() + f64::from(length.saturating_sub(1)))
            })
            .sum()
    }
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
    fn noise_stays_as_it_is() {
        assert_eq!(order(noise()), 0);
        assert_eq!(order(noise().take(100)), 0);
        assert_eq!(order(noise().map(|number| number - 500)), 0);
        assert_eq!(order(std::iter::empty()), 0);
    }

    #[test]
    fn what_drifts_is_taken_as_steps() {
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
    fn what_bends_is_taken_as_steps_of_steps() {
        assert_eq!(order(noise().zip(0..).map(|(number, index)| number / 100 + index * index * 10)), 2);
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        assert_eq!(order([i64::MIN, i64::MAX].into_iter().cycle().take(5_000)), 1, "steps that wrap around");
    }
}
