//! Checks of a head that has the right checksum: what it says has to be possible.

use std::cmp::Ordering;

use device_stats_domain::Axis;

use super::fields::{AxisFields, HeadFields, inconsistent};
use crate::exact_squares::SQUARE_PLACES;
use crate::exact_sum::SUM_PLACES;
use crate::layout::{Layout, of};
use crate::parts::LOWEST_EXPONENT;
use crate::run_sums::WORDS_MAX;
use crate::{Column, ExactInteger, Fault, PageId};

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
    let ascend = values.clone().zip(values.clone().skip(1)).zip(1..).all(|((before, after), index)| {
        let least = if index == fields.first.len() { Ordering::Equal } else { Ordering::Less };
        before.total_cmp(after) <= least
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
    let lowest = u32::from(fields.sum_words.wrapping_sub(1)) * u64::BITS;
    let sums = (1..=WORDS_MAX).contains(&usize::from(fields.sum_words))
        && fits(fields.sum_exponent, lowest, LOWEST_EXPONENT, SUM_PLACES);
    let total = |integer: &ExactInteger, lowest, places| {
        let words = u32::try_from(integer.words.len()).unwrap_or(u32::MAX);
        let highest = words.saturating_sub(1).saturating_mul(u64::BITS);
        *integer == ExactInteger::new(integer.exponent, &integer.words)
            && fits(integer.exponent, highest, lowest, places)
    };
    let squares = fields.squares.words.last().is_some_and(|highest| highest >> 63 == 0);
    if !sums
        || !squares
        || !total(&fields.sum, LOWEST_EXPONENT, SUM_PLACES)
        || !total(&fields.squares, 2 * LOWEST_EXPONENT, SQUARE_PLACES)
    {
        return Err(inconsistent("a sum of doubles is not like that"));
    }
    Ok(())
}

/// Whether words that begin `highest` places above an exponent lie between the lowest place and `places` above it.
fn fits(exponent: i32, highest: u32, lowest: i32, places: u32) -> bool {
    let above = i64::from(exponent) - i64::from(lowest);
    above >= 0 && above + i64::from(highest) < i64::from(places)
}
