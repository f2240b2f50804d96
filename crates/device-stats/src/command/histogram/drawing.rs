//! The drawing of a histogram: for each axis a table of the bins, with a bar for each count.

use std::fmt::Write;

use device_stats_client::{Histogram, Histograms};

use super::{Bin, bins};
use crate::command::results::table;

/// Number of characters of the longest bar.
const WIDTH: u64 = 40;
/// The characters that fill one to eight eighths of their cell from the left.
const EIGHTHS: [char; 8] = ['▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// Returns a table for each axis.
pub(super) fn draw(histograms: &Histograms) -> anyhow::Result<String> {
    let mut text = String::new();
    for (axis, histogram) in histograms.axes() {
        let blank = if text.is_empty() { "" } else { "\n" };
        writeln!(text, "{blank}{axis}\n{}", draw_axis(histogram))?;
    }
    Ok(text)
}

fn draw_axis(histogram: &Histogram) -> String {
    let bins = bins(histogram);
    let longest = bins.iter().map(|bin| bin.count).max().unwrap_or_default();
    let mut table = table(&["from", "to", "count", ""], &["from", "to", "count"]);
    for Bin { from, until, count } in bins {
        table.add_row([from, until, count.to_string(), bar(count, longest)]);
    }
    table.to_string()
}

/// Draws a count, relative to the largest one. Any count above zero is visible.
fn bar(count: u64, largest: u64) -> String {
    let eighths = u128::from(count) * u128::from(WIDTH * 8) / u128::from(largest.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(usize::MAX).max(usize::from(count > 0));
    let mut bar = "█".repeat(eighths / 8);
    bar.extend((eighths % 8).checked_sub(1).and_then(|last| EIGHTHS.get(last)));
    bar
}

#[cfg(test)]
mod tests {
    use super::super::tests::example;
    use super::*;

    #[test]
    fn the_largest_count_has_the_longest_bar_and_zero_has_none() {
        for largest in [1, 7, 320, u64::MAX] {
            assert_eq!(bar(largest, largest), "█".repeat(40));
            assert_eq!(bar(0, largest), "");
        }
        assert_eq!(bar(0, 0), "");
        assert_eq!(bar(1, u64::MAX), "▏");
    }

    #[test]
    fn bars_grow_by_eighths() {
        let eighths = |bar: &str| {
            bar.chars()
                .map(|part| 1 + EIGHTHS.iter().position(|eighth| *eighth == part).unwrap())
                .sum::<usize>()
        };
        for count in 0..=320 {
            assert_eq!(eighths(&bar(count, 320)), usize::try_from(count).unwrap());
        }
    }

    #[test]
    fn each_bin_is_a_row() {
        let text = draw(&example()).unwrap();
        let (space, dashes, bar) = (" ".repeat(40), "-".repeat(42), "█".repeat(40));
        let expected = format!(
            "x\n| from |  to | count | {space} |\n|------|-----|-------|{dashes}|\n| -0.5 | 0.0 |   800 | {bar} |\n"
        );
        assert!(text.starts_with(&expected), "{text}\n{expected}");
        assert_eq!(text.matches("\n\n").count(), 2);
    }
}
