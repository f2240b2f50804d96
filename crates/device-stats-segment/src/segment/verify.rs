//! Everything that a segment says of itself, computed anew from its readings.

use device_stats_domain::Axis;

use super::read::{AxisContents, Contents};
use crate::layout::of;
use crate::{Column, ExactSquares, ExactSum, Fault, Head, PageId};

/// Compares what the head and the pages say with what follows from the readings.
pub(super) fn verify(head: &Head, contents: &Contents) -> Result<(), Fault> {
    Axis::ALL.into_iter().try_for_each(|axis| verify_axis(head, axis, of(&contents.axes, axis)))
}

fn verify_axis(head: &Head, axis: Axis, contents: &AxisContents) -> Result<(), Fault> {
    let AxisContents { values, until, codes, sums } = contents;
    let mut counts = vec![0_u32; values.len()];
    for code in codes {
        if let Some(count) = counts.get_mut(*code as usize) {
            *count += 1;
        }
    }
    let mut counted = 0;
    let cumulated = counts.iter().map(|count| {
        counted += count;
        counted
    });
    if !cumulated.eq(until.iter().copied()) {
        return Err(inconsistent(Column::Dictionary(axis), "its counts are not those of the codes"));
    }
    let numbers: Vec<f64> = codes.iter().filter_map(|code| values.get(*code as usize)).copied().collect();
    let (mut sum, mut squares) = (ExactSum::default(), ExactSquares::default());
    for number in &numbers {
        sum.add(*number);
        squares.add(*number);
    }
    let totals = head.totals(axis);
    if sum.to_integer() != totals.sum || squares.to_integer() != totals.squares {
        return Err(Fault::Inconsistent {
            part: "the head".to_owned(),
            what: "its sums are not those of the values",
        });
    }
    let runs = numbers.chunks(head.sum_run() as usize);
    let words = sums.chunks(sums.len() / runs.len().max(1));
    for (run, words) in runs.zip(words) {
        let sum: ExactSum = run.iter().copied().collect();
        if sum.to_integer().words_at(head.sum_exponent(axis), words.len()).as_deref() != Some(words) {
            return Err(inconsistent(Column::Sums(axis), "it is not the sum of the values"));
        }
    }
    Ok(())
}

fn inconsistent(column: Column, what: &'static str) -> Fault {
    Fault::Inconsistent { part: PageId { column, index: 0 }.to_string(), what }
}
