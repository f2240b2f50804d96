//! Buckets of a series: many consecutive spans of the same segments. The statistics of each span must equal
//! the statistics of its sorted readings.

use super::*;

/// Pages of codes with enough readings for tables of counts, and several pages of a dictionary.
const MEDIUM: PageSizes = PageSizes { rows: 64, dictionary: 16, sum_run: 5, sums: 7, block_bytes: 256 };

/// Compares the statistics of all buckets between ascending bounds.
fn check_buckets(split: &Split, bounds: &[i64], sizes: PageSizes) {
    let memory = Memory::new([split.segments(sizes)].into_iter());
    let spans = cut(&memory.parts(), bounds, &memory).unwrap();
    for (bucket, (parts, [from, until])) in spans.iter().zip(bounds.array_windows()).enumerate() {
        let window = *from..*until;
        let hot = split.hot_columns(&window);
        memory.cached_every.set(bucket % 3);
        // The pages of this bucket and the next ones are read ahead, as many as the limits allow.
        let next = || spans.iter().skip(bucket).map(|parts| Ok(codes_of(parts, &Axis::ALL)));
        for limits in [MemoryLimits::ONE_OF_FOUR, small_limits()[bucket % 3]] {
            let (pages, together) = PagesAhead::read(next(), limits, &memory).unwrap();
            assert!((1..=spans.len() - bucket).contains(&together));
            let found = analyze(&[Group { parts, hot: &hot }], &wanted(), limits, &pages).unwrap();
            for axis in Axis::ALL {
                // The domain replaces -0.0, so that only here a median can be -0.0.
                let found = found.get(axis).all.clone().map(|mut statistics| {
                    statistics.summary.median = statistics.summary.median.map(|median| median + 0.0);
                    statistics
                });
                compare(found.as_ref(), split.column(axis, &window));
            }
        }
    }
}

/// Returns bounds that divide the times of `readings` readings, one per microsecond, into buckets.
fn even_bounds(readings: usize, buckets: usize) -> Vec<i64> {
    (0..=buckets).map(|bucket| i64::try_from(bucket * readings / buckets).unwrap()).collect()
}

/// Few values that occur often, many values, both zeros, and the ends of the range.
fn values() -> impl Strategy<Value = Vec<f64>> {
    let value = prop_oneof![
        4 => (-20_i32..20).prop_map(|n| f64::from(n) / 4.0),
        2 => prop::sample::select([-0.0, 0.0, 5e-324, -5e-324, f64::MIN, f64::MAX].as_slice()),
        1 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ];
    prop_oneof![prop::collection::vec(value.clone(), 1..4), prop::collection::vec(value, 1..90),]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Stretches of readings are in segments or hot. Their values ascend, repeat or jump.
    #[test]
    fn buckets_of_any_size_equal_sorting(
        values in values(),
        stretches in prop::collection::vec((1_usize..200, 0_u8..5, 0_usize..90, 0_usize..12), 1..8),
        buckets in 1_usize..40,
    ) {
        let (mut rows, mut homes) = (Vec::new(), Vec::new());
        for (readings, home, first, step) in stretches {
            for n in 0..readings {
                let x = values[(first + n * step) % values.len()];
                let time_us = i64::try_from(rows.len()).unwrap();
                let values = Axes { x, y: 0.25 - x / 2.0, z: f64::from(u8::try_from(n % 7).unwrap()) };
                rows.push(Row { time_us, id: 1 + time_us, values });
                homes.push(home);
            }
        }
        let bounds = even_bounds(rows.len(), buckets);
        let split = Split { rows, homes };
        for sizes in [SMALL, MEDIUM] {
            check_buckets(&split, &bounds, sizes);
        }
    }
}

/// Buckets with whole pages of each kind: tables of all widths, and lists.
#[test]
fn buckets_with_whole_pages_equal_sorting() {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap());
    let shapes: [fn(usize) -> usize; 5] = [
        |_| 3,
        |n| n % 5,
        |n| n % 900,
        |n| n * 7_919 % 30_011,
        |n| if n.is_multiple_of(50) { n } else { 20_000 + n % 400 },
    ];
    for shape in shapes {
        let rows: Vec<Row> =
            (0_i64..).zip(0..30_000).map(|(time, n)| row(time, number(shape(n)) / 8.0 - 1_000.0)).collect();
        let homes = (0..30_000).map(|n| if n % 1_009 == 0 { 0 } else { 1 + u8::from(n > 17_000) }).collect();
        let split = Split { rows, homes };
        for bounds in [even_bounds(30_000, 3), vec![0, 4_096, 8_192, 9_000, 17_000, 17_001, 30_000]] {
            check_buckets(&split, &bounds, PageSizes::WRITTEN);
        }
    }
}

/// The pages of codes inside a bucket were decoded in order of time, which took a multiple of the memory.
#[test]
fn only_pages_with_an_end_of_a_bucket_are_read_in_order() {
    let rows: Vec<Row> = (0..40_000).map(|n| row(n, f64::from(u8::try_from(n % 100).unwrap()))).collect();
    let split = Split { rows, homes: vec![1; 40_000] };
    let memory = Memory::new([split.segments(PageSizes::WRITTEN)].into_iter());
    let omitted = OmittedStatistics { sum: true, median: false };
    let wanted = RequestedStatistics { omitted, ..RequestedStatistics::default() };
    let parts = cut(&memory.parts(), &[100, 17_000], &memory).unwrap().into_parts();
    let group = Group { parts: &parts, hot: &Axes::default() };
    memory.in_order.set(0);
    analyze_axis(&[group], Axis::X, &wanted, MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
    assert_eq!(memory.in_order.get(), 2);
}

/// Each bucket requested its own pages: pages with an end of a bucket twice, with one request per bucket.
#[test]
fn the_codes_of_neighbouring_buckets_are_read_together_and_once() {
    let rows: Vec<Row> = (0..40_000).map(|n| row(n, f64::from(u8::try_from(n % 100).unwrap()))).collect();
    let split = Split { rows, homes: vec![1; 40_000] };
    let memory = Memory::new([split.segments(PageSizes::WRITTEN)].into_iter());
    let spans = cut(&memory.parts(), &even_bounds(40_000, 50), &memory).unwrap();
    let analyses = || spans.iter().map(|parts| Ok(codes_of(parts, &[Axis::X])));
    memory.requested.set(0);
    let (pages, together) = PagesAhead::read(analyses(), MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
    assert_eq!((together, memory.requested.get()), (50, 40_000_usize.div_ceil(4_096)));
    memory.in_order.set(0);
    for parts in spans.iter() {
        let group = Group { parts, hot: &Axes::default() };
        analyze_axis(&[group], Axis::X, &wanted(), MemoryLimits::ONE_OF_FOUR, &pages).unwrap();
    }
    assert_eq!(memory.in_order.get(), 0);

    // Fewer analyses fit in less memory; the pages of one that does not fit are not read.
    let limits = MemoryLimits { codes: 3, ..MemoryLimits::ONE_OF_FOUR };
    assert_eq!(PagesAhead::read(analyses(), limits, &memory).unwrap().1, 15);
    memory.requested.set(0);
    let limits = MemoryLimits { codes: 0, ..MemoryLimits::ONE_OF_FOUR };
    assert_eq!(PagesAhead::read(analyses(), limits, &memory).unwrap().1, 1);
    assert_eq!(memory.requested.get(), 0);
}
