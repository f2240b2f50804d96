//! The steps of a walk, and their generators.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::oracle::{Bins, EPOCH_US, OptionalStatistics, Period};

/// Number of devices of a walk.
pub(crate) const SLOTS: usize = 4;
/// Number of users of a walk. The last device has no owner.
pub(crate) const USERS: usize = 2;
/// Length of a tick, in microseconds.
const TICK_US: i64 = 250_000;
/// Number of ticks of single readings; small enough that some are repeats.
const TICKS: u32 = 600;

/// A deterministic choice of elements of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Choice {
    All,
    /// The first elements, up to this number.
    First(usize),
    /// About half of the elements, by this seed.
    Some(u64),
}

/// A run of readings at equal distances.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Run {
    pub(crate) slot: usize,
    pub(crate) from_tick: u32,
    pub(crate) stride: u32,
    pub(crate) count: u32,
    pub(crate) seed: u64,
}

/// The subject of a query.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    Slot(usize),
    User(usize),
}

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Appends a batch. A reading is its tick and the seed of its values.
    Append {
        slot: usize,
        readings: Vec<(u32, u64)>,
    },
    /// Appends a batch of repeats with other values.
    Repeat {
        slot: usize,
        chosen: Choice,
    },
    AppendOne {
        slot: usize,
        tick: u32,
        seed: u64,
    },
    AppendRun(Run),
    AppendSegment(Run),
    Seal {
        slot: usize,
        chosen: Choice,
    },
    Merge {
        slot: usize,
        chosen: Choice,
    },
    /// Deletes the device and registers it again.
    DeleteReadings {
        slot: usize,
        period: Period,
    },
    DeleteDevice {
        slot: usize,
    },
    /// Deletes the user and registers it and its devices again.
    DeleteUser {
        user: usize,
    },
    Restart {
        cache_bytes_max: u64,
    },
    Analyze {
        subject: Subject,
        period: Period,
        wanted: OptionalStatistics,
    },
    List {
        slot: usize,
        period: Period,
        skip: usize,
        limit: usize,
    },
    Series {
        subject: Subject,
        period: Period,
        seconds: i64,
        with_magnitude: bool,
    },
    Histogram {
        subject: Subject,
        period: Period,
        bins: Bins,
        with_magnitude: bool,
    },
    Export {
        subject: Subject,
        period: Period,
    },
}

impl Choice {
    /// Returns whether the element at an index is chosen.
    pub(crate) fn holds(self, place: usize) -> bool {
        match self {
            Self::All => true,
            Self::First(count) => place < count,
            Self::Some(seed) => mixed(seed.wrapping_add(place as u64)).is_multiple_of(2),
        }
    }
}

impl Run {
    /// Returns the ticks and seeds of the readings.
    pub(crate) fn readings(self) -> impl Iterator<Item = (u32, u64)> {
        let Self { slot: _, from_tick, stride, count, seed } = self;
        // All readings of a run have the same kind of values.
        let seed = move |n: u32| (mixed(seed.wrapping_add(n.into())) & !3) | seed & 3;
        (0..count).map(move |n| (from_tick + n * stride, seed(n)))
    }
}

/// Returns the time of a tick, in microseconds since 1970 UTC.
pub(crate) fn moment(tick: u32) -> i64 {
    EPOCH_US + i64::from(tick) * TICK_US
}

/// Returns three values of one of four kinds: few distinct values, sensor values, subnormal values, any
/// values.
pub(crate) fn numbers(seed: u64) -> [f64; 3] {
    [0, 1, 2].map(|axis| {
        let random = mixed(seed.wrapping_mul(3).wrapping_add(axis));
        let small = |below: u64| f64::from(u32::try_from(random % below).unwrap());
        let number = match seed % 4 {
            0 => (small(41) - 20.0) / 4.0,
            1 => (small(0x1_0000) - 32_768.0) / 1000.0,
            2 => f64::from_bits(random & 0x800f_ffff_ffff_ffff),
            _ => f64::from_bits(random),
        };
        // Only finite values, and no negative zero.
        if number.is_finite() { number + 0.0 } else { small(10) }
    })
}

