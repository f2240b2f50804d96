//! Compares analyses with sorting. The readings are split in any way into segments and hot readings, and the
//! window is arbitrary.

mod buckets;
mod faults;
mod memory;
mod memory_limits;
mod spans;
mod thinned;

use std::ops::Range;

use device_stats_domain::{
    Axes, Axis, Bins, Finite, OmittedStatistics, Percentile, RequestedAxes, RequestedStatistics, Statistics,
    Summary,
};
use device_stats_exact::{
    ExactSum, Fraction, Moments, Quartile, interpolate, interquartile_range, quantile_position,
};
use memory::Memory;
use memory_limits::small_limits;
use proptest::prelude::*;

use super::*;
use crate::format::page_layout::PageSizes;
use crate::format::segment::tests::{SMALL, encode, plausible_rows};
use crate::{Column, Effort, Row, Segment};

/// Readings of a device, some in segments.
#[derive(Clone, Debug)]
struct Split {
    /// The readings, in order of time.
    rows: Vec<Row>,
    /// For each reading, the number of its segment, 1 and up; 0 for a hot reading.
    homes: Vec<u8>,
}

impl Split {
    fn segments(&self, sizes: PageSizes) -> Vec<Segment> {
        let homes = 1..=self.homes.iter().copied().max().unwrap_or(0);
        let rows = homes.map(|home| self.rows_in(home)).filter(|rows| !rows.is_empty());
        rows.map(|rows| encode(&rows, sizes, Effort::Small)).collect()
    }

    fn rows_in(&self, home: u8) -> Vec<Row> {
        let rows = self.rows.iter().zip(&self.homes).filter(|(_, is_in)| **is_in == home);
        rows.map(|(row, _)| *row).collect()
    }

    /// The hot readings of the window.
    fn hot(&self, window: &Range<i64>) -> Vec<Row> {
        self.rows_in(0).into_iter().filter(|row| window.contains(&row.time_us)).collect()
    }

    fn hot_columns(&self, window: &Range<i64>) -> Axes<Vec<f64>> {
        let hot = self.hot(window);
        let column = |axis: Axis| hot.iter().map(|row| *row.values.get(axis)).collect();
        Axes { x: column(Axis::X), y: column(Axis::Y), z: column(Axis::Z) }
    }

    fn column(&self, axis: Axis, window: &Range<i64>) -> Vec<f64> {
        let rows = self.rows.iter().filter(|row| window.contains(&row.time_us));
        rows.map(|row| *row.values.get(axis)).collect()
    }
}

/// Percentiles at both ends and in between.
fn wanted() -> RequestedStatistics {
    let percentiles = [0.0, 12.5, 99.9, 100.0];
    let percentile = |number| Percentile::new(Finite::new(number).unwrap()).unwrap();
    RequestedStatistics {
        axes: RequestedAxes::default(),
        percentiles: percentiles.map(percentile).to_vec(),
        mean: true,
        stddev: true,
        rms: true,
        range: true,
        iqr: true,
        omitted: OmittedStatistics::default(),
    }
}

/// Returns the statistics that `analyze` has to find, by sorting.
fn expected(mut column: Vec<f64>, wanted: &RequestedStatistics) -> Option<Statistics> {
    column.sort_by(f64::total_cmp);
    let (min, max, count) = (*column.first()?, *column.last()?, column.len() as u64);
    let sum = column.iter().copied().collect::<ExactSum>().rounded();
    let at = |rank: u64| column[usize::try_from(rank).unwrap()];
    let median = at((count - 1) / 2).midpoint(at(count / 2)) + 0.0;
    let between = |numerator, denominator| {
        let fraction = Fraction::new(numerator, denominator).unwrap();
        let position = quantile_position(count, fraction).unwrap();
        (at(position.lower_rank), at(position.upper_rank), position.fraction)
    };
    let percentile = |percentile: &Percentile| {
        let (lower, upper, fraction) = between(percentile.parts(), Percentile::WHOLE);
        interpolate(lower, upper, fraction)
    };
    let [first, third] = [1, 3].map(|quarters| {
        let (lower, upper, fraction) = between(quarters, 4);
        Quartile::new(lower, upper, fraction.numerator()).unwrap()
    });
    let mut moments = Moments::default();
    for number in &column {
        moments.add(*number);
    }
    Some(Statistics {
        summary: Summary { min, max, count, sum, median: Some(median) },
        percentiles: wanted.percentiles.iter().map(percentile).collect(),
        mean: moments.mean(),
        stddev: moments.stddev(),
        rms: moments.rms(),
        range: Some(max - min).filter(|range| range.is_finite()),
        iqr: interquartile_range(first, third),
    })
}

