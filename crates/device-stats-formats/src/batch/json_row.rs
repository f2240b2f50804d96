//! A row as a JSON value, in an array or on a line of NDJSON.

use super::row::Row;
use crate::faults::Faults;
use crate::json::Json;
use crate::members::Members;
use crate::reading_times::ReadingTimes;

/// Reads the row at this position of the body, from 0; `None` if a fault has been noted.
pub(super) fn read_row<R: Row>(
    value: &Json,
    index: usize,
    times: &mut ReadingTimes,
    faults: &mut Faults,
) -> Option<R> {
    let loc = ["body".into(), index.into()];
    let mut members = Members::from_json(value, &loc, faults)?;
    let row = R::from_members(&mut members, times);
    let are_known = members.refuse_others(&[R::COLUMNS.required, R::COLUMNS.optional].concat());
    row.filter(|_| are_known)
}
