//! Expected responses, computed from plain readings by sorting and by exact arithmetic.

use device_stats_domain::Timestamp;
use num_bigint::BigInt;
use serde_json::{Value, json};

use crate::exact_arithmetic::{nearest, nearest_root, units};

/// Time of the first reading of most cases, in microseconds since 1970 UTC: 23 November 2026.
pub(crate) const EPOCH_US: i64 = 1_795_392_000_000_000;
/// Origin of the buckets, Monday, 3 January 2000, in microseconds since 1970 UTC.
const ORIGIN_US: i64 = 946_857_600_000_000;
/// 100 percent, in thousandths of a percent.
const WHOLE: u32 = 100_000;

/// A time in microseconds since 1970 UTC, and three values.
pub(crate) type Timed = (i64, [f64; 3]);

/// A period with inclusive ends, in microseconds since 1970 UTC. An absent end is open.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Period {
    pub(crate) start: Option<i64>,
    pub(crate) end: Option<i64>,
}

/// The requested optional statistics.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each one is a yes or no of the request")]
pub(crate) struct OptionalStatistics {
    /// Percentiles, in thousandths of a percent.
    pub(crate) percentiles: Vec<u32>,
    pub(crate) mean: bool,
    pub(crate) stddev: bool,
    pub(crate) rms: bool,
    pub(crate) range: bool,
    pub(crate) iqr: bool,
    pub(crate) magnitude: bool,
}

/// Bins between two edges. An absent edge is the minimum or the maximum.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bins {
    pub(crate) count: u32,
    pub(crate) low: Option<f64>,
    pub(crate) high: Option<f64>,
}

/// Returns a time as text.
pub(crate) fn written(time_us: i64) -> String {
    Timestamp::from_micros(time_us).unwrap().to_string()
}

impl Period {
    pub(crate) const ALL: Self = Self { start: None, end: None };

    pub(crate) fn contains(self, time_us: i64) -> bool {
        self.start.is_none_or(|start| start <= time_us) && self.end.is_none_or(|end| time_us <= end)
    }

    /// Returns the period as parameters of a query, each after a `&`.
    pub(crate) fn query(self) -> String {
        let parameter = |name, time: Option<i64>| {
            time.map(|time| format!("&{name}={}", written(time))).unwrap_or_default()
        };
        parameter("start_time", self.start) + &parameter("end_time", self.end)
    }
}

impl OptionalStatistics {
    /// Requests everything except the magnitude; percentiles in thousandths of a percent.
    pub(crate) fn all(percentiles: Vec<u32>) -> Self {
        Self { percentiles, mean: true, stddev: true, rms: true, range: true, iqr: true, magnitude: false }
    }

    /// Returns the body of an analysis.
    pub(crate) fn body(&self, period: Period) -> Value {
        let mut body = json!({"start_time": period.start.map(written), "end_time": period.end.map(written)});
        if !self.percentiles.is_empty() {
            body["percentiles"] = self.percentiles.iter().map(|part| percent(*part)).collect();
        }
        let Self { percentiles: _, mean, stddev, rms, range, iqr, magnitude } = self;
        for (name, is_wanted) in [
            ("mean", mean),
            ("stddev", stddev),
            ("rms", rms),
            ("range", range),
            ("iqr", iqr),
            ("magnitude", magnitude),
        ] {
            body[name] = json!(is_wanted);
        }
        body
    }
}

fn percent(part: u32) -> f64 {
    f64::from(part) / 1000.0
}

/// Returns an object with the result for each axis, and for the magnitude if `with_magnitude` is set, given
/// its sorted values.
fn each_axis(readings: &[Timed], with_magnitude: bool, response: impl Fn(&[f64]) -> Value) -> Value {
    let of = |number: &dyn Fn(&[f64; 3]) -> f64| {
        let mut column: Vec<f64> = readings.iter().map(|(_, numbers)| number(numbers)).collect();
        column.sort_by(f64::total_cmp);
        response(&column)
    };
    let [x, y, z] = [0, 1, 2].map(|axis| of(&|numbers| numbers[axis]));
    let mut each = json!({"x": x, "y": y, "z": z});
    if with_magnitude {
        each["magnitude"] = of(&magnitude);
    }
    each
}

/// Returns the double nearest to the magnitude, or the largest double.
fn magnitude(numbers: &[f64; 3]) -> f64 {
    let squares: BigInt = numbers.iter().map(|number| units(*number).pow(2)).sum();
    nearest_root(&squares, 1).unwrap_or(f64::MAX)
}

/// Returns the analysis of one or more readings.
pub(crate) fn analysis(readings: &[Timed], period: Period, wanted: &OptionalStatistics) -> Value {
    with_period(each_axis(readings, wanted.magnitude, |sorted| statistics(sorted, wanted)), period)
}

fn with_period(mut response: Value, period: Period) -> Value {
    response["period_start"] = json!(period.start.map(written));
    response["period_end"] = json!(period.end.map(written));
    response
}