/// A step of `SplitMix64`.
fn mixed(seed: u64) -> u64 {
    let seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let seed = (seed ^ seed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let seed = (seed ^ seed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    seed ^ seed >> 31
}

/// Generates walks.
pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    vec(step(), 1..40)
}

fn step() -> impl Strategy<Value = Step> {
    let changes = prop_oneof![
        8 => (slot(), vec((0..TICKS, any::<u64>()), 1..60))
            .prop_map(|(slot, readings)| Step::Append { slot, readings }),
        2 => (slot(), choice()).prop_map(|(slot, chosen)| Step::Repeat { slot, chosen }),
        2 => (slot(), 0..TICKS, any::<u64>())
            .prop_map(|(slot, tick, seed)| Step::AppendOne { slot, tick, seed }),
        1 => run(3_000).prop_map(Step::AppendRun),
        2 => run(300).prop_map(Step::AppendSegment),
        2 => run(9_500).prop_map(Step::AppendSegment),
        8 => (slot(), choice()).prop_map(|(slot, chosen)| Step::Seal { slot, chosen }),
        5 => (slot(), choice()).prop_map(|(slot, chosen)| Step::Merge { slot, chosen }),
        4 => (slot(), period()).prop_map(|(slot, period)| Step::DeleteReadings { slot, period }),
        1 => slot().prop_map(|slot| Step::DeleteDevice { slot }),
        1 => (0..USERS).prop_map(|user| Step::DeleteUser { user }),
        2 => prop_oneof![Just(0), Just(64 << 10), Just(16 << 20)]
            .prop_map(|cache_bytes_max| Step::Restart { cache_bytes_max }),
    ];
    let questions = prop_oneof![
        4 => (subject(), period(), wanted()).prop_map(|(subject, period, wanted)| Step::Analyze { subject, period, wanted }),
        3 => (slot(), period(), prop_oneof![3 => 0..80_usize, 1 => 0..9_000_usize], 1..=100_usize)
            .prop_map(|(slot, period, skip, limit)| Step::List { slot, period, skip, limit }),
        2 => (subject(), period(), prop_oneof![Just(7), Just(60), Just(600), Just(3_600)], any::<bool>())
            .prop_map(|(subject, period, seconds, with_magnitude)| Step::Series { subject, period, seconds, with_magnitude }),
        2 => (subject(), period(), bins(), any::<bool>())
            .prop_map(|(subject, period, bins, with_magnitude)| Step::Histogram { subject, period, bins, with_magnitude }),
        2 => (subject(), period()).prop_map(|(subject, period)| Step::Export { subject, period }),
    ];
    prop_oneof![3 => changes, 2 => questions]
}

fn slot() -> impl Strategy<Value = usize> {
    0..SLOTS
}

fn subject() -> impl Strategy<Value = Subject> {
    prop_oneof![3 => slot().prop_map(Subject::Slot), 2 => (0..USERS).prop_map(Subject::User)]
}

fn choice() -> impl Strategy<Value = Choice> {
    prop_oneof![Just(Choice::All), (1..40_usize).prop_map(Choice::First), any::<u64>().prop_map(Choice::Some)]
}

/// Generates runs among the single readings, next to each other, or after all of them.
fn run(most: u32) -> impl Strategy<Value = Run> {
    let from_tick = prop_oneof![0..TICKS, TICKS..8_000];
    let drawn = (slot(), from_tick, 1..3_u32, 1..most, any::<u64>());
    drawn.prop_map(|(slot, from_tick, stride, count, seed)| Run { slot, from_tick, stride, count, seed })
}

/// Generates the time of a tick, or a time one microsecond before or after it.
fn end() -> impl Strategy<Value = i64> {
    (prop_oneof![0..TICKS, 0..12_000_u32], -1..=1_i64).prop_map(|(tick, beside)| moment(tick) + beside)
}

fn period() -> impl Strategy<Value = Period> {
    (option::of(end()), option::of(end())).prop_map(|ends| match ends {
        (Some(a), Some(b)) => Period { start: Some(a.min(b)), end: Some(a.max(b)) },
        (start, end) => Period { start, end },
    })
}

fn wanted() -> impl Strategy<Value = OptionalStatistics> {
    let percentiles = vec(prop_oneof![0..=100_000_u32, Just(0), Just(99_900), Just(100_000)], 0..4);
    (percentiles, any::<[bool; 6]>()).prop_map(|(percentiles, [mean, stddev, rms, range, iqr, magnitude])| {
        OptionalStatistics { percentiles, mean, stddev, rms, range, iqr, magnitude }
    })
}

fn bins() -> impl Strategy<Value = Bins> {
    let bound = |range| option::of(prop_oneof![3 => range, 1 => Just(0.0)]);
    (1..9_u32, bound(-30.0..-1.0_f64), option::of(1.0..30.0_f64)).prop_map(|(count, low, high)| Bins {
        count,
        low,
        high,
    })
}
