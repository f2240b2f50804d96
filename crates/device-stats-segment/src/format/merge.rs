//! Merging of several segments of one device into one.

#[cfg(test)]
mod tests;

use super::codec::Effort;
use super::columns::{AxisColumns, Columns};
use super::dictionary::DictionaryBuilder;
use super::encode_error::EncodeError;
use super::fault::Fault;
use super::head::Head;
use super::page_layout::{PageSizes, READINGS_MAX, each_axis};
use super::segment::Segment;
use super::segment::contents::{AxisContents, Contents};
use super::segment::verify::verify_counts;
use super::segment::write::write;

/// Reason why segments cannot be merged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// A segment cannot be read.
    #[error("segment {index} cannot be read")]
    Unreadable {
        /// Index of the segment in the call.
        index: usize,
        /// The fault.
        source: Fault,
    },
    /// Two segments have a reading of the same time.
    #[error("two segments have a reading at {time_us} µs")]
    SameTime {
        /// The time, in microseconds since 1970 UTC.
        time_us: i64,
    },
    /// All readings together cannot become a segment: there are none or too many, or the compressor failed.
    #[error(transparent)]
    Encode(#[from] EncodeError),
}

impl Segment {
    /// Merges segments, which may overlap in time, into one. The result has the same bytes as if all their
    /// readings were encoded together. Checks every checksum, and compares the counts of each dictionary with
    /// the codes.
    ///
    /// Takes about 150 bytes of memory per reading.
    ///
    /// ```
    /// use device_stats_domain::Axes;
    /// use device_stats_segment::{Effort, Row, Segment};
    ///
    /// let row = |time_us| Row { time_us, id: 0, values: Axes { x: 0.5, y: 0.0, z: 0.0 } };
    /// let late = Segment::encode(&[row(2), row(9)], Effort::Fast)?;
    /// let early = Segment::encode(&[row(1), row(5)], Effort::Fast)?;
    /// let merged = Segment::merge(&[late, early], Effort::Small)?;
    /// assert_eq!(merged.rows()?, [row(1), row(2), row(5), row(9)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`MergeError`].
    pub fn merge(segments: &[Self], effort: Effort) -> Result<Self, MergeError> {
        let mut all = Vec::with_capacity(segments.len());
        let mut readings = 0;
        for (index, segment) in segments.iter().enumerate() {
            let unreadable = |source| MergeError::Unreadable { index, source };
            let head = Head::open(&segment.head).map_err(unreadable)?;
            readings += u64::from(head.readings());
            if readings > u64::from(READINGS_MAX) {
                return Err(EncodeError::TooMany.into());
            }
            let contents = segment.read(&head).map_err(unreadable)?;
            verify_counts(&head, &contents).map_err(unreadable)?;
            all.push(contents);
        }
        if all.is_empty() {
            return Err(EncodeError::Empty.into());
        }
        let sizes = PageSizes::WRITTEN;
        Ok(write(&merge_columns(&all, sizes.sum_run)?, sizes, effort)?)
    }
}

/// Returns the columns of all segments together, in order of time.
#[expect(clippy::indexing_slicing, reason = "a count or a code must not be dropped")]
fn merge_columns(segments: &[Contents], sum_run: u32) -> Result<Columns, MergeError> {
    let order = TimeOrder::new(segments)?;
    let mut builder = DictionaryBuilder::default();
    let axes = each_axis(|axis| {
        let segments: Vec<&AxisContents> = segments.iter().map(|segment| segment.axes.get(axis)).collect();
        let counts: Vec<u32> = segments.iter().flat_map(|segment| segment.counts()).collect();
        let values = segments.iter().flat_map(|segment| &segment.values).copied();
        let (dictionary, merged_codes) = builder.build(values, |position| counts[position as usize]);
        let mut codes = Vec::with_capacity(order.times.len());
        let mut first = 0;
        for segment in &segments {
            codes.extend(segment.codes.iter().map(|code| merged_codes[first + *code as usize]));
            first += segment.values.len();
        }
        AxisColumns::new(dictionary, order.apply(codes), sum_run)
    });
    let ids = order.apply(segments.iter().flat_map(|segment| &segment.ids).copied().collect());
    Ok(Columns { ids, axes, times: order.times })
}

/// The order in time of the readings of several segments.
struct TimeOrder {
    times: Vec<i64>,
    /// For each reading, its position in the concatenated segments; `None` if the concatenated segments are
    /// already in order.
    positions: Option<Vec<u32>>,
}

impl TimeOrder {
    fn new(segments: &[Contents]) -> Result<Self, MergeError> {
        let mut times: Vec<i64> = segments.iter().flat_map(|segment| &segment.times).copied().collect();
        if times.array_windows().all(|[before, after]| before < after) {
            return Ok(Self { times, positions: None });
        }
        let mut moments: Vec<(i64, u32)> = times.iter().copied().zip(0..).collect();
        // The stable sort uses existing ascending runs, so it is fast here.
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

    /// Brings a column of the concatenated segments into the order of time.
    #[expect(clippy::indexing_slicing, reason = "an entry must not be dropped")]
    fn apply<T: Copy>(&self, column: Vec<T>) -> Vec<T> {
        match &self.positions {
            None => column,
            Some(positions) => positions.iter().map(|position| column[*position as usize]).collect(),
        }
    }
}
