//! `device-stats analyze`: prints the statistics of a device or a user, as tables or as the server's JSON.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use device_stats_client::{Analysis, AxisSummary, Client, ClientError, RetryPolicy, Scope, UserAnalysis};
use serde_json::Number;

use super::readings_flags::ReadingsFlags;
use super::stdout;

/// Arguments of `analyze`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Analyze this device
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    device: Option<String>,
    #[command(flatten)]
    readings: ReadingsFlags,
    /// Print the JSON of the server instead of tables
    #[arg(long)]
    json: bool,
}

/// Prints an analysis.
///
/// # Errors
/// If the server is unreachable, the device or user unknown, or the period without readings.
pub(super) async fn analyze(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let client = Client::new(url, RetryPolicy::Overload)?;
    let scope = arguments.readings.find_scope(&client, arguments.device.as_deref()).await?;
    let body = client.analyze(&scope, &arguments.readings.period()).await?;
    if arguments.json {
        return stdout::print(&format!("{body}\n"));
    }
    stdout::print(&tables(&scope, &body)?)
}

fn tables(scope: &Scope, body: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    match scope {
        Scope::Device(_) => {
            let analysis = serde_json::from_str(body).map_err(ClientError::UnexpectedResponse)?;
            writeln!(text, "{}", table(&analysis))?;
        }
        Scope::User(_) => {
            let UserAnalysis { aggregate_stats, device_stats } =
                serde_json::from_str(body).map_err(ClientError::UnexpectedResponse)?;
            writeln!(text, "all devices\n{}", table(&aggregate_stats))?;
            for device in &device_stats {
                writeln!(text, "\n{}\n{}", device.device_id, table(&device.stats))?;
            }
        }
    }
    Ok(text)
}

fn table(analysis: &Analysis) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(["axis", "count", "min", "max", "sum", "median"]);
    for (axis, summary) in [("x", &analysis.x), ("y", &analysis.y), ("z", &analysis.z)] {
        table.add_row(row(axis, summary));
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

fn row(axis: &str, summary: &AxisSummary) -> [String; 6] {
    let AxisSummary { min_value, max_value, count, sum, median } = summary;
    let [min, max, sum, median] = [min_value, max_value, sum, median].map(|value| number(value.as_ref()));
    [axis.to_owned(), count.to_string(), min, max, sum, median]
}

/// Returns the shortest text that parses to the same double, or a dash if no double can hold the value.
fn number(value: Option<&Number>) -> String {
    value.map_or_else(|| "-".to_owned(), Number::to_string)
}
