//! Verification of a segment: its counts, totals and sums are recomputed from its readings.

use device_stats_domain::Axis;
use device_stats_exact::{ExactSquares, ExactSum};

use super::Segment;
use super::contents::{AxisContents, Contents};
use crate::format::fault::Fault;
use crate::format::head::Head;
use crate::format::page::{Column, PageId};
use crate::format::page_layout::count_u32;

impl Segment {
    /// Reads the whole segment, and recomputes its counts, totals and sums from its readings. Decoding checks
    /// each page against its checksum and its fences.
    ///
    /// # Errors
    /// The first [`Fault`] found.
    pub fn verify(&self) -> Result<(), Fault> {
        let head = Head::open(&self.head)?;
        let contents = self.read(&head)?;
        verify_counts(&head, &contents)?;
        for axis in Axis::ALL {
            let contents = contents.axes.get(axis);
            let numbers: Vec<f64> = contents.numbers().collect();
            verify_totals(&head, axis, &numbers)?;
            verify_sums(&head, axis, &numbers, contents)?;
        }
        Ok(())
    }
}

/// Recounts the readings with each value from the codes and compares with the dictionaries.
pub(crate) fn verify_counts(head: &Head, contents: &Contents) -> Result<(), Fault> {
    for axis in Axis::ALL {
        let contents: &AxisContents = contents.axes.get(axis);
        let mut counts = vec![0_u32; contents.values.len()];
        for code in &contents.codes {
            #[expect(
                clippy::indexing_slicing,
                reason = "decoding checks that each code is in the dictionary"
            )]
            let count = &mut counts[*code as usize];
            *count += 1;
        }
        let wrong = counts.into_iter().zip(contents.counts()).position(|(count, said)| count != said);
        let column = Column::Dictionary(axis);
        check(wrong, column, head.dictionary_page(), "its counts are not those of the codes")?;
    }
    Ok(())
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
    Err(Fault::in_head("its sums are not those of the values"))
}

fn verify_sums(head: &Head, axis: Axis, numbers: &[f64], contents: &AxisContents) -> Result<(), Fault> {
    let runs = numbers.chunks(head.sum_run() as usize);
    let mut sums = runs.zip(contents.sums.chunks(contents.words_per_sum));
    let wrong = sums.position(|(run, words)| {
        let sum: ExactSum = run.iter().copied().collect();
        sum.to_integer().to_words_at(head.sum_exponent(axis), words.len()).as_deref() != Some(words)
    });
    check(wrong, Column::Sums(axis), head.sums_page(), "it is not the sum of the values")
}

/// Returns the fault of the page with a wrong entry, if any.
fn check(wrong: Option<usize>, column: Column, page_entries: u32, reason: &'static str) -> Result<(), Fault> {
    let Some(position) = wrong else { return Ok(()) };
    let index = count_u32(position) / page_entries;
    Err(Fault::in_page(PageId { column, index }, reason))
}
