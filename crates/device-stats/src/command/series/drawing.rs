//! The drawing of a series: for each axis a table of the buckets, with a picture of their ranges.

use std::fmt::Write;

use device_stats_client::{AxisSummary, Series};
use device_stats_domain::Zone;
use jiff::Timestamp;
use serde_json::Number;

use crate::command::results::table;

/// Number of characters of a picture.
const WIDTH: usize = 40;
/// Character of the values between minimum and maximum.
const RANGE: char = '─';
/// Character of the median.
const MEDIAN: char = '●';

/// Returns a table for each axis.
pub(super) fn draw(series: &Series) -> anyhow::Result<String> {
    let mut text = format!("{} buckets of {}, {}\n", series.buckets.len(), series.interval, series.timezone);
    let some = series.buckets.iter().find_map(|bucket| bucket.stats.as_ref());
    // This program may have an older database of time zones than the server.
    let zone = Zone::from_name(&series.timezone).ok().filter(|zone| *zone != Zone::UTC);
    for (axis, _) in some.iter().flat_map(|stats| stats.axes()) {
        writeln!(text, "\n{axis}\n{}", draw_axis(series, axis, zone.as_ref()))?;
    }
    Ok(text)
}

fn draw_axis(series: &Series, axis: &str, zone: Option<&Zone>) -> String {
    let buckets: Vec<(String, Option<&AxisSummary>)> = series
        .buckets
        .iter()
        .map(|bucket| {
            let summary =
                bucket.stats.as_ref().and_then(|stats| stats.axes().find(|(name, _)| *name == axis));
            (clock_text(&bucket.start, zone), summary.map(|(_, summary)| summary))
        })
        .collect();
    let bounds = |value: fn(&AxisSummary) -> &Option<Number>| {
        buckets.iter().filter_map(move |(_, summary)| value((*summary)?).as_ref()?.as_f64())
    };
    let low = bounds(|summary| &summary.min_value).fold(f64::INFINITY, f64::min);
    let high = bounds(|summary| &summary.max_value).fold(f64::NEG_INFINITY, f64::max);
    let mut table =
        table(&["start", "count", "min", "median", "max", ""], &["count", "min", "median", "max"]);
    for (start, summary) in buckets {
        let Some(AxisSummary { count, min_value, median, max_value, .. }) = summary else {
            table.add_row([start.as_str(), "0", "", "", "", ""]);
            continue;
        };
        let values = [min_value, median, max_value].map(Option::as_ref);
        let [min, middle, max] = values.map(|value| value.map(Number::to_string).unwrap_or_default());
        let picture = picture(values.map(|value| value.and_then(Number::as_f64)), low, high);
        table.add_row([start, count.to_string(), min, middle, max, picture]);
    }
    table.to_string()
}

/// Returns a time of the response on the clocks of a zone, with the offset.
fn clock_text(time: &str, zone: Option<&Zone>) -> String {
    let local = zone.and_then(|zone| zone.clock_text(time.parse::<Timestamp>().ok()?.as_microsecond()));
    local.unwrap_or_else(|| time.to_owned())
}

/// Draws minimum, median and maximum between the bounds of all buckets.
fn picture(values: [Option<f64>; 3], low: f64, high: f64) -> String {
    let [Some(min), Some(median), Some(max)] =
        values.map(|value| value.map(|value| column(value, low, high)))
    else {
        return String::new();
    };
    let character = |at| match at {
        at if at == median => MEDIAN,
        at if (min..=max).contains(&at) => RANGE,
        _ => ' ',
    };
    (0..WIDTH).map(character).collect::<String>().trim_end().to_owned()
}

/// Returns the column of a value, from 0 to the last one. The halves cannot overflow.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a position in a picture"
)]
fn column(value: f64, low: f64, high: f64) -> usize {
    let (part, whole) = (value / 2.0 - low / 2.0, high / 2.0 - low / 2.0);
    if whole > 0.0 { (part / whole * (WIDTH - 1) as f64).round() as usize } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn the_picture_spans_from_the_smallest_to_the_largest_value() {
        let text = draw(&example()).unwrap();
        assert!(text.starts_with("3 buckets of PT1H, UTC\n\nx\n"), "{text}");
        let rows: Vec<&str> = text.lines().skip(5).take(3).collect();
        let picture =
            |row: &str| row.rsplit('|').nth(1).unwrap().trim_end().chars().skip(1).collect::<String>();
        // Minimum 0, median 1.5 and maximum 2 of 0 to 4, on 40 columns.
        assert_eq!(picture(rows[0]), format!("{}●{}", "─".repeat(15), "─".repeat(5)));
        assert!(rows[1].contains("| 2026-11-23T01:00:00.000000Z |     0 |"), "{}", rows[1]);
        assert_eq!(picture(rows[1]), "");
        assert_eq!(picture(rows[2]), format!("{}{}●{}", " ".repeat(20), "─".repeat(14), "─".repeat(5)));
        // The axis z has one value, so there is no span.
        assert_eq!(picture(text.lines().last().unwrap()), "●");
    }

    /// The buckets of days of Berlin began at 22:00 or 23:00.
    #[test]
    fn times_are_those_of_the_zone() {
        let series = Series { timezone: "Asia/Kolkata".to_owned(), ..example() };
        let text = draw(&series).unwrap();
        assert!(text.contains("| 2026-11-23T05:30:00+05:30 |"), "{text}");
        assert!(text.contains("| 2026-11-23T06:30:00+05:30 |") && !text.contains('Z'), "{text}");
        let unknown = Series { timezone: "Mars/Olympus".to_owned(), ..example() };
        assert!(draw(&unknown).unwrap().contains("| 2026-11-23T01:00:00.000000Z |"));
    }

    #[test]
    fn every_value_has_a_column() {
        for (low, high) in [(0.0, 1.0), (-f64::MAX, f64::MAX), (5e-324, 1e-323), (7.0, 7.0)] {
            assert_eq!(column(low, low, high), 0);
            assert!(column(high, low, high) == WIDTH - 1 || low >= high);
            assert!(column(low.midpoint(high), low, high) < WIDTH);
        }
    }
}
