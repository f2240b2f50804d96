//! Thinned readings: no extreme is lost, and nothing is invented.

use super::*;

fn check_thinned(split: &Split, window: &Range<i64>, sizes: PageSizes, points: u32) {
    let all: Vec<Row> = split.rows.iter().copied().filter(|row| window.contains(&row.time_us)).collect();
    let memory = Memory::new([split.segments(sizes)].into_iter());
    let parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().into_parts();
    let limits = small_limits()[points as usize % 3];
    let found = thinned(&parts, &split.hot(window), points, limits, &memory).unwrap();
    if all.len() <= points as usize {
        assert_eq!(found, all);
        return;
    }
    assert!(found.len() <= points as usize, "{} of {points}", found.len());
    assert!(found.is_sorted_by(|left, right| left.time_us < right.time_us));
    assert!(found.iter().all(|row| all.contains(row)));
    assert_eq!((found.first(), found.last()), (all.first(), all.last()));
    for axis in Axis::ALL {
        let ends = |rows: &[Row]| {
            let mut column: Vec<f64> = rows.iter().map(|row| *row.values.get(axis)).collect();
            column.sort_by(f64::total_cmp);
            (column[0].to_bits(), column[column.len() - 1].to_bits())
        };
        assert_eq!(ends(&found), ends(&all), "{axis}");
    }
}

proptest! {
    #[test]
    fn thinned_readings_have_the_ends_and_the_extremes(
        split in split(0..200),
        from in -10_i64..3000,
        length in 0_i64..4000,
        points in 8_u32..60,
    ) {
        for sizes in [SMALL, PageSizes::WRITTEN] {
            check_thinned(&split, &(from..from + length), sizes, points);
            check_thinned(&split, &(i64::MIN..i64::MAX), sizes, points);
        }
    }
}

/// A spike of one reading in many must be seen, and the others must be spread over the whole window.
#[test]
fn thinned_readings_are_spread_evenly_and_keep_a_spike() {
    let rows: Vec<Row> = (0..50_000).map(|n| row(n, if n == 31_337 { 1e6 } else { 1.0 })).collect();
    let homes = (0..50_000).map(|n| u8::try_from(n / 12_000 + 1).unwrap()).collect();
    let split = Split { rows, homes };
    let memory = Memory::new([split.segments(PageSizes::WRITTEN)].into_iter());
    let found = thinned(&memory.parts(), &[], 108, MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
    assert!(found.iter().any(|row| row.time_us == 31_337));
    let gaps = found.windows(2).map(|pair| pair[1].time_us - pair[0].time_us);
    assert!(gaps.max().unwrap() <= 500, "100 of 50,000 readings are at most 500 apart");
    // Eight pages for each reading: time, id, codes and their values. Then the search for the extremes.
    assert!(memory.requested.get() <= 8 * 108 + 200, "{} pages", memory.requested.get());
}
