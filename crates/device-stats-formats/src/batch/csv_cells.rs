//! The cells of a CSV record, by the name of their column.

use serde_json::json;

use crate::csv::RecordReader;
use crate::faults::{Faults, Problem};
use crate::json::Json;

/// The cells of a record, by the name of their column.
pub struct CsvCells<'a> {
    columns: &'a [String],
    records: &'a RecordReader,
    /// Position of the record in the body, from 0, without the header.
    index: usize,
    faults: &'a mut Faults,
}

impl<'a> CsvCells<'a> {
    /// Names the cells of the current record after the columns of the header.
    pub(super) fn new(
        columns: &'a [String],
        records: &'a RecordReader,
        index: usize,
        faults: &'a mut Faults,
    ) -> Self {
        Self { columns, records, index, faults }
    }

    /// Returns the text of a cell; `None` if there is no such column.
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        let column = self.columns.iter().position(|column| column == name)?;
        self.records.cell(column).map(cell_text)
    }

    /// Reads a cell of a column that exists; `None` if a fault has been noted.
    pub(super) fn read<T>(
        &mut self,
        name: &'static str,
        read: impl FnOnce(&str) -> Result<T, Problem>,
    ) -> Option<T> {
        let Some(text) = self.text(name) else { unreachable!("the header has been checked") };
        let problem = match read(text) {
            Ok(value) => return Some(value),
            Err(problem) => problem,
        };
        let mut ctx = problem.ctx.clone().unwrap_or_else(|| json!({}));
        if let Some(members) = ctx.as_object_mut() {
            members.insert("line".to_owned(), json!(self.records.line()));
        }
        let loc = vec!["body".into(), self.index.into(), name.into()];
        self.faults.add(loc, problem.with(ctx), &Json::String(text.to_owned()));
        None
    }
}

/// Returns the text of a cell of a body that is UTF-8.
pub(super) fn cell_text(cell: &[u8]) -> &str {
    let text = std::str::from_utf8(cell);
    text.unwrap_or_else(|_| unreachable!("only ASCII characters separate cells"))
}
