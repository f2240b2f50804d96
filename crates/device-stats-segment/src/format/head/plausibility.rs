//! Checks of a head that has the right checksum: what it says has to be possible.

use std::cmp::Ordering;

use device_stats_domain::Axis;

use super::head_fields::{AxisFields, HeadFields, inconsistent};
use crate::format::page_layout::{Layout, of};
use crate::format::run_sums::WORDS_MAX;
use crate::{Column, ExactInteger, Fault, PageId, READINGS_MAX};
use device_stats_exact::SQUARE_PLACES;
use device_stats_exact::SUM_PLACES;
use device_stats_exact::float::LOWEST_EXPONENT;

/// That what a head says can be.
pub(super) fn check(fields: &HeadFields, layout: &Layout) -> Result<(), Fault> {
    let fences = &fields.time_fences;
    let ascend = fences.array_windows().all(|[before, after]| before < after);
    if !ascend || fences.last().is_none_or(|last| *last > fields.last_us) {
        return Err(inconsistent("the fences of its times do not ascend"));
    }
    Axis::ALL.into_iter().try_for_each(|axis| check_axis(axis, of(&fields.axes, axis), layout))
}

fn check_axis(axis: Axis, fields: &AxisFields, layout: &Layout) -> Result<(), Fault> {
    let values = fields.first.iter().chain([&fields.max]);
    // The greatest value may be the only one of the last page, and so its first.
    let ascend = values.clone().zip(values.clone().skip(1)).zip(1..).all(|((before, after), index)| {
        let most = if index == fields.first.len() { Ordering::Equal } else { Ordering::Less };
        before.total_cmp(after) <= most
    });
    if !ascend || !values.clone().all(|value| value.is_finite()) {
        return Err(inconsistent("the fences of a dictionary do not ascend"));
    }
    let until = fields.below.iter().skip(1).chain([&layout.readings]);
    let mut pages = layout.pages_of(Column::Dictionary(axis)).zip(fields.below.iter().zip(until));
    let enough = |(page, (below, until)): (PageId, (&u32, &u32))| {
        let readings = until.checked_sub(*below).map(|readings| readings as usize);
        readings >= layout.entries_of(page)
    };
    if fields.below.first() != Some(&0) || !pages.all(enough) {
        return Err(inconsistent("the counts of a dictionary do not add up"));
    }
    check_sums(fields, layout)
}

fn check_sums(fields: &AxisFields, layout: &Layout) -> Result<(), Fault> {
    let words = u32::from(fields.sum_words);
    let sums = (1..=WORDS_MAX).contains(&usize::from(fields.sum_words))
        && layout.runs().checked_mul(words).is_some_and(|words| words <= READINGS_MAX)
        && fits(fields.sum_exponent, words, LOWEST_EXPONENT, SUM_PLACES);
    let total = |integer: &ExactInteger, lowest, places| {
        let words = u32::try_from(integer.words.len()).unwrap_or(u32::MAX);
        *integer == ExactInteger::new(integer.exponent, &integer.words)
            && fits(integer.exponent, words, lowest, places)
    };
    if sums
        && total(&fields.sum, LOWEST_EXPONENT, SUM_PLACES)
        && total(&fields.squares, 2 * LOWEST_EXPONENT, SQUARE_PLACES)
        && fields.squares.words.last().is_some_and(|highest| highest >> 63 == 0)
    {
        return Ok(());
    }
    Err(inconsistent("a sum of doubles is not like that"))
}

/// Whether so many words from an exponent on all begin above the lowest place and less than `places` above it.
fn fits(exponent: i32, words: u32, lowest: i32, places: u32) -> bool {
    let above = i64::from(exponent) - i64::from(lowest);
    above >= 0 && above + i64::from(words.saturating_sub(1)) * i64::from(u64::BITS) < i64::from(places)
}
