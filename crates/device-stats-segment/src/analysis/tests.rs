//! Analyses of any readings, split in any way into segments and hot readings, over any window, compared with sorting and
//! picking.

mod memory;
mod spans;

use std::ops::Range;

use device_stats_domain::{Axes, Axis};
use memory::Memory;
use proptest::prelude::*;

use super::*;
use crate::analysis::part::PartAxis;
use crate::analysis::part::cut_column::cut_columns;
use crate::format::page_layout::PageSizes;
use crate::format::segment::tests::{SMALL, encode, plausible_rows};
use crate::{Effort, ExactSum, Moments, Row, Segment, summarize};

/// Readings of a device, some in segments.
#[derive(Clone, Debug)]
struct Split {
    /// In order of time.
    rows: Vec<Row>,
    /// For each reading the segment it is in; 0 for none.
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

    /// Rows of the window that are in no segment.
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

/// What `analyze` is to find, by sorting.
fn expected(mut column: Vec<f64>, ranks: &[u64]) -> Option<(device_stats_domain::Summary, Vec<(f64, f64)>)> {
    let summary = summarize(&mut column)?;
    column.sort_by(f64::total_cmp);
    let at = |rank: u64| column[usize::try_from(rank).unwrap().min(column.len() - 1)];
    Some((summary, ranks.iter().map(|rank| (at(*rank), at(rank + 1))).collect()))
}

fn some_ranks(count: u64) -> Vec<u64> {
    vec![0, count / 10, count / 2, count - 1]
}

fn bits(statistics: Option<&AxisStatistics>) -> Option<String> {
    statistics.map(|found| format!("{:?} {:?}", found.summary, found.ranked))
}

/// Compares everything over one window, of devices that form one pool.
fn check(devices: &[Split], window: Range<i64>, sizes: PageSizes) {
    let memory = Memory::of(devices.iter().map(|device| device.segments(sizes)));
    let mut cut_parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().pop().unwrap();
    assert!(cut_parts.iter().all(|part| !part.is_empty()));
    let parts: Vec<Vec<Part>> = (0..devices.len())
        .map(|device| {
            let (own, others) = cut_parts.drain(..).partition(|part| memory.owner(part.segment) == device);
            cut_parts = others;
            own
        })
        .collect();
    let hot: Vec<Axes<Vec<f64>>> = devices.iter().map(|split| split.hot_columns(&window)).collect();
    let groups: Vec<Group<'_>> = parts.iter().zip(&hot).map(|(parts, hot)| Group { parts, hot }).collect();
    let ask = Ask { ranks: &some_ranks, moments: true };
    let together = analyze(&groups, ask, &memory).unwrap();
    for axis in Axis::ALL {
        let found = together.get(axis);
        let alone = analyze_axis(&groups, axis, ask, &memory).unwrap();
        assert_eq!(format!("{alone:?}"), format!("{found:?}"));
        for (split, found) in devices.iter().zip(&found.groups) {
            compare(split.column(axis, &window), found.as_ref());
        }
        let all: Vec<f64> = devices.iter().flat_map(|split| split.column(axis, &window)).collect();
        compare(all.clone(), found.all.as_ref());
        let mut bounds: Vec<f64> = all.iter().copied().take(7).chain([-1.0, 0.0, 1e300]).collect();
        bounds.sort_by(f64::total_cmp);
        for (group, split) in groups.iter().zip(devices) {
            let column = split.column(axis, &window);
            let below =
                |bound: &f64| column.iter().filter(|value| value.total_cmp(bound).is_lt()).count() as u64;
            let expected: Vec<u64> = bounds.iter().map(below).collect();
            assert_eq!(count_below(*group, axis, &bounds, &memory).unwrap(), expected, "below {bounds:?}");
        }
    }
    for (split, parts) in devices.iter().zip(&parts) {
        check_lists(split, parts, &window, &memory);
    }
}

fn compare(column: Vec<f64>, found: Option<&AxisStatistics>) {
    let ranks = if column.is_empty() { Vec::new() } else { some_ranks(column.len() as u64) };
    let expected_moments = column.iter().fold(Moments::default(), |mut moments, number| {
        moments.count += 1;
        moments.sum.add(*number);
        moments.squares.add(*number);
        moments
    });
    let wanted = expected(column, &ranks).map(|(summary, ranked)| format!("{summary:?} {ranked:?}"));
    assert_eq!(bits(found), wanted);
    if let Some(found) = found {
        let moments = found.moments.as_ref().unwrap();
        assert_eq!(moments.mean(), expected_moments.mean());
        assert_eq!(moments.stddev(), expected_moments.stddev());
    }
}

fn check_lists(split: &Split, parts: &[Part], window: &Range<i64>, memory: &Memory) {
    let mut all: Vec<Row> = split.rows.iter().copied().filter(|row| window.contains(&row.time_us)).collect();
    all.reverse();
    assert_eq!(rows(parts, memory).unwrap().len() + split.hot(window).len(), all.len());
    for skip in [0, 1, all.len() / 2, all.len().saturating_sub(1), all.len(), all.len() + 3] {
        for limit in [0, 1, 3, 100] {
            let expected: Vec<Row> = all.iter().copied().skip(skip).take(limit).collect();
            // A store hands out the newest hot readings only, as many as may be shown.
            let mut hot = split.hot(window);
            hot.reverse();
            hot.truncate(skip + limit);
            let found = newest(parts, &hot, skip as u64, u32::try_from(limit).unwrap(), memory).unwrap();
            assert_eq!(found, expected, "skip {skip} limit {limit}");
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
        for sizes in [SMALL, PageSizes::TODAY] {
            check(&devices, from..from + length, sizes);
            check(&devices, i64::MIN..i64::MAX, sizes);
        }
    }
}

/// Several pages of everything, and cuts everywhere: on the edges of pages and runs, and beside them.
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
        check(std::slice::from_ref(&device), from * 10..until * 10, PageSizes::TODAY);
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
        check(&devices, from..until, PageSizes::TODAY);
    }
}

