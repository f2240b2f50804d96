//! Recognizes the delimiter, the index and the decimal comma of a CSV file by its header and first row.

use device_stats_domain::{Axes, EpochNumber, TextTime};

use super::column_plan::{ColumnPlan, IndexColumn, index_position};
use super::file_options::{CommentMark, DecimalMark, Delimiter, FileOptions};
use crate::csv::{Progress, RecordReader};

/// Returns the delimiter that the first line states for Excel: `sep=;`.
pub(super) fn stated_delimiter(sample: &[u8]) -> Option<Delimiter> {
    let rest = sample.strip_prefix(b"sep=")?;
    Delimiter::USUAL
        .into_iter()
        .find(|delimiter| matches!(rest, [byte, b'\r' | b'\n', ..] if *byte == delimiter.byte()))
}

/// Returns the delimiter whose header has all columns; otherwise the one whose header has the most columns.
pub(super) fn recognize_delimiter(sample: &[u8], options: &FileOptions) -> Delimiter {
    let options = FileOptions { ignores_unknown: true, ..options.clone() };
    let mut best = (Delimiter::USUAL[0], 0);
    for delimiter in Delimiter::USUAL {
        let comment = options.comment.map(CommentMark::byte);
        let mut records = RecordReader::with_delimiter(delimiter.byte()).with_comments(comment);
        let mut rest = sample;
        let mut progress = records.read(&mut rest);
        if progress == Progress::NeedsInput {
            progress = records.read(&mut &[][..]);
        }
        if progress != Progress::Record {
            continue;
        }
        let columns: Vec<&str> = records.cells().filter_map(|cell| std::str::from_utf8(cell).ok()).collect();
        if ColumnPlan::resolve(&columns, IndexColumn::None, &options).is_ok() {
            return delimiter;
        }
        if columns.len() > best.1 {
            best = (delimiter, columns.len());
        }
    }
    best.0
}

/// Smallest integer that may be a time, in seconds since 1970: the year 1990. Smaller ones count rows.
const TIME_MIN: u64 = 631_152_000;

/// Recognizes an index without a name by its first value. An integer that may be a time is not recognized.
pub(super) fn index_column(columns: &[&str], first_row: &RecordReader) -> IndexColumn {
    let Some(position) = index_position(columns) else { return IndexColumn::None };
    match text(first_row, position).map(str::trim) {
        // Lines that end with a delimiter have a last column without a name and values.
        None | Some("") => IndexColumn::Count(position),
        Some(text) if text.parse().is_ok_and(|count: u64| count < TIME_MIN) => IndexColumn::Count(position),
        Some(text) if EpochNumber::parse(text).is_some() => IndexColumn::None,
        Some(text) if TextTime::parse(text).is_ok() => IndexColumn::Times(position),
        Some(_) => IndexColumn::None,
    }
}

/// Returns the decimal comma if the first row has one and the options do not state it.
pub(super) fn decimal_comma(
    columns: &[&str],
    index: IndexColumn,
    first_row: &RecordReader,
    options: &FileOptions,
) -> Option<DecimalMark> {
    if options.decimal_mark == DecimalMark::Comma {
        return None;
    }
    let plan = ColumnPlan::resolve(columns, index, &FileOptions { ignores_unknown: true, ..options.clone() });
    let positions = match plan {
        Ok(ColumnPlan { axes: Axes { x, y, z }, .. }) => vec![x, y, z],
        Err(_) => (0..columns.len()).collect(),
    };
    let has_comma = |text: &str| {
        let number = text.trim();
        number.contains(',')
            && number.parse::<f64>().is_err()
            && number.replacen(',', ".", 1).parse::<f64>().is_ok()
    };
    positions
        .into_iter()
        .any(|position| text(first_row, position).is_some_and(has_comma))
        .then_some(DecimalMark::Comma)
}

/// Returns the text of a cell; `None` if the row has no such cell, or it is not UTF-8.
fn text(row: &RecordReader, column: usize) -> Option<&str> {
    row.cell(column).and_then(|cell| std::str::from_utf8(cell).ok())
}
