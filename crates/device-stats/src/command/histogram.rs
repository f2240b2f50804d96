//! `device-stats histogram`: prints the number of readings in each bin, as bars, CSV or JSON.

mod drawing;

use std::fmt::Write;

use device_stats_client::{Bins, Client, ClientError, Histogram, Histograms, RetryPolicy};
use device_stats_domain::limits::HISTOGRAM_BINS_MAX;

use super::alternatives::one_of;
use super::number_flags::{finite, whole};
use super::readings_flags::ReadingsFlags;
use super::stdout;
use crate::settings::{JSON, OutputForm, Settings};

/// Arguments of `histogram`.
#[derive(Debug, clap::Args)]
#[command(group = one_of("device_or_user", ["device", "user"]))]
pub(super) struct Arguments {
    /// Count the readings of this device
    #[arg(conflicts_with = "user")]
    device: Option<String>,
    #[command(flatten)]
    readings: ReadingsFlags,
    /// Divide the range of each axis into this number of bins [default: 20]
    #[arg(long, value_name = "COUNT", value_parser = whole::<u32>("bins", 1..=u64::from(HISTOGRAM_BINS_MAX)))]
    bins: Option<u32>,
    /// Begin the first bin with this value [default: minimum of the axis]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = finite)]
    low: Option<f64>,
    /// End the last bin with this value [default: maximum of the axis]
    #[arg(long, value_name = "VALUE", allow_negative_numbers = true, value_parser = finite)]
    high: Option<f64>,
    /// Add the magnitude √(x² + y² + z²) as a fourth axis
    #[arg(long)]
    magnitude: bool,
    /// Print CSV: a row for each bin and axis
    #[arg(long, conflicts_with = JSON)]
    csv: bool,
}

/// Prints the histograms.
///
/// # Errors
/// If the server is unreachable, the device or user does not exist, or the period has no readings.
pub(super) async fn histogram(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let client = Client::new(&settings.server, RetryPolicy::Overload)?;
    let scope = arguments.readings.find_scope(&client, arguments.device.as_deref()).await?;
    let &Arguments { bins, low, high, magnitude, .. } = arguments;
    let bins = Bins { bins, low, high, magnitude };
    let body = client.histogram(&scope, &arguments.readings.period(), &bins).await?;
    if settings.output == OutputForm::Json && !arguments.csv {
        return stdout::print(&format!("{body}\n"));
    }
    let histograms: Histograms = serde_json::from_str(&body).map_err(ClientError::unexpected)?;
    let text = if arguments.csv { to_csv(&histograms)? } else { drawing::draw(&histograms)? };
    stdout::print(&text)
}

/// A bin with its edges. The values below all bins and those above all bins form two bins without an outer
/// edge.
struct Bin {
    from: String,
    until: String,
    count: u64,
}

/// Returns the bins of an axis. An empty bin without an outer edge is omitted.
fn bins(histogram: &Histogram) -> Vec<Bin> {
    let Histogram { edges, counts, below, above } = histogram;
    let edges: Vec<String> = edges.iter().map(ToString::to_string).collect();
    let edge = |edge: Option<&String>| edge.cloned().unwrap_or_default();
    let inside = edges.windows(2).zip(counts).map(|(bounds, count)| Bin {
        from: edge(bounds.first()),
        until: edge(bounds.last()),
        count: *count,
    });
    let below = Bin { from: String::new(), until: edge(edges.first()), count: *below };
    let above = Bin { from: edge(edges.last()), until: String::new(), count: *above };
    let outside = |bin: Bin| Some(bin).filter(|bin| bin.count > 0);
    outside(below).into_iter().chain(inside).chain(outside(above)).collect()
}

fn to_csv(histograms: &Histograms) -> anyhow::Result<String> {
    let mut text = "axis,low,high,count\n".to_owned();
    for (axis, histogram) in histograms.axes() {
        for Bin { from, until, count } in bins(histogram) {
            writeln!(text, "{axis},{from},{until},{count}")?;
        }
    }
    Ok(text)
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;

    pub(super) fn example() -> Histograms {
        let axis = json!({ "edges": [-0.5, 0.0, 2.5, 5.0], "counts": [800, 0, 1], "below": 0, "above": 7 });
        let one = json!({ "edges": [0.5, 1.5], "counts": [0], "below": 3, "above": 0 });
        serde_json::from_value(json!({ "x": axis, "y": axis, "z": one })).unwrap()
    }

    #[test]
    fn csv_has_a_row_for_each_bin_and_for_the_readings_outside() {
        let text = to_csv(&example()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let x = ["x,-0.5,0.0,800", "x,0.0,2.5,0", "x,2.5,5.0,1", "x,5.0,,7"];
        assert_eq!(lines[1..5], x);
        assert_eq!(lines[9..], ["z,,0.5,3", "z,0.5,1.5,0"]);
    }
}
