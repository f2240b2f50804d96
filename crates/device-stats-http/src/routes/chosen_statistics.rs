//! The statistics of the buckets of a series: the request chooses them, and the others cost nothing.

use device_stats_domain::{OmittedStatistics, RequestedStatistics, Statistics, Summary};
use device_stats_formats::{Faults, Json, Problem};
use serde::Serialize;
use utoipa::ToSchema;

use crate::extract::{Input, one_of};

/// A statistic that `stats` of a series can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    Min,
    Max,
    Count,
    Sum,
    Median,
    Mean,
    Stddev,
    Rms,
    Range,
    Iqr,
}

const NAMES: [(&str, Name); 10] = [
    ("min", Name::Min),
    ("max", Name::Max),
    ("count", Name::Count),
    ("sum", Name::Sum),
    ("median", Name::Median),
    ("mean", Name::Mean),
    ("stddev", Name::Stddev),
    ("rms", Name::Rms),
    ("range", Name::Range),
    ("iqr", Name::Iqr),
];
/// The statistics of a series without `stats`.
const DEFAULT: [Name; 5] = [Name::Min, Name::Max, Name::Count, Name::Sum, Name::Median];

/// The statistics that a request chooses.
pub(super) struct ChosenStatistics(Vec<Name>);

impl ChosenStatistics {
    /// Reads `stats` of a query. Returns `None` after reporting a fault.
    pub(super) fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let names = input.query_list("stats", NAMES.len(), faults, name)?;
        Some(Self(names.unwrap_or_else(|| DEFAULT.to_vec())))
    }

    /// Returns the request to the service.
    pub(super) fn requested(&self) -> RequestedStatistics {
        RequestedStatistics {
            mean: self.has(Name::Mean),
            stddev: self.has(Name::Stddev),
            rms: self.has(Name::Rms),
            range: self.has(Name::Range),
            iqr: self.has(Name::Iqr),
            omitted: OmittedStatistics { sum: !self.has(Name::Sum), median: !self.has(Name::Median) },
            ..RequestedStatistics::default()
        }
    }

    fn has(&self, name: Name) -> bool {
        self.0.contains(&name)
    }
}

fn name(json: &Json) -> Result<Name, Problem> {
    let text = if let Json::String(text) = json { text.as_str() } else { "" };
    let found = NAMES.iter().find(|(other, _)| *other == text).map(|(_, name)| *name);
    found.ok_or_else(|| one_of(&names()))
}

/// Returns the names that `stats` of a series can have.
pub(crate) fn names() -> Vec<&'static str> {
    NAMES.iter().map(|(text, _)| *text).collect()
}

/// The chosen exact statistics of one axis, in the unit of the device. Without `stats`: `min_value`,
/// `max_value`, `count`, `sum` and `median`. A statistic that is not chosen is absent.
#[derive(Serialize, ToSchema)]
#[schema(as = ChosenStatistics)]
#[expect(clippy::option_option, reason = "absent, `null` and a number are three outcomes")]
pub(crate) struct ChosenResponse {
    /// Minimum.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = -0.25, nullable = false)]
    min_value: Option<f64>,
    /// Maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.5, nullable = false)]
    max_value: Option<f64>,
    /// Number of readings; 1 or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 2, minimum = 1, nullable = false)]
    count: Option<u64>,
    /// Sum: the exact sum, rounded once to the nearest double. `null` if it is outside the range of a double.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.25, value_type = Option<f64>)]
    sum: Option<Option<f64>>,
    /// Median. For an even count, the mean of the two middle values.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.625, nullable = false)]
    median: Option<f64>,
    /// Mean: the exact mean, rounded once to the nearest double.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.625, nullable = false)]
    mean: Option<f64>,
    /// Sample standard deviation (with the divisor `count - 1`). `null` for a single reading, or if it is
    /// outside the range of a double.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.237_436_867_076_458_2, value_type = Option<f64>)]
    stddev: Option<Option<f64>>,
    /// Root mean square: the exact root, rounded once to the nearest double.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.075_290_658_380_328_3, nullable = false)]
    rms: Option<f64>,
    /// Range: maximum minus minimum, rounded once. `null` if it is outside the range of a double.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.75, value_type = Option<f64>)]
    range: Option<Option<f64>>,
    /// Interquartile range: the 75th percentile minus the 25th, rounded once. `null` if it is outside the
    /// range of a double.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.875, value_type = Option<f64>)]
    iqr: Option<Option<f64>>,
}

impl ChosenResponse {
    /// Creates the response with the chosen statistics.
    pub(super) fn new(statistics: &Statistics, chosen: &ChosenStatistics) -> Self {
        let Summary { min, max, count, sum, median } = statistics.summary;
        Self {
            min_value: chosen.has(Name::Min).then_some(min),
            max_value: chosen.has(Name::Max).then_some(max),
            count: chosen.has(Name::Count).then_some(count),
            sum: chosen.has(Name::Sum).then_some(sum),
            median,
            mean: statistics.mean,
            stddev: chosen.has(Name::Stddev).then_some(statistics.stddev),
            rms: statistics.rms,
            range: chosen.has(Name::Range).then_some(statistics.range),
            iqr: chosen.has(Name::Iqr).then_some(statistics.iqr),
        }
    }
}
