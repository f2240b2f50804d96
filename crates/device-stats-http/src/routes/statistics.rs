//! The statistics of one axis: the optional statistics in a request, in its body or its query, and all
//! statistics in a response.

use device_stats_domain::limits::PERCENTILES_MAX;
use device_stats_domain::{
    InvalidPercentile, OmittedStatistics, Percentile, RequestedAxes, RequestedStatistics, Statistics, Summary,
};
use device_stats_formats::values::{self, nullable};
use device_stats_formats::{Faults, Json, Members, Problem};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use crate::extract::{Input, one_of};

/// Reads the optional statistics that an analysis asks for. Returns `None` after reporting a fault.
pub(crate) fn read_wanted(members: &mut Members<'_>) -> Option<RequestedStatistics> {
    let percentiles = members.optional_list("percentiles", PERCENTILES_MAX, percentile);
    let mut flag = |name| {
        members.optional(name, nullable(values::boolean)).map(|flag| flag.flatten().unwrap_or_default())
    };
    let [mean, stddev, rms, range, iqr] = ["mean", "stddev", "rms", "range", "iqr"].map(&mut flag);
    let axes = members.optional("magnitude", nullable(requested_axes));
    Some(RequestedStatistics {
        axes: axes?.flatten().unwrap_or_default(),
        percentiles: percentiles?.unwrap_or_default(),
        mean: mean?,
        stddev: stddev?,
        rms: rms?,
        range: range?,
        iqr: iqr?,
        omitted: OmittedStatistics::default(),
    })
}

/// A change of the requested statistics.
type Request = fn(&mut RequestedStatistics);

/// The statistics that `stats` of a query can name.
const NAMED: [(&str, Request); 5] = [
    ("mean", |wanted| wanted.mean = true),
    ("stddev", |wanted| wanted.stddev = true),
    ("rms", |wanted| wanted.rms = true),
    ("range", |wanted| wanted.range = true),
    ("iqr", |wanted| wanted.iqr = true),
];

/// Reads the optional statistics of a query: `percentiles`, `stats` and `magnitude`. Returns `None` after
/// reporting a fault.
pub(crate) fn read_wanted_query(input: &Input, faults: &mut Faults) -> Option<RequestedStatistics> {
    let percentiles = input.query_list("percentiles", PERCENTILES_MAX, faults, percentile);
    let named = input.query_list("stats", NAMED.len(), faults, named);
    let axes = input.query("magnitude", faults, requested_axes);
    let mut wanted = RequestedStatistics {
        percentiles: percentiles?.unwrap_or_default(),
        axes: axes?.unwrap_or_default(),
        ..RequestedStatistics::default()
    };
    named?.unwrap_or_default().into_iter().for_each(|request| request(&mut wanted));
    Some(wanted)
}

/// Reads the name of an optional statistic.
fn named(json: &Json) -> Result<Request, Problem> {
    let name = if let Json::String(name) = json { name.as_str() } else { "" };
    let found = NAMED.iter().find(|(other, _)| *other == name).map(|(_, request)| *request);
    found.ok_or_else(|| one_of(&names()))
}

/// Returns the names that `stats` of a query can have.
pub(crate) fn names() -> Vec<&'static str> {
    NAMED.iter().map(|(name, _)| *name).collect()
}

/// Reads `magnitude`: whether the result has the magnitude in addition to the three axes.
pub(crate) fn requested_axes(json: &Json) -> Result<RequestedAxes, Problem> {
    Ok(if values::boolean(json)? { RequestedAxes::WithMagnitude } else { RequestedAxes::Measured })
}

/// Reads a percentile: a finite number from 0 to 100.
fn percentile(json: &Json) -> Result<Percentile, Problem> {
    Percentile::new(values::finite(json)?).map_err(|error| match error {
        InvalidPercentile::TooLow => {
            let msg = "Input should be greater than or equal to 0";
            Problem::new("greater_than_equal", msg).with(json!({"ge": 0}))
        }
        InvalidPercentile::TooHigh => {
            let msg = "Input should be less than or equal to 100";
            Problem::new("less_than_equal", msg).with(json!({"le": 100}))
        }
    })
}

/// The exact statistics of one axis, in the unit of the device.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(crate) struct StatisticsResponse {
    /// Minimum.
    #[schema(example = -0.25)]
    min_value: f64,
    /// Maximum.
    #[schema(example = 1.5)]
    max_value: f64,
    /// Number of readings; 1 or more.
    #[schema(example = 2, minimum = 1)]
    count: u64,
    /// Sum: the exact sum, rounded once to the nearest double. `null` if it is outside the range of a double.
    #[schema(example = 1.25)]
    sum: Option<f64>,
    /// Median. For an even count, the mean of the two middle values.
    #[schema(example = 0.625, value_type = f64)]
    median: Option<f64>,
    /// The requested percentiles, in the order of the request. Absent if none is requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    percentiles: Option<Vec<PercentileResponse>>,
    /// Mean: the exact mean, rounded once to the nearest double. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.625, nullable = false)]
    mean: Option<f64>,
    /// Sample standard deviation (with the divisor `count - 1`). `null` for a single reading, or if it is
    /// outside the range of a double. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.237_436_867_076_458_2, value_type = Option<f64>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a number are three outcomes")]
    stddev: Option<Option<f64>>,
    /// Root mean square: the exact root, rounded once to the nearest double. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.075_290_658_380_328_3, nullable = false)]
    rms: Option<f64>,
    /// Range: maximum minus minimum, rounded once. `null` if it is outside the range of a double. Absent
    /// unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.75, value_type = Option<f64>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a number are three outcomes")]
    range: Option<Option<f64>>,
    /// Interquartile range: the 75th percentile minus the 25th, rounded once. `null` if it is outside the
    /// range of a double. Absent unless requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.875, value_type = Option<f64>)]
    #[expect(clippy::option_option, reason = "absent, `null` and a number are three outcomes")]
    iqr: Option<Option<f64>>,
}

/// A percentile of one axis.
#[derive(Serialize, ToSchema)]
#[schema(as = Percentile)]
pub(crate) struct PercentileResponse {
    /// The requested percentile, in percent: 0 to 100.
    #[schema(example = 99.9, minimum = 0, maximum = 100)]
    percentile: f64,
    /// Value of the percentile, in the unit of the device: interpolated linearly between the two closest
    /// ranks.
    #[schema(example = 1.498_25)]
    value: f64,
}

impl StatisticsResponse {
    /// Creates the response with the optional statistics that the request asks for.
    pub(crate) fn new(statistics: Statistics, wanted: &RequestedStatistics) -> Self {
        let percentiles = wanted.percentiles.iter().zip(statistics.percentiles);
        let percentiles = percentiles.map(|(p, value)| PercentileResponse { percentile: p.get(), value });
        Self {
            percentiles: (!wanted.percentiles.is_empty()).then(|| percentiles.collect()),
            mean: statistics.mean,
            stddev: wanted.stddev.then_some(statistics.stddev),
            rms: statistics.rms,
            range: wanted.range.then_some(statistics.range),
            iqr: wanted.iqr.then_some(statistics.iqr),
            ..statistics.summary.into()
        }
    }
}

impl From<Summary> for StatisticsResponse {
    fn from(summary: Summary) -> Self {
        let Summary { min, max, count, sum, median } = summary;
        let (min_value, max_value) = (min, max);
        Self {
            min_value,
            max_value,
            count,
            sum,
            median,
            percentiles: None,
            mean: None,
            stddev: None,
            rms: None,
            range: None,
            iqr: None,
        }
    }
}
