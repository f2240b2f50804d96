//! `device-stats analyze`: prints the statistics of a device or a user, as tables or as the server's JSON.

use std::fmt::Write;

use clap::ValueEnum;
use comfy_table::Table;
use device_stats_client::{
    AxisSummaries, AxisSummary, Client, ClientError, OptionalStatistics, RetryPolicy, Scope, UserAnalysis,
};
use serde_json::Number;

use super::alternatives::one_of;
use super::number_flags::percentile;
use super::readings_flags::ReadingsFlags;
use super::results;
use super::stdout;
use crate::settings::{OutputForm, Settings};

/// Arguments of `analyze`.
#[derive(Debug, clap::Args)]
#[command(group = one_of("device_or_user", ["device", "user"]))]
pub(super) struct Arguments {
    /// Analyze this device
    #[arg(conflicts_with = "user")]
    device: Option<String>,
    #[command(flatten)]
    readings: ReadingsFlags,
    /// Add these percentiles, in percent, for example 50,95,99.9
    #[arg(long, value_name = "LIST", value_delimiter = ',', value_parser = percentile)]
    percentiles: Vec<f64>,
    /// Add these statistics, separated by commas
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    stats: Vec<Statistic>,
    /// Add the magnitude √(x² + y² + z²) as a fourth axis
    #[arg(long)]
    magnitude: bool,
}

/// An optional statistic. Its name is the name in the request and in the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Statistic {
    Mean,
    Stddev,
    Rms,
    Range,
    Iqr,
}

impl Statistic {
    fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Stddev => "stddev",
            Self::Rms => "rms",
            Self::Range => "range",
            Self::Iqr => "iqr",
        }
    }
}

/// Prints an analysis.
///
/// # Errors
/// If the server is unreachable, the device or user does not exist, or the period has no readings.
pub(super) async fn analyze(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, RetryPolicy::Overload)?;
    let scope = arguments.readings.find_scope(&client, arguments.device.as_deref()).await?;
    let statistics = OptionalStatistics {
        percentiles: arguments.percentiles.clone(),
        names: arguments.stats.iter().map(|statistic| statistic.name()).collect(),
        magnitude: arguments.magnitude,
    };
    let body = client.analyze(&scope, &arguments.readings.period(), &statistics).await?;
    match settings.output {
        OutputForm::Json => stdout::print(&format!("{body}\n")),
        OutputForm::Text => stdout::print(&tables(&scope, &body)?),
    }
}

fn tables(scope: &Scope, body: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    match scope {
        Scope::Device(_) => {
            let analysis = serde_json::from_str(body).map_err(ClientError::unexpected)?;
            writeln!(text, "{}", table(&analysis))?;
        }
        Scope::User(_) => {
            let UserAnalysis { aggregate_stats, device_stats } =
                serde_json::from_str(body).map_err(ClientError::unexpected)?;
            writeln!(text, "all devices\n{}", table(&aggregate_stats))?;
            for device in &device_stats {
                writeln!(text, "\n{}\n{}", device.device_id, table(&device.stats))?;
            }
        }
    }
    Ok(text)
}

fn table(analysis: &AxisSummaries) -> Table {
    // All axes have the same columns.
    let names: Vec<String> = columns(&analysis.x).into_iter().map(|(name, _)| name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut table = results::table(&[&["axis"], &names[..]].concat(), &names);
    for (axis, summary) in analysis.axes() {
        let cells = columns(summary).into_iter().map(|(_, cell)| cell);
        table.add_row(std::iter::once(axis.to_owned()).chain(cells));
    }
    table
}

/// Returns the name and the text of each statistic.
fn columns(summary: &AxisSummary) -> Vec<(String, String)> {
    let AxisSummary { min_value, max_value, count, sum, median, percentiles, optional } = summary;
    let fixed = [("min", min_value), ("max", max_value), ("sum", sum), ("median", median)];
    let fixed = fixed.map(|(name, value)| (name.to_owned(), number(value.as_ref())));
    let percentiles =
        percentiles.iter().map(|found| (format!("p{}", percent(&found.percentile)), found.value.to_string()));
    let optional = optional.iter().map(|(name, value)| (name.clone(), number(value.as_number())));
    let count = ("count".to_owned(), count.to_string());
    [count].into_iter().chain(fixed).chain(percentiles).chain(optional).collect()
}

/// Returns the shortest text that parses to the same double, or a dash if no double can hold the value.
fn number(value: Option<&Number>) -> String {
    value.map_or_else(|| "-".to_owned(), Number::to_string)
}

/// Returns a percentile without the fraction of a whole number.
fn percent(percentile: &Number) -> String {
    let text = percentile.to_string();
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_statistic_of_the_response_is_a_column() {
        let axis = json!({
            "min_value": 1.0, "max_value": 3.0, "count": 2, "sum": null, "median": 2.0,
            "percentiles": [{ "percentile": 50.0, "value": 2.0 }, { "percentile": 99.9, "value": 2.998 }],
            "mean": 2.0, "stddev": null,
        });
        let device = json!({ "x": axis, "y": axis, "z": axis, "period_start": null });
        let user =
            json!({ "aggregate_stats": device, "device_stats": [{ "device_id": "pump", "stats": device }] });
        let text = tables(&Scope::Device("pump".to_owned()), &device.to_string()).unwrap();
        let cells = |line: &str| {
            line.split_whitespace().filter(|cell| *cell != "|").map(str::to_owned).collect::<Vec<_>>()
        };
        let lines: Vec<&str> = text.lines().collect();
        let header = ["axis", "count", "min", "max", "sum", "median", "p50", "p99.9", "mean", "stddev"];
        assert_eq!(cells(lines[0]), header);
        assert_eq!(cells(lines[2]), ["x", "2", "1.0", "3.0", "-", "2.0", "2.0", "2.998", "2.0", "-"]);
        let of_user = tables(&Scope::User(1), &user.to_string()).unwrap();
        assert_eq!(of_user, format!("all devices\n{text}\npump\n{text}"));
    }

    #[test]
    fn the_name_of_a_statistic_is_its_name_on_the_command_line() {
        for statistic in Statistic::value_variants() {
            assert_eq!(statistic.to_possible_value().unwrap().get_name(), statistic.name());
        }
    }
}