/// Compares by text, which distinguishes the two zeros.
fn compare(found: Option<&Statistics>, column: Vec<f64>) {
    assert_eq!(format!("{found:?}"), format!("{:?}", expected(column, &wanted()).as_ref()));
}

/// Compares everything over one window, for devices in one pool.
fn check(devices: &[Split], window: Range<i64>, sizes: PageSizes) {
    let memory = Memory::new(devices.iter().map(|device| device.segments(sizes)));
    let mut cut_parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().into_parts();
    assert!(cut_parts.iter().all(|part| part.len() > 0));
    let parts: Vec<Vec<Part>> = (0..devices.len())
        .map(|device| {
            let (own, others) = cut_parts.drain(..).partition(|part| memory.owner(part.segment) == device);
            cut_parts = others;
            own
        })
        .collect();
    let hot: Vec<Axes<Vec<f64>>> = devices.iter().map(|split| split.hot_columns(&window)).collect();
    let groups: Vec<Group<'_>> = parts.iter().zip(&hot).map(|(parts, hot)| Group { parts, hot }).collect();
    let together = analyze(&groups, &wanted(), MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
    for axis in Axis::ALL {
        let found = together.get(axis);
        let alone = analyze_axis(&groups, axis, &wanted(), MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
        assert_eq!(format!("{alone:?}"), format!("{found:?}"));
        let variant = window.start.wrapping_add(window.end).wrapping_add(axis as i64).rem_euclid(9);
        let limits = small_limits()[usize::try_from(variant / 3).unwrap()];
        memory.cached_every.set([0, 1, 3][usize::try_from(variant % 3).unwrap()]);
        let within = analyze_axis(&groups, axis, &wanted(), limits, &memory).unwrap();
        memory.cached_every.set(0);
        assert_eq!(format!("{within:?}"), format!("{found:?}"), "{limits:?}, variant {variant}");
        for (split, found) in devices.iter().zip(&found.groups) {
            compare(found.as_ref(), split.column(axis, &window));
        }
        let all: Vec<f64> = devices.iter().flat_map(|split| split.column(axis, &window)).collect();
        compare(found.all.as_ref(), all);
        for (group, split) in groups.iter().zip(devices) {
            let bins = [bins(7, None, None), bins(12, Some(-1.0), Some(3.0))];
            check_histogram(*group, axis, &split.column(axis, &window), &memory, &bins);
        }
    }
    for (split, parts) in devices.iter().zip(&parts) {
        check_lists(split, parts, &window, &memory);
    }
}

fn bins(count: u32, low: Option<f64>, high: Option<f64>) -> Bins {
    let [low, high] = [low, high].map(|bound| bound.map(|number| Finite::new(number).unwrap()));
    Bins::new(count, low, high).unwrap()
}

fn check_histogram(group: Group<'_>, axis: Axis, column: &[f64], memory: &Memory, all_bins: &[Bins]) {
    for bins in all_bins {
        let found = histogram(group, axis, *bins, MemoryLimits::ONE_OF_FOUR, memory).unwrap();
        let limits = small_limits()[column.len() % 3];
        assert_eq!(histogram(group, axis, *bins, limits, memory).unwrap(), found);
        assert_eq!(found.is_none(), column.is_empty());
        let Some(found) = found else { continue };
        let number =
            |holds: &dyn Fn(f64) -> bool| column.iter().filter(|value| holds(**value)).count() as u64;
        let last = found.edges.len() - 1;
        assert_eq!(found.below, number(&|value| value < found.edges[0]));
        assert_eq!(found.above, number(&|value| value > found.edges[last]));
        for (bin, count) in found.counts.iter().enumerate() {
            let (low, high) = (found.edges[bin], found.edges[bin + 1]);
            let holds = |value| low <= value && (value < high || bin + 1 == last && value <= high);
            assert_eq!(*count, number(&holds), "bin {bin} of {:?}", found.edges);
        }
    }
}

fn check_lists(split: &Split, parts: &[Part], window: &Range<i64>, memory: &Memory) {
    let mut all: Vec<Row> = split.rows.iter().copied().filter(|row| window.contains(&row.time_us)).collect();
    all.reverse();
    let limits = |variant: usize| match small_limits().get(variant % 4) {
        Some(small) => *small,
        None => MemoryLimits::ONE_OF_FOUR,
    };
    let sealed = rows(parts, limits(all.len()), memory).unwrap();
    assert_eq!(sealed.len() + split.hot(window).len(), all.len());
    for skip in [0, 1, all.len() / 2, all.len().saturating_sub(1), all.len(), all.len() + 3] {
        for limit in [0, 1, 3, 100] {
            let expected: Vec<Row> = all.iter().copied().skip(skip).take(limit).collect();
            // A store returns only the newest hot readings that the list may show.
            let mut hot = split.hot(window);
            hot.reverse();
            hot.truncate(skip + limit);
            let limits = limits(skip + limit);
            let (skip, limit) = (skip as u64, u32::try_from(limit).unwrap());
            let found = newest(parts, &hot, skip, limit, limits, memory).unwrap();
            assert_eq!(found, expected, "skip {skip} limit {limit}, {limits:?}");
        }
    }
}

fn row(time_us: i64, x: f64) -> Row {
    Row { time_us, id: time_us * 3, values: Axes { x, y: 0.0 - x, z: x * 0.5 + 0.0 } }
}

/// A device with readings at distinct times, each in one of four segments or hot.
fn split(readings: Range<usize>) -> impl Strategy<Value = Split> {
    let value = prop_oneof![
        (-20_i32..20).prop_map(|n| f64::from(n) / 4.0),
        prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
    ];
    prop::collection::vec((1_i64..50, value, 0_u8..5), readings).prop_map(|drafts| {
        let mut time = 0;
        let (rows, homes) = drafts
            .into_iter()
            .map(|(gap, x, home)| {
                time += gap;
                (
                    Row {
                        time_us: time,
                        id: 1_000 - time,
                        values: Axes { x, y: 0.25 - x, z: x.sqrt().abs() },
                    },
                    home,
                )
            })
            .map(|(mut row, home)| {
                for number in [&mut row.values.x, &mut row.values.y, &mut row.values.z] {
                    *number = if number.is_finite() { *number + 0.0 } else { 7.0 };
                }
                (row, home)
            })
            .unzip();
        Split { rows, homes }
    })
}

proptest! {
    #[test]
    fn any_split_over_any_window_equals_sorting(
        devices in prop::collection::vec(split(0..120), 1..4),
        from in -10_i64..3000,
        length in 0_i64..4000,
    ) {
        for sizes in [SMALL, PageSizes::WRITTEN] {
            check(&devices, from..from + length, sizes);
            check(&devices, i64::MIN..i64::MAX, sizes);
        }
    }
}

/// Several pages of each column, cut on the edges of pages and runs and next to them.
#[test]
fn segments_of_many_pages_equal_sorting() {
    let value = |n: i64| f64::from(u32::try_from(n * 7919 % 10_007).unwrap()) / 8.0 - 300.0;
    let rows: Vec<Row> = (0..12_000).map(|n| row(n * 10, value(n))).collect();
    let homes = (0..12_000).map(|n| if n % 97 == 0 { 0 } else { 1 + u8::from(n > 10_000) }).collect();
    let device = Split { rows, homes };
    for (from, until) in [
        (0, 12_000),
        (1, 11_999),
        (64, 4096),
        (63, 4097),
        (65, 4095),
        (4096, 8192),
        (4137, 4137),
        (5000, 5001),
        (100, 9000),
        (3000, 11_000),
        (11_900, 12_000),
    ] {
        check(std::slice::from_ref(&device), from * 10..until * 10, PageSizes::WRITTEN);
    }
}

/// A smooth signal: neighbours in time are neighbours in the dictionary, and every value occurs often.
#[test]
fn often_repeated_values_equal_sorting() {
    let value = |n: i64| ((f64::from(u32::try_from(n).unwrap()) / 700.0).sin() * 2000.0).round() / 16.0;
    let rows: Vec<Row> = (0..9_000).map(|n| row(n, value(n))).collect();
    let other = Split { rows: rows.iter().map(|row| Row { id: 1, ..*row }).collect(), homes: vec![1; 9_000] };
    let homes = (0..9_000).map(|n| u8::try_from(n / 3_000 + 1).unwrap()).collect();
    let devices = [Split { rows, homes }, other];
    for (from, until) in [(0, 9_000), (10, 8_990), (2_999, 3_001), (4_000, 4_100)] {
        check(&devices, from..until, PageSizes::WRITTEN);
    }
}

/// Compares histograms with a bound that the values give, or with bounds beyond all values.
fn check_bounds(device: &Split, window: &Range<i64>) {
    let all_bins = [
        bins(1, None, Some(0.0)),
        bins(2, Some(0.05), None),
        bins(2, Some(1e300), None),
        bins(1, None, Some(-1e300)),
        bins(3, Some(-3e300), Some(-2e300)),
    ];
    let memory = Memory::new([device.segments(SMALL)].into_iter());
    let parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().into_parts();
    let group = Group { parts: &parts, hot: &device.hot_columns(window) };
    check_histogram(group, Axis::X, &device.column(Axis::X, window), &memory, &all_bins);
}

#[test]
fn every_small_multiset_of_nasty_values_in_every_split() {
    const NASTY: [f64; 6] = [f64::MIN, -5e-324, 0.0, 5e-324, 0.1, f64::MAX];
    fn grow(values: &mut Vec<f64>, from: usize) {
        for (index, value) in NASTY.iter().enumerate().skip(from) {
            values.push(*value);
            let rows: Vec<Row> = (0..).zip(values.iter()).map(|(time, value)| row(time, *value)).collect();
            for cut in 0..=values.len() {
                let homes = (0..values.len()).map(|position| u8::from(position < cut)).collect();
                let split = Split { rows: rows.clone(), homes };
                for window in [0, 1].map(|from| from..i64::try_from(values.len()).unwrap()) {
                    check_bounds(&split, &window);
                    check(std::slice::from_ref(&split), window, SMALL);
                }
            }
            if values.len() < 6 {
                grow(values, index);
            }
            values.pop();
        }
    }
    grow(&mut Vec::new(), 0);
}

/// Bounds in the same page of two parts requested this page once, and expected it twice.
#[test]
fn a_group_may_have_two_parts_of_a_segment() {
    let rows = (0..9_000).map(|n| row(n, f64::from(u8::try_from(n % 10).unwrap())));
    let device = Split { rows: rows.collect(), homes: vec![1; 9_000] };
    let memory = Memory::new([device.segments(PageSizes::WRITTEN)].into_iter());
    let parts = cut(&memory.parts(), &[100, 3_000, 8_000], &memory).unwrap().into_parts();
    let group = Group { parts: &parts, hot: &Axes::default() };
    let column = device.column(Axis::X, &(100..8_000));
    check_histogram(group, Axis::X, &column, &memory, &[bins(7, None, None)]);
    compare(
        analyze_axis(&[group], Axis::X, &wanted(), MemoryLimits::ONE_OF_FOUR, &memory).unwrap().all.as_ref(),
        column,
    );
}

#[test]
fn sums_of_parts_are_exact() {
    let rows: Vec<Row> = (0..5_000).map(|n| row(n, if n % 2 == 0 { 1e16 } else { 1.0 / 3.0 })).collect();
    let device = Split { rows, homes: vec![1; 5_000] };
    let memory = Memory::new([device.segments(PageSizes::WRITTEN)].into_iter());
    for window in [3..4_997, 0..64, 0..65, 63..64, 1_000..1_001, 4_990..5_000] {
        let parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().into_parts();
        let group = Group { parts: &parts, hot: &Axes::default() };
        let found = analyze_axis(
            &[group],
            Axis::X,
            &RequestedStatistics::default(),
            MemoryLimits::ONE_OF_FOUR,
            &memory,
        )
        .unwrap();
        let mut sum = ExactSum::default();
        device.column(Axis::X, &window).iter().for_each(|value| sum.add(*value));
        assert_eq!(found.all.unwrap().summary.sum, sum.rounded(), "{window:?}");
    }
}

/// The fences of segments with few distinct values leave a bracket with nearly all pages of the other
/// segments.
#[test]
fn unlike_segments_need_few_pages() {
    let (few, many, readings) = (12, 8, 600);
    let mut rows = Vec::new();
    let mut homes = Vec::new();
    for home in 1..=few + many {
        for n in 0..readings {
            let mixed = u32::try_from((n * 7919 + i64::from(home) * 131) % 1_000).unwrap();
            let x = if home <= few { f64::from(mixed / 100) * 100.0 } else { f64::from(mixed) + 0.5 };
            rows.push(row(i64::try_from(rows.len()).unwrap(), x));
            homes.push(home);
        }
    }
    let device = Split { rows, homes };
    let memory = Memory::new([device.segments(SMALL)].into_iter());
    let parts = memory.parts();
    let numbers: Vec<f64> = (0..3_000).map(|n| f64::from(n * 7919 % 1_000)).collect();
    let hot = Axes { x: numbers.clone(), y: numbers.iter().map(|number| 0.0 - number).collect(), z: numbers };
    for (axis, hot) in
        [(Axis::X, &Axes::default()), (Axis::Y, &Axes::default()), (Axis::X, &hot), (Axis::Y, &hot)]
    {
        memory.requested.set(0);
        analyze_axis(
            &[Group { parts: &parts, hot }],
            axis,
            &RequestedStatistics::default(),
            MemoryLimits::ONE_OF_FOUR,
            &memory,
        )
        .unwrap();
        assert!(memory.requested.get() <= 150, "{} pages of {axis}", memory.requested.get());
    }
    check(std::slice::from_ref(&device), 0..i64::MAX, SMALL);
    check(&[device], 700..11_000, SMALL);
}

/// A series for a drawing needs neither sums nor, sometimes, medians. The others must not change.
#[test]
fn omitted_statistics_read_no_pages_and_change_no_other() {
    let rows: Vec<Row> =
        (0..20_000).map(|n| row(n, f64::from(u32::try_from(n * 7919 % 10_007).unwrap()))).collect();
    let split = Split { rows, homes: vec![1; 20_000] };
    let memory = Memory::new([split.segments(PageSizes::WRITTEN)].into_iter());
    let parts = cut(&memory.parts(), &[1_000, 17_001], &memory).unwrap().into_parts();
    let group = Group { parts: &parts, hot: &Axes::default() };
    let analyze = |omitted| {
        memory.requested.set(0);
        let wanted = RequestedStatistics { omitted, ..RequestedStatistics::default() };
        let found = analyze_axis(&[group], Axis::X, &wanted, MemoryLimits::ONE_OF_FOUR, &memory).unwrap();
        (found.all.unwrap().summary, memory.requested.get())
    };
    let (whole, all_pages) = analyze(OmittedStatistics::default());
    let (without_sum, pages_without_sum) = analyze(OmittedStatistics { sum: true, median: false });
    let (without_median, pages_without_median) = analyze(OmittedStatistics { sum: false, median: true });
    assert_eq!(without_sum, Summary { sum: None, ..whole });
    assert_eq!(without_median, Summary { median: None, ..whole });
    assert!(pages_without_sum < all_pages, "{pages_without_sum} {all_pages}");
    assert!(pages_without_median < all_pages, "{pages_without_median} {all_pages}");
}

#[test]
fn a_median_of_hot_readings_is_never_minus_zero() {
    let hot = Axes { x: vec![-5e-324, 0.0], y: vec![0.0], z: vec![0.0] };
    let memory = Memory::new(std::iter::empty());
    let found = analyze(&[Group { parts: &[], hot: &hot }], &wanted(), MemoryLimits::ONE_OF_FOUR, &memory)
        .unwrap()
        .x
        .all
        .unwrap();
    assert_eq!(found.summary.median.map(f64::to_bits), Some(0));
    assert_eq!(found.mean.map(f64::to_bits), Some(0));
}