fn statistics(sorted: &[f64], wanted: &OptionalStatistics) -> Value {
    let count = sorted.len() as u64;
    let sum: BigInt = sorted.iter().map(|number| units(*number)).sum();
    let mut response = json!({
        "min_value": sorted[0], "max_value": sorted[sorted.len() - 1], "count": count,
        "sum": nearest(&sum, 1), "median": percentile(sorted, WHOLE / 2),
    });
    if !wanted.percentiles.is_empty() {
        let value = |part: &u32| json!({"percentile": percent(*part), "value": percentile(sorted, *part)});
        response["percentiles"] = wanted.percentiles.iter().map(value).collect();
    }
    if wanted.mean {
        response["mean"] = json!(nearest(&sum, count));
    }
    let squares: BigInt = sorted.iter().map(|number| units(*number).pow(2)).sum();
    if wanted.stddev {
        let variance = &squares * count - &sum * &sum;
        let stddev = (count > 1).then(|| nearest_root(&variance, count * (count - 1)));
        response["stddev"] = json!(stddev.flatten());
    }
    if wanted.rms {
        response["rms"] = json!(nearest_root(&squares, count));
    }
    if wanted.range {
        response["range"] = json!(nearest(&(units(sorted[sorted.len() - 1]) - units(sorted[0])), 1));
    }
    if wanted.iqr {
        let distance = percentile_parts(sorted, 3 * WHOLE / 4) - percentile_parts(sorted, WHOLE / 4);
        response["iqr"] = json!(nearest(&distance, WHOLE.into()));
    }
    response
}

fn percentile(sorted: &[f64], part: u32) -> f64 {
    nearest(&percentile_parts(sorted, part), WHOLE.into()).unwrap()
}

/// Returns a percentile, in units divided by [`WHOLE`].
fn percentile_parts(sorted: &[f64], part: u32) -> BigInt {
    let way = (sorted.len() - 1) * part as usize;
    let (below, rest) = (way / WHOLE as usize, way % WHOLE as usize);
    let above = if rest == 0 { below } else { below + 1 };
    between_parts(sorted[below], sorted[above], u32::try_from(rest).unwrap(), WHOLE)
}

/// Returns the double nearest to the point `part / whole` of the way from `low` to `high`.
fn between(low: f64, high: f64, part: u32, whole: u32) -> f64 {
    nearest(&between_parts(low, high, part, whole), whole.into()).unwrap()
}

/// Returns the point `part / whole` of the way from `low` to `high`, in units divided by `whole`.
fn between_parts(low: f64, high: f64, part: u32, whole: u32) -> BigInt {
    units(low) * (whole - part) + units(high) * part
}

/// Returns the buckets of a series of one or more readings in order of time; each bucket has `interval_us`
/// microseconds, which divide a day.
pub(crate) fn series(readings: &[Timed], period: Period, interval_us: i64, with_magnitude: bool) -> Value {
    let until = period.end.unwrap_or(readings[readings.len() - 1].0) + 1;
    let begin = period.start.unwrap_or(readings[0].0);
    let mut from = begin - (begin - ORIGIN_US).rem_euclid(interval_us);
    let mut buckets = Vec::new();
    while from < until {
        let next = from + interval_us;
        let inside = |time_us: i64| from.max(begin) <= time_us && time_us < next.min(until);
        let inside: Vec<Timed> = readings.iter().copied().filter(|(time, _)| inside(*time)).collect();
        let stats = match inside.as_slice() {
            [] => Value::Null,
            inside => {
                each_axis(inside, with_magnitude, |sorted| statistics(sorted, &OptionalStatistics::default()))
            }
        };
        buckets.push(json!({"start": written(from), "end": written(next), "stats": stats}));
        from = next;
    }
    json!(buckets)
}

/// Returns the histograms of one or more readings.
pub(crate) fn histograms(readings: &[Timed], period: Period, bins: Bins, with_magnitude: bool) -> Value {
    with_period(each_axis(readings, with_magnitude, |sorted| histogram(sorted, bins)), period)
}

fn histogram(sorted: &[f64], bins: Bins) -> Value {
    let (min, max) = (sorted[0], sorted[sorted.len() - 1]);
    // A given bound stays. Without a value on its inner side, the other one is at a distance of 1.
    let down = |edge: f64, distance: f64| (edge - distance).min(edge.next_down()).max(f64::MIN);
    let up = |edge: f64, distance: f64| (edge + distance).max(edge.next_up()).min(f64::MAX);
    let (low, high) = match (bins.low, bins.high) {
        (Some(low), Some(high)) => (low, high),
        (Some(low), None) => (low, if low < max { max } else { up(low, 1.0) }),
        (None, Some(high)) => (if min < high { min } else { down(high, 1.0) }, high),
        (None, None) if min == max => (down(min, 0.5), up(max, 0.5)),
        (None, None) => (min, max),
    };
    let edges: Vec<f64> = (0..=bins.count).map(|index| between(low, high, index, bins.count)).collect();
    let count = |holds: &dyn Fn(f64) -> bool| sorted.iter().filter(|value| holds(**value)).count();
    let counts: Vec<usize> = (1..edges.len())
        .map(|upper| {
            let is_last = upper + 1 == edges.len();
            let (low, high) = (edges[upper - 1], edges[upper]);
            count(&|value| low <= value && (value < high || is_last && value == high))
        })
        .collect();
    let (low, high) = (edges[0], edges[edges.len() - 1]);
    let (below, above) = (count(&|value| value < low), count(&|value| high < value));
    json!({"edges": edges, "counts": counts, "below": below, "above": above})
}
