//! Several segments of one device made one.

#[cfg(test)]
mod tests;

use crate::format::columns::{AxisColumns, Columns};
use crate::format::dictionary::DictionaryBuilder;
use crate::format::page_layout::{PageSizes, each, of};
use crate::format::segment::contents::{AxisContents, Contents};
use crate::format::segment::write::write;
use crate::{Effort, Fault, Head, READINGS_MAX, Segment};

/// Why segments cannot become one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A segment cannot be read.
    #[error("segment {index} cannot be read")]
    Unreadable {
        /// Which of the segments, from 0 up.
        index: usize,
        /// What is wrong with it.
        source: Fault,
    },
    /// Two segments have a reading of the same time.
    #[error("two segments have a reading at {time_us} µs")]
    SameTime {
        /// The time, in microseconds since 1970 UTC.
        time_us: i64,
    },
    /// There is no segment.
    #[error("there is no segment to merge")]
    Empty,
    /// There are too many readings.
    #[error("a segment has at most {READINGS_MAX} readings")]
    TooMany,
    /// What was written is not what is read back: a fault of the compressor.
    #[error("the compressor did not give the readings back")]
    Compressor,
}

/// Makes one segment of several, which may overlap in time: the same bytes as if all their readings had been encoded
/// together. Checks every checksum of what it reads.
///
/// It needs memory for all the readings, about 150 bytes each.
///
/// ```
/// use device_stats_domain::Axes;
/// use device_stats_segment::{Effort, Row, Segment, merge};
///
/// let row = |time_us| Row { time_us, id: 0, values: Axes { x: 0.5, y: 0.0, z: 0.0 } };
/// let late = Segment::encode(&[row(2), row(9)], Effort::Fast)?;
/// let early = Segment::encode(&[row(1), row(5)], Effort::Fast)?;
/// assert_eq!(merge(&[late, early], Effort::Small)?.rows()?, [row(1), row(2), row(5), row(9)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`MergeError`].
pub fn merge(segments: &[Segment], effort: Effort) -> Result<Segment, MergeError> {
    let mut parts = Vec::with_capacity(segments.len());
    let mut readings = 0;
    for (index, segment) in segments.iter().enumerate() {
        let unreadable = |source| MergeError::Unreadable { index, source };
        let head = Head::open(&segment.head).map_err(unreadable)?;
        readings += u64::from(head.readings());
        if readings > u64::from(READINGS_MAX) {
            return Err(MergeError::TooMany);
        }
        parts.push(segment.read(&head).map_err(unreadable)?);
    }
    if parts.is_empty() {
        return Err(MergeError::Empty);
    }
    let sizes = PageSizes::TODAY;
    write(&together(&parts, sizes.sum_run)?, sizes, effort).map_err(|_| MergeError::Compressor)
}

/// The columns of all parts, in order of time.
fn together(parts: &[Contents], sum_run: u32) -> Result<Columns, MergeError> {
    let order = Order::of(parts)?;
    let mut builder = DictionaryBuilder::default();
    let axes = each(|axis| {
        let parts: Vec<&AxisContents> = parts.iter().map(|part| of(&part.axes, axis)).collect();
        let counts: Vec<u32> = parts.iter().flat_map(|part| part.counts()).collect();
        let count_at = |position| counts.get(position as usize).copied().unwrap_or(0);
        let values = parts.iter().flat_map(|part| &part.values).copied();
        let (dictionary, merged) = builder.build(values, count_at);
        let mut merged = merged.as_slice();
        let mut codes = Vec::with_capacity(order.readings());
        for part in &parts {
            let (of_part, others) = merged.split_at_checked(part.values.len()).unwrap_or_default();
            codes.extend(part.codes.iter().filter_map(|code| of_part.get(*code as usize)));
            merged = others;
        }
        let codes = order.apply(codes);
        AxisColumns::new(dictionary, codes, sum_run)
    });
    let ids = order.apply(parts.iter().flat_map(|part| &part.ids).copied().collect());
    Ok(Columns { ids, axes, times: order.times })
}

/// The order in time of the readings of several parts.
struct Order {
    times: Vec<i64>,
    /// For each reading its position where the parts are laid one after another; nothing where they stay so.
    positions: Option<Vec<u32>>,
}

impl Order {
    fn of(parts: &[Contents]) -> Result<Self, MergeError> {
        let mut times: Vec<i64> = parts.iter().flat_map(|part| &part.times).copied().collect();
        if times.array_windows().all(|[before, after]| before < after) {
            return Ok(Self { times, positions: None });
        }
        let mut moments: Vec<(i64, u32)> = times.iter().copied().zip(0..).collect();
        // Takes runs that are in order as they are.
        moments.sort_by_key(|(time_us, _)| *time_us);
        if let Some([(time_us, _), _]) =
            moments.array_windows().find(|[(before, _), (after, _)]| before == after)
        {
            return Err(MergeError::SameTime { time_us: *time_us });
        }
        times.clear();
        times.extend(moments.iter().map(|(time_us, _)| *time_us));
        Ok(Self { times, positions: Some(moments.into_iter().map(|(_, position)| position).collect()) })
    }

    fn readings(&self) -> usize {
        self.times.len()
    }

    /// Brings what is laid one part after another into the order of time.
    fn apply<T: Copy>(&self, column: Vec<T>) -> Vec<T> {
        match &self.positions {
            None => column,
            Some(positions) => {
                positions.iter().filter_map(|position| column.get(*position as usize)).copied().collect()
            }
        }
    }
}
