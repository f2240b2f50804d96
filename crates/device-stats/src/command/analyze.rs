//! `device-stats analyze`: the statistics of a device or a user, as a table or as the server's JSON.

use std::fmt::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Number;

use super::readings_flags;
use device_stats_client::{
    Analysis, AxisSummary, Client, ClientError, Patience, Subject, UserAnalysis, Window,
};

/// What to analyze.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Device whose readings are analyzed
    #[arg(required_unless_present = "user", conflicts_with = "user")]
    device: Option<String>,
    /// User whose devices are analyzed: an id, or a name
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// First time of the window, such as 2026-11-23T10:00:00Z [default: open]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Last time of the window [default: open]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Print the JSON of the server as it is
    #[arg(long)]
    json: bool,
}

/// Prints an analysis.
///
/// # Errors
/// Where there is nobody of that name, nothing to analyze, or no server.
pub(super) async fn analyze(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let client = Client::new(url, Patience::Short)?;
    let subject = readings_flags::find(&client, arguments.device.as_ref(), arguments.user.as_ref()).await?;
    let window = Window { start_time: arguments.from.clone(), end_time: arguments.until.clone() };
    let body = client.analyze(&subject, &window).await?;
    if arguments.json {
        return super::print(&format!("{body}\n"));
    }
    super::print(&tables(&subject, &body)?)
}

fn tables(subject: &Subject, body: &str) -> anyhow::Result<String> {
    let mut text = String::new();
    match subject {
        Subject::Device(_) => {
            let analysis = serde_json::from_str(body).map_err(ClientError::NotUnderstood)?;
            writeln!(text, "{}", table(&analysis))?;
        }
        Subject::User(_) => {
            let UserAnalysis { aggregate_stats, device_stats } =
                serde_json::from_str(body).map_err(ClientError::NotUnderstood)?;
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

/// The shortest text that reads as the same double; a dash for what no double can hold.
fn number(value: Option<&Number>) -> String {
    value.map_or_else(|| "-".to_owned(), Number::to_string)
}
