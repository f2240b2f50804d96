//! Rows as CSV: a header that names the columns, then a row a line, or several where a cell is quoted.

use csv::{ByteRecord, ReaderBuilder, StringRecord};
use serde_json::json;

use super::{Row, Rows, check_columns};
use crate::csv_lines::Lines;
use crate::http::faults::{Faults, Problem};
use crate::http::json::Json;

/// Reads a table; `None` where its header is at fault.
pub(super) fn read<R: Row>(text: &str, faults: &mut Faults) -> Option<Rows<R>> {
    let mut reader = ReaderBuilder::new().from_reader(Lines::new(text.as_bytes()));
    let header = reader.headers().ok()?.clone();
    faults.at_line(reader.get_mut().line_from(0));
    check_columns::<R>(&header.iter().collect::<Vec<_>>(), faults)?;
    let mut rows = Rows::default();
    let mut record = ByteRecord::new();
    for index in 0.. {
        if faults.is_full() {
            break;
        }
        let begin = reader.position().byte();
        let read = reader.read_byte_record(&mut record);
        let line = reader.get_mut().line_from(begin);
        faults.at_line(line);
        match read {
            Ok(false) => break,
            Ok(true) => {
                let mut cells = Cells { header: &header, record: &record, index, line, faults };
                if let Some(row) = R::from_cells(&mut cells) {
                    rows.push_line(line, row);
                }
            }
            Err(error) => {
                let problem = Problem::new("csv_invalid", words(error.kind())).with(json!({ "line": line }));
                faults.add(vec!["body".into(), index.into()], problem, &Json::Null);
            }
        }
    }
    Some(rows)
}

fn words(error: &csv::ErrorKind) -> String {
    match error {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("the row has {len} cells where the header has {expected_len}")
        }
        _ => "the row cannot be read".to_owned(),
    }
}

/// The cells of a row.
pub(crate) struct Cells<'a> {
    header: &'a StringRecord,
    record: &'a ByteRecord,
    /// Counted from 0, without the header.
    index: usize,
    /// Counted from 1, as an editor does.
    line: u64,
    faults: &'a mut Faults,
}

impl Cells<'_> {
    /// The text of a cell; `None` where there is no such column. The whole body is known to be UTF-8.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        let column = self.header.iter().position(|column| column == name)?;
        std::str::from_utf8(self.record.get(column)?).ok()
    }

    /// Reads a cell; an absent one is empty.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let read = read(self.text(name).unwrap_or_default());
        read.map_err(|problem| {
            let input = Json::String(self.text(name).unwrap_or_default().to_owned());
            let mut ctx = problem.ctx.clone().unwrap_or_else(|| json!({}));
            if let Some(members) = ctx.as_object_mut() {
                members.insert("line".to_owned(), json!(self.line));
            }
            self.faults.add(vec!["body".into(), self.index.into(), name.into()], problem.with(ctx), &input);
        })
        .ok()
    }
}
