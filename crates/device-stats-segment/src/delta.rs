//! How often the differences of whole numbers should be taken before they are compressed.

/// The most that is tried. Each order costs a pass, and noise doubles with it.
const ORDER_MAX: usize = 3;

/// Fewer numbers are all looked at.
const SAMPLE_MIN: usize = 16 * 1024;

/// The order of differences, from 0 to [`ORDER_MAX`], that needs the fewest bits. The bits are estimated as if a number
/// were written as its length, in as few bits as the lengths allow on the whole, and then its digits.
///
/// Of many numbers only every fourth thousand is looked at.
pub(crate) fn delta_order<T: Copy>(numbers: &[T], integer: impl Fn(T) -> i64) -> usize {
    let apart = if numbers.len() < SAMPLE_MIN { 1 } else { 4 };
    let numbers = numbers.chunks(1024).step_by(apart).flatten().map(|number| integer(*number));

    let mut lengths = [[0_u32; 65]; ORDER_MAX + 1];
    let mut last = [0_i64; ORDER_MAX + 1];
    let (mut count, mut lowest) = (0, 0);
    for number in numbers {
        let mut difference = number;
        for (lengths, last) in lengths.iter_mut().zip(&mut last) {
            // The sign becomes the lowest bit.
            let folded = (difference << 1 ^ difference >> 63).cast_unsigned();
            if let Some(times) = lengths.get_mut((u64::BITS - folded.leading_zeros()) as usize) {
                *times += 1;
            }
            difference = difference.wrapping_sub(std::mem::replace(last, difference));
        }
        lowest = lowest.min(number);
        count += 1;
    }
    let count = f64::from(count);
    let bits = (0..).zip(&lengths).map(|(order, lengths)| {
        let signs = if order == 0 && lowest >= 0 { count } else { 0.0 };
        (order, bits(lengths, count) - signs)
    });
    bits.min_by(|(_, left), (_, right)| left.total_cmp(right)).map_or(0, |(order, _)| order)
}

/// How many bits numbers of such lengths take.
fn bits(lengths: &[u32; 65], count: f64) -> f64 {
    let lengths = (0_u32..).zip(lengths).filter(|(_, times)| **times > 0);
    lengths
        .map(|(length, times)| {
            let times = f64::from(*times);
            times * ((count / times).log2() + f64::from(length.saturating_sub(1)))
        })
        .sum()
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
