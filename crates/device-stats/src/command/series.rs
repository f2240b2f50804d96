//! `device-stats series`: prints the statistics of each bucket of a period, as drawn tables, CSV or JSON.

mod drawing;

use std::fmt::Write;

use device_stats_client::{AxisSummary, Client, ClientError, Division, RetryPolicy, Series};
use device_stats_domain::limits::SERIES_BUCKETS_MAX;
use serde_json::Number;

use super::alternatives::one_of;
use super::number_flags::whole;
use super::readings_flags::ReadingsFlags;
use super::stdout;
use crate::settings::{JSON, OutputForm, Settings};

/// Number of buckets without `--interval` and `--points`, a screen full.
const POINTS_DEFAULT: u32 = 40;

/// Arguments of `series`.
#[derive(Debug, clap::Args)]
#[command(group = one_of("device_or_user", ["device", "user"]))]
pub(super) struct Arguments {
    /// Analyze this device
    #[arg(conflicts_with = "user")]
    device: Option<String>,
    #[command(flatten)]
    readings: ReadingsFlags,
    /// Set the length of a bucket, an ISO 8601 duration: PT15M, PT1H, P1D, P1W, P1M
    #[arg(long, value_name = "DURATION", conflicts_with = "points")]
    interval: Option<String>,
    /// Choose a convenient interval with up to this number of buckets [default: 40]
    #[arg(long, value_name = "COUNT", value_parser = whole::<u32>("buckets", 1..=SERIES_BUCKETS_MAX))]
    points: Option<u32>,
    /// Use this time zone for buckets and drawn times; CSV and JSON are in UTC [default: UTC]
    #[arg(long, visible_alias = "time-zone", value_name = "ZONE")]
    timezone: Option<String>,
    /// Begin weeks with this day, for example sunday [default: monday]
    #[arg(long, value_name = "DAY")]
    week_start: Option<String>,
    /// Add the magnitude √(x² + y² + z²) as a fourth axis
    #[arg(long)]
    magnitude: bool,
    /// Print CSV: a row for each bucket and axis
    #[arg(long, conflicts_with = JSON)]
    csv: bool,
}

/// Prints a series.
///
/// # Errors
/// If the server is unreachable, the device or user does not exist, or the period has no readings.
pub(super) async fn series(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, RetryPolicy::Overload)?;
    let scope = arguments.readings.find_scope(&client, arguments.device.as_deref()).await?;
    let is_undivided = arguments.interval.is_none() && arguments.points.is_none();
    let division = Division {
        interval: arguments.interval.clone(),
        points: arguments.points.or(is_undivided.then_some(POINTS_DEFAULT)),
        timezone: arguments.timezone.clone(),
        week_start: arguments.week_start.clone(),
        magnitude: arguments.magnitude,
    };
    let body = client.series(&scope, &arguments.readings.period(), &division).await?;
    if settings.output == OutputForm::Json && !arguments.csv {
        return stdout::print(&format!("{body}\n"));
    }
    let series: Series = serde_json::from_str(&body).map_err(ClientError::unexpected)?;
    let text = if arguments.csv { to_csv(&series)? } else { drawing::draw(&series)? };
    stdout::print(&text)
}

/// Returns a table with a row for each bucket and axis. A bucket without readings has one row with the count
/// 0 and without an axis.
fn to_csv(series: &Series) -> anyhow::Result<String> {
    let mut text = "start,end,axis,count,min_value,max_value,sum,median\n".to_owned();
    for bucket in &series.buckets {
        let (start, end) = (&bucket.start, &bucket.end);
        let Some(stats) = &bucket.stats else {
            writeln!(text, "{start},{end},,0,,,,")?;
            continue;
        };
        for (axis, AxisSummary { count, min_value, max_value, sum, median, .. }) in stats.axes() {
            let cell = |value: &Option<Number>| value.as_ref().map(Number::to_string).unwrap_or_default();
            let [min, max, sum, median] = [min_value, max_value, sum, median].map(cell);
            writeln!(text, "{start},{end},{axis},{count},{min},{max},{sum},{median}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn axis(count: u64, min: f64, median: f64, max: f64) -> Value {
        json!({ "count": count, "min_value": min, "max_value": max, "sum": null, "median": median })
    }

    /// Three buckets; the second one is empty.
    pub(super) fn example() -> Series {
        let stats = |shift: f64| {
            let axis = axis(2, shift, shift + 1.5, shift + 2.0);
            json!({ "x": axis, "y": axis, "z": self::axis(2, 1e308, 1e308, 1e308) })
        };
        let bucket = |hour: u32, stats: Value| {
            let time = |hour| format!("2026-11-23T{hour:02}:00:00.000000Z");
            json!({ "start": time(hour), "end": time(hour + 1), "stats": stats })
        };
        let buckets = [bucket(0, stats(0.0)), bucket(1, Value::Null), bucket(2, stats(2.0))];
        serde_json::from_value(json!({ "interval": "PT1H", "timezone": "UTC", "buckets": buckets })).unwrap()
    }

    #[test]
    fn csv_has_a_row_for_each_bucket_and_axis() {
        let text = to_csv(&example()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 3 + 1 + 3);
        assert_eq!(lines[1], "2026-11-23T00:00:00.000000Z,2026-11-23T01:00:00.000000Z,x,2,0.0,2.0,,1.5");
        assert_eq!(lines[4], "2026-11-23T01:00:00.000000Z,2026-11-23T02:00:00.000000Z,,0,,,,");
    }
}
