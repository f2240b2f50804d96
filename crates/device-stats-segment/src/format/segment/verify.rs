//! Everything that a segment says of itself, computed anew from its readings.

use device_stats_domain::Axis;

use super::contents::{AxisContents, Contents};
use crate::format::head::head_fields::inconsistent;
use crate::format::page_layout::of;
use crate::{Column, ExactSquares, ExactSum, Fault, Head, PageId};

/// Compares what the head and the pages say with what follows from the readings. What each page says of itself, its
/// fences and the extremes was checked when it was decoded.
pub(super) fn verify(head: &Head, contents: &Contents) -> Result<(), Fault> {
    for axis in Axis::ALL {
        let AxisContents { values, codes, .. } = of(&contents.axes, axis);
        let numbers: Vec<f64> = codes.iter().filter_map(|code| values.get(*code as usize)).copied().collect();
        verify_counts(head, axis, of(&contents.axes, axis))?;
        verify_totals(head, axis, &numbers)?;
        verify_sums(head, axis, &numbers, &of(&contents.axes, axis).sums)?;
    }
    Ok(())
}

/// That the dictionary counts as many readings of each value as have its code.
fn verify_counts(head: &Head, axis: Axis, contents: &AxisContents) -> Result<(), Fault> {
    let mut counts = vec![0_u32; contents.values.len()];
    for code in &contents.codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let wrong = counts.into_iter().zip(contents.counts()).position(|(count, said)| count != said);
    at_page(wrong, Column::Dictionary(axis), head.dictionary_page(), "its counts are not those of the codes")
}

fn verify_totals(head: &Head, axis: Axis, numbers: &[f64]) -> Result<(), Fault> {
    let (mut sum, mut squares) = (ExactSum::default(), ExactSquares::default());
    for number in numbers {
        sum.add(*number);
        squares.add(*number);
    }
    let totals = head.totals(axis);
    if sum.to_integer() == totals.sum && squares.to_integer() == totals.squares {
        return Ok(());
    }
    Err(inconsistent("its sums are not those of the values"))
}

fn verify_sums(head: &Head, axis: Axis, numbers: &[f64], sums: &[u64]) -> Result<(), Fault> {
    let runs = numbers.chunks(head.sum_run() as usize);
    let words_per_sum = sums.len() / runs.len().max(1);
    let mut sums = runs.zip(sums.chunks(words_per_sum.max(1)));
    let wrong = sums.position(|(run, words)| {
        let sum: ExactSum = run.iter().copied().collect();
        sum.to_integer().words_at(head.sum_exponent(axis), words.len()).as_deref() != Some(words)
    });
    at_page(wrong, Column::Sums(axis), head.sums_page(), "it is not the sum of the values")
}

/// A fault of the page of a column in which an entry is wrong.
fn at_page(wrong: Option<usize>, column: Column, page_entries: u32, what: &'static str) -> Result<(), Fault> {
    let Some(position) = wrong else { return Ok(()) };
    let index = u32::try_from(position / page_entries as usize).unwrap_or(u32::MAX);
    Err(Fault::Inconsistent { part: PageId { column, index }.to_string(), what })
}
