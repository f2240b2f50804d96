//! How many readings lie below given numbers: what a histogram is made of.

use std::sync::Arc;

use device_stats_domain::Axis;

use crate::analysis::page_source::{Pages, as_dictionary};
use crate::analysis::part::part_column::{Column, columns};
use crate::analysis::part::part_totals::contradiction;
use crate::analysis::part::{PartAxis, count_u32};
use crate::analysis::statistics::Group;
use crate::{Fences, Page};
use device_stats_exact::Key;

/// For each bound, how many readings of the group have a smaller number. Equal numbers of different sign bits (the two
/// zeros) are different here: the negative one is smaller.
///
/// # Errors
/// Those of [`Pages::read`].
pub fn count_below<P: Pages>(
    group: Group<'_>,
    axis: Axis,
    bounds: &[f64],
    pages: &P,
) -> Result<Vec<u64>, P::Error> {
    let parts: Vec<PartAxis<'_>> = group.parts.iter().map(|part| PartAxis { part, axis }).collect();
    let columns = columns(&parts, pages)?;
    let mut wanted = Vec::new();
    let mut lines = Vec::with_capacity(columns.len() * bounds.len());
    for column in &columns {
        for bound in bounds {
            let line = Line::of(column, *bound);
            if let Line::InPage { index } = line {
                let page = column.dictionary_page(count_u32(index));
                // Bounds next to each other are often in one page.
                if wanted.last() != Some(&page) {
                    wanted.push(page);
                }
            }
            lines.push(line);
        }
    }
    let read = pages.read(&wanted)?;
    let mut read = wanted.iter().zip(&read).peekable();
    let mut counts: Vec<u64> = vec![0; bounds.len()];
    for (column, lines) in columns.iter().zip(lines.chunks(bounds.len().max(1))) {
        for ((line, bound), count) in lines.iter().zip(bounds).zip(&mut counts) {
            *count += match line {
                Line::At(below) => u64::from(*below),
                Line::InPage { index } => {
                    let here = column.dictionary_page(count_u32(*index));
                    while read.next_if(|(wanted, _)| **wanted != here).is_some() {}
                    let (_, page) =
                        read.peek().ok_or_else(|| pages.fault(column.segment(), contradiction()))?;
                    below_in_page(column, *index, *bound, page, pages)?
                }
            };
        }
    }
    for (bound, count) in bounds.iter().zip(&mut counts) {
        *count += group.hot.get(axis).iter().filter(|number| number.key() < bound.key()).count() as u64;
    }
    Ok(counts)
}

/// Where a bound lies in a column.
enum Line {
    /// Between two pages: so many readings are below.
    At(u32),
    InPage {
        index: usize,
    },
}

impl Line {
    fn of(column: &Column<'_>, bound: f64) -> Self {
        let Fences { first, below } = column.fences();
        let begun = first.partition_point(|first| first.key() < bound.key());
        let at = |index: usize| below.get(index).copied().unwrap_or(0);
        match begun.checked_sub(1) {
            Some(index) if at(index) < at(begun) => Self::InPage { index },
            _ => Self::At(at(begun)),
        }
    }
}

fn below_in_page<P: Pages>(
    column: &Column<'_>,
    index: usize,
    bound: f64,
    page: &Arc<Page>,
    pages: &P,
) -> Result<u64, P::Error> {
    let dictionary = as_dictionary(pages, column.segment(), page)?;
    let smaller = dictionary.values.partition_point(|value| value.key() < bound.key());
    Ok(u64::from(column.counts(index, dictionary).until(smaller)))
}
