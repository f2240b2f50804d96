//! The columns of a segment before compression.

use device_stats_domain::Axes;
use device_stats_exact::{ExactInteger, ExactSquares};

use super::dictionary::{Dictionary, DictionaryBuilder};
use super::encode_error::EncodeError;
use super::page_layout::READINGS_MAX;
use super::row::Row;
use super::run_sums::RunSums;

/// The readings of a segment as columns, in order of time; at least one reading.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) times: Vec<i64>,
    pub(crate) ids: Vec<i64>,
    pub(crate) axes: Axes<AxisColumns>,
}

/// The columns of one axis.
#[derive(Debug)]
pub(crate) struct AxisColumns {
    pub(crate) dictionary: Dictionary,
    /// For each reading, the position of its value in the dictionary.
    pub(crate) codes: Vec<u32>,
    pub(crate) sums: RunSums,
    /// The exact sum of the squares of all values.
    pub(crate) squares: ExactInteger,
}

impl Columns {
    /// Splits rows into columns.
    pub(crate) fn from_rows(rows: &[Row], sum_run: u32) -> Result<Self, EncodeError> {
        check(rows)?;
        let mut builder = DictionaryBuilder::default();
        let mut axis = |number: fn(&Row) -> f64| {
            let (dictionary, codes) = builder.build(rows.iter().map(number), |_| 1);
            AxisColumns::new(dictionary, codes, sum_run)
        };
        Ok(Self {
            axes: Axes {
                x: axis(|row| row.values.x),
                y: axis(|row| row.values.y),
                z: axis(|row| row.values.z),
            },
            times: rows.iter().map(|row| row.time_us).collect(),
            ids: rows.iter().map(|row| row.id).collect(),
        })
    }
}

/// Checks that rows can become a segment.
fn check(rows: &[Row]) -> Result<(), EncodeError> {
    if rows.is_empty() {
        return Err(EncodeError::Empty);
    }
    if rows.len() > READINGS_MAX as usize {
        return Err(EncodeError::TooMany);
    }
    if let Some(before) = rows.array_windows().position(|[before, after]| before.time_us >= after.time_us) {
        return Err(EncodeError::TimesDoNotAscend(before + 1));
    }
    let is_finite =
        |row: &Row| row.values.x.is_finite() && row.values.y.is_finite() && row.values.z.is_finite();
    rows.iter().position(|row| !is_finite(row)).map_or(Ok(()), |row| Err(EncodeError::NotFinite(row)))
}

impl AxisColumns {
    /// Creates the columns of an axis from a dictionary and its codes, and computes the sums.
    pub(crate) fn new(dictionary: Dictionary, codes: Vec<u32>, sum_run: u32) -> Self {
        let sums = RunSums::new(&dictionary.values, &codes, sum_run);
        let mut squares = ExactSquares::default();
        for (value, count) in dictionary.values.iter().zip(&dictionary.counts) {
            squares.add_times(*value, *count);
        }
        Self { dictionary, codes, sums, squares: squares.to_integer() }
    }
}
