//! Rows turned into columns, and each axis into a dictionary and codes.

use device_stats_domain::Axes;

use crate::run_sums::RunSums;
use crate::{EncodeError, ExactInteger, ExactSquares, READINGS_MAX, Row};

/// The readings of a segment in columns, in order of time.
pub(crate) struct Columns {
    pub(crate) times: Vec<i64>,
    pub(crate) ids: Vec<i64>,
    pub(crate) axes: Axes<AxisColumns>,
}

/// One axis.
pub(crate) struct AxisColumns {
    /// The distinct values, ascending by [`f64::total_cmp`].
    pub(crate) values: Vec<f64>,
    /// How many readings have each.
    pub(crate) counts: Vec<u32>,
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
        let axis =
            |number: fn(&Row) -> f64| AxisColumns::of(&rows.iter().map(number).collect::<Vec<_>>(), sum_run);
        Ok(Self {
            times: rows.iter().map(|row| row.time_us).collect(),
            ids: rows.iter().map(|row| row.id).collect(),
            axes: Axes {
                x: axis(|row| row.values.x),
                y: axis(|row| row.values.y),
                z: axis(|row| row.values.z),
            },
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
    /// The columns of an axis from its values in order of time.
    fn of(numbers: &[f64], sum_run: u32) -> Self {
        let mut sorted: Vec<(u64, u32)> =
            (0..).zip(numbers).map(|(index, number)| (order_key(*number), index)).collect();
        sorted.sort_unstable();
        let (mut values, mut counts) = (Vec::new(), Vec::new());
        let mut codes = vec![0; numbers.len()];
        let mut code = 0;
        for same in sorted.chunk_by(|(left, _), (right, _)| left == right) {
            values.extend(same.first().map(|(key, _)| number_of(*key)));
            for (_, index) in same {
                if let Some(place) = codes.get_mut(*index as usize) {
                    *place = code;
                }
            }
            counts.push(u32::try_from(same.len()).unwrap_or(u32::MAX));
            code += 1;
        }
        Self::from_parts(values, counts, codes, RunSums::of(numbers, sum_run))
    }

    /// The columns of an axis whose dictionary is known.
    pub(crate) fn from_parts(values: Vec<f64>, counts: Vec<u32>, codes: Vec<u32>, sums: RunSums) -> Self {
        let mut squares = ExactSquares::default();
        for (value, count) in values.iter().zip(&counts) {
            squares.add_times(*value, *count);
        }
        Self { values, counts, codes, sums, squares: squares.to_integer() }
    }
}

/// An integer that compares as the number does in the total order of doubles.
fn order_key(number: f64) -> u64 {
    let bits = number.to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The number of an [`order_key`].
fn number_of(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}
