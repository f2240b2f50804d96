//! The statistics of one axis, as they are asked for and as they are answered.

use device_stats_domain::limits::PERCENTILES_MAX;
use device_stats_domain::{InvalidPercentile, Percentile, Statistics, Summary, Wanted};
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

use device_stats_formats::faults::Problem;
use device_stats_formats::json::Json;
use device_stats_formats::members::Members;
use device_stats_formats::values::{self, nullable};

/// Reads the statistics that an analysis is to answer beyond the five.
pub(crate) fn read_wanted(members: &mut Members<'_>) -> Option<Wanted> {
    let percentiles = members.optional_list("percentiles", PERCENTILES_MAX, percentile);
    let mean = members.optional("mean", nullable(values::boolean));
    let stddev = members.optional("stddev", nullable(values::boolean));
    Some(Wanted {
        percentiles: percentiles?.unwrap_or_default(),
        mean: mean?.flatten().unwrap_or_default(),
        stddev: stddev?.flatten().unwrap_or_default(),
    })
}

/// A percentile: a finite number from 0 to 100.
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

/// The statistics of one axis, each exact, in the device's own unit.
#[derive(Serialize, ToSchema)]
#[schema(as = Statistics)]
pub(crate) struct StatisticsAnswer {
    /// The smallest value.
    #[schema(example = -0.25)]
    min_value: f64,
    /// The greatest value.
    #[schema(example = 1.5)]
    max_value: f64,
    /// How many readings; 1 and up.
    #[schema(example = 2, minimum = 1)]
    count: u64,
    /// The true sum, rounded once to the nearest double; `null` where it is beyond a double.
    #[schema(example = 1.25)]
    sum: Option<f64>,
    /// The middle value; of an even count the middle of the two middle values.
    #[schema(example = 0.625)]
    median: f64,
    /// The percentiles in the order asked for; only where they are asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    percentiles: Option<Vec<PercentileAnswer>>,
    /// The true mean, rounded once to the nearest double; only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0.625, nullable = false)]
    mean: Option<f64>,
    /// The sample standard deviation (its square is divided by the count less 1); `null` of one reading and where it is
    /// beyond a double; only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1.237_436_867_076_458_2, value_type = Option<f64>)]
    #[expect(clippy::option_option, reason = "not asked for, `null` and a number are three things")]
    stddev: Option<Option<f64>>,
}

/// A percentile of one axis.
#[derive(Serialize, ToSchema)]
#[schema(as = Percentile)]
pub(crate) struct PercentileAnswer {
    /// Which one, in percent: 0 to 100, as asked for.
    #[schema(example = 99.9, minimum = 0, maximum = 100)]
    percentile: f64,
    /// Its value, in the device's own unit: between the two nearest ranks, in proportion.
    #[schema(example = 1.498_25)]
    value: f64,
}

impl StatisticsAnswer {
    /// The statistics, with those that were asked for.
    pub(crate) fn new(statistics: Statistics, wanted: &Wanted) -> Self {
        let percentiles = wanted.percentiles.iter().zip(statistics.percentiles);
        let percentiles =
            percentiles.map(|(which, value)| PercentileAnswer { percentile: which.get(), value });
        Self {
            percentiles: (!wanted.percentiles.is_empty()).then(|| percentiles.collect()),
            mean: statistics.mean,
            stddev: wanted.stddev.then_some(statistics.stddev),
            ..statistics.summary.into()
        }
    }
}

impl From<Summary> for StatisticsAnswer {
    fn from(summary: Summary) -> Self {
        let Summary { min, max, count, sum, median } = summary;
        let (min_value, max_value) = (min, max);
        Self { min_value, max_value, count, sum, median, percentiles: None, mean: None, stddev: None }
    }
}