#[test]
fn every_small_multiset_of_nasty_values_in_every_split() {
    const NASTY: [f64; 6] = [f64::MIN, -5e-324, 0.0, 5e-324, 0.1, f64::MAX];
    fn grow(values: &mut Vec<f64>, from: usize) {
        for (index, value) in NASTY.iter().enumerate().skip(from) {
            values.push(*value);
            let rows: Vec<Row> = (0..).zip(values.iter()).map(|(time, value)| row(time, *value)).collect();
            for cut in 0..=values.len() {
                let homes = (0..values.len()).map(|place| u8::from(place < cut)).collect();
                let split = Split { rows: rows.clone(), homes };
                check(std::slice::from_ref(&split), 0..i64::try_from(values.len()).unwrap(), SMALL);
                check(&[split], 1..i64::try_from(values.len()).unwrap(), SMALL);
            }
            if values.len() < 6 {
                grow(values, index);
            }
            values.pop();
        }
    }
    grow(&mut Vec::new(), 0);
}

#[test]
fn sums_of_parts_are_exact() {
    let rows: Vec<Row> = (0..5_000).map(|n| row(n, if n % 2 == 0 { 1e16 } else { 1.0 / 3.0 })).collect();
    let device = Split { rows, homes: vec![1; 5_000] };
    let memory = Memory::of([device.segments(PageSizes::TODAY)].into_iter());
    for window in [3..4_997, 0..64, 0..65, 63..64, 1_000..1_001, 4_990..5_000] {
        let parts = cut(&memory.parts(), &[window.start, window.end], &memory).unwrap().pop().unwrap();
        let group = Group { parts: &parts, hot: &Axes::default() };
        let found = analyze_axis(&[group], Axis::X, Ask::SUMMARY, &memory).unwrap();
        let mut sum = ExactSum::default();
        device.column(Axis::X, &window).iter().for_each(|value| sum.add(*value));
        assert_eq!(found.all.unwrap().summary.sum, sum.rounded(), "{window:?}");
    }
}

/// Fences of segments with few distinct values leave so much open that bounds from fences alone would enclose nearly all
/// pages of those with many; and so do hot readings, as long as they may lie anywhere.
#[test]
fn of_unlike_segments_few_pages_are_read() {
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
    let memory = Memory::of([device.segments(SMALL)].into_iter());
    let parts = memory.parts();
    let numbers: Vec<f64> = (0..3_000).map(|n| f64::from(n * 7919 % 1_000)).collect();
    let hot = Axes { x: numbers.clone(), y: numbers.iter().map(|number| 0.0 - number).collect(), z: numbers };
    for (axis, hot) in
        [(Axis::X, &Axes::default()), (Axis::Y, &Axes::default()), (Axis::X, &hot), (Axis::Y, &hot)]
    {
        memory.asked.set(0);
        analyze_axis(&[Group { parts: &parts, hot }], axis, Ask::SUMMARY, &memory).unwrap();
        assert!(memory.asked.get() <= 150, "{} pages of {axis}", memory.asked.get());
    }
    check(std::slice::from_ref(&device), 0..i64::MAX, SMALL);
    check(&[device], 700..11_000, SMALL);
}

/// As it is done where too many pages would be kept.
#[test]
fn codes_that_were_copied_count_the_same() {
    let rows = plausible_rows(9_000);
    let memory = Memory::of([vec![encode(&rows, PageSizes::TODAY, Effort::Fast)]].into_iter());
    for (from, until) in [(100, 8_999), (0, 3_000), (4_000, 4_200), (1, 8_192)] {
        let bounds = [rows[from].time_us, rows[until].time_us];
        let parts = cut(&memory.parts(), &bounds, &memory).unwrap().pop().unwrap();
        let of = Axis::ALL.map(|axis| PartAxis { part: &parts[0], axis });
        let kept = cut_columns(&of, &memory).unwrap();
        for (kept, mut copied) in kept.iter().zip(cut_columns(&of, &memory).unwrap()) {
            copied.copy_codes();
            let head = &parts[0].head;
            for page in head.pages(crate::Column::Dictionary(kept.of.axis)) {
                let read = memory.read(&[SegmentPage { segment: 0, page }]).unwrap();
                let crate::Page::Dictionary(dictionary) = &*read[0] else { unreachable!() };
                let index = page.index as usize;
                assert_eq!(kept.counts(index, dictionary), copied.counts(index, dictionary));
            }
        }
    }
}
