//! Plausibility checks of a head with the right checksum.

use std::cmp::Ordering;

use device_stats_domain::Axis;
use device_stats_exact::float::LOWEST_EXPONENT;
use device_stats_exact::{ExactInteger, ExactSquares, ExactSum};

use super::head_fields::{AxisFields, HeadFields};
use crate::format::fault::Fault;
use crate::format::page::{Column, PageId};
use crate::format::page_layout::{PageLayout, READINGS_MAX, count_u32};
use crate::format::run_sums::WORDS_MAX;

/// Checks that a segment can have these fields.
pub(super) fn check(fields: &HeadFields, layout: &PageLayout) -> Result<(), Fault> {
    let fences = &fields.time_fences;
    let ascend = fences.array_windows().all(|[before, after]| before < after);
    if !ascend || fences.last().is_none_or(|last| *last > fields.last_us) {
        return Err(Fault::in_head("the fences of its times do not ascend"));
    }
    Axis::ALL.into_iter().try_for_each(|axis| check_axis(axis, fields.axes.get(axis), layout))
}

fn check_axis(axis: Axis, fields: &AxisFields, layout: &PageLayout) -> Result<(), Fault> {
    let values = fields.first.iter().chain([&fields.max]);
    // The largest value is the first value of the last page if that page has only one value.
    let ascend = values.clone().zip(values.clone().skip(1)).zip(1..).all(|((before, after), index)| {
        let most = if index == fields.first.len() { Ordering::Equal } else { Ordering::Less };
        before.total_cmp(after) <= most
    });
    if !ascend || !values.clone().all(|value| value.is_finite()) {
        return Err(Fault::in_head("the fences of a dictionary do not ascend"));
    }
    let until = fields.below.iter().skip(1).chain([&layout.readings]);
    let mut pages = layout.pages_of(Column::Dictionary(axis)).zip(fields.below.iter().zip(until));
    let enough = |(page, (below, until)): (PageId, (&u32, &u32))| {
        let readings = until.checked_sub(*below).map(|readings| readings as usize);
        readings >= layout.page_entries(page)
    };
    if fields.below.first() != Some(&0) || !pages.all(enough) {
        return Err(Fault::in_head("the counts of a dictionary do not add up"));
    }
    check_sums(fields, layout)
}

/// Checks that all sums fit their accumulators.
fn check_sums(fields: &AxisFields, layout: &PageLayout) -> Result<(), Fault> {
    let words = u32::from(fields.sum_words);
    let are_runs = (1..=WORDS_MAX).contains(&usize::from(fields.sum_words))
        && layout.runs().checked_mul(words).is_some_and(|words| words <= READINGS_MAX)
        && fits(fields.sum_exponent, words, LOWEST_EXPONENT, ExactSum::PLACES);
    let is_total = |total: &ExactInteger, lowest, places| {
        fits(total.exponent(), count_u32(total.to_words().len()), lowest, places)
    };
    if are_runs
        && is_total(&fields.sum, LOWEST_EXPONENT, ExactSum::PLACES)
        && is_total(&fields.squares, 2 * LOWEST_EXPONENT, ExactSquares::PLACES)
        && !fields.squares.is_negative()
    {
        return Ok(());
    }
    Err(Fault::in_head("a sum is beyond any sum of doubles"))
}

/// Returns whether `words` words fit an accumulator. The lowest word begins at `exponent`. Each word has to
/// begin at or above `lowest`, by less than `places`.
fn fits(exponent: i32, words: u32, lowest: i32, places: u32) -> bool {
    let above = i64::from(exponent) - i64::from(lowest);
    above >= 0 && above + (i64::from(words) - 1) * i64::from(u64::BITS) < i64::from(places)
}
