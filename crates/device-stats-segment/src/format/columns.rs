//! The columns of a segment, before they are compressed or after.

use device_stats_domain::Axes;

use crate::format::dictionary::{Dictionary, DictionaryBuilder};
use crate::format::run_sums::RunSums;
use crate::{EncodeError, ExactInteger, ExactSquares, READINGS_MAX, Row};

/// The readings of a segment in columns, in order of time.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) times: Vec<i64>,
    pub(crate) ids: Vec<i64>,
    pub(crate) axes: Axes<AxisColumns>,
}

/// One axis.
#[derive(Debug)]
pub(crate) struct AxisColumns {
    pub(crate) dictionary: Dictionary,
    /// For each reading the position of its value.
    pub(crate) codes: Vec<u32>,
    pub(crate) sums: RunSums,
    /// The exact sum of the squares of all values.
    pub(crate) squares: ExactInteger,
}

impl Columns {
    /// Takes rows apart.
    pub(crate) fn of(rows: &[Row], sum_run: u32) -> Result<Self, EncodeError> {
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

/// That rows can be a segment.
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
    let finite = |row: &Row| row.values.x.is_finite() && row.values.y.is_finite() && row.values.z.is_finite();
    rows.iter().position(|row| !finite(row)).map_or(Ok(()), |row| Err(EncodeError::NotFinite(row)))
}

impl AxisColumns {
    /// The columns of an axis of which the dictionary and the codes are known.
    pub(crate) fn new(dictionary: Dictionary, codes: Vec<u32>, sum_run: u32) -> Self {
        let sums = RunSums::of(&dictionary.values, &codes, sum_run);
        let mut squares = ExactSquares::default();
        for (value, count) in dictionary.values.iter().zip(&dictionary.counts) {
            squares.add_times(*value, *count);
        }
        Self { dictionary, codes, sums, squares: squares.to_integer() }
    }
}
