//! Rows as NDJSON: one JSON object on each line. A line that is not JSON is a fault of its row alone.

use serde_json::json;

use super::batch_rows::BatchRows;
use super::json_row::read_row;
use super::plain_object;
use super::row::Row;
use crate::faults::{Faults, Problem};
use crate::json::{Json, JsonError};
use crate::reading_times::ReadingTimes;

/// Reads rows as their text arrives. Lines that contain only JSON white space are ignored.
pub(super) struct NdjsonRowReader<R> {
    rows: BatchRows<R>,
    /// Number of complete lines, blank ones included.
    lines: u64,
    /// Number of rows, faulty ones included.
    count: usize,
    /// Beginning of a line whose end has not arrived.
    begun: String,
}

impl<R> Default for NdjsonRowReader<R> {
    fn default() -> Self {
        Self { rows: BatchRows::default(), lines: 0, count: 0, begun: String::new() }
    }
}

impl<R: Row> NdjsonRowReader<R> {
    /// Takes the next characters.
    pub(super) fn receive(&mut self, text: &str, times: &mut ReadingTimes, faults: &mut Faults) {
        let mut rest = text;
        while let Some((line, after)) = rest.split_once('\n').filter(|_| !faults.is_full()) {
            rest = after;
            if self.begun.is_empty() {
                self.read(line, times, faults);
            } else {
                self.begun.push_str(line);
                let line = std::mem::take(&mut self.begun);
                self.read(&line, times, faults);
            }
        }
        if !faults.is_full() {
            self.begun.push_str(rest);
        }
    }

    /// Number of rows so far, faulty ones included.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Memory held, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.rows.held_bytes() + self.begun.capacity()
    }

    /// Returns all rows after the last characters.
    pub(super) fn finish(mut self, times: &mut ReadingTimes, faults: &mut Faults) -> BatchRows<R> {
        let last = std::mem::take(&mut self.begun);
        if !last.is_empty() {
            self.read(&last, times, faults);
        }
        self.rows.count_rejected(self.count);
        self.rows
    }

    /// Reads a line without its line feed.
    fn read(&mut self, line: &str, times: &mut ReadingTimes, faults: &mut Faults) {
        self.lines += 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if faults.is_full() || line.trim_matches([' ', '\t', '\r']).is_empty() {
            return;
        }
        faults.at_line(self.lines);
        let row = plain_object::read(line, times).and_then(R::from_plain_object);
        if let Some(row) = row.or_else(|| read_any(line, self.count, times, faults)) {
            self.rows.push_with_line(self.count, self.lines, row);
        }
        self.count += 1;
    }
}

/// Reads any line, and notes its faults.
fn read_any<R: Row>(line: &str, index: usize, times: &mut ReadingTimes, faults: &mut Faults) -> Option<R> {
    match Json::parse(line) {
        Ok(value) => read_row(&value, index, times, faults),
        Err(JsonError { position, error }) => {
            let ctx = json!({ "error": error, "column": position + 1 });
            let problem = Problem::new("json_invalid", "JSON decode error").with(ctx);
            faults.add(vec!["body".into(), index.into()], problem, &Json::String(line.to_owned()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{DeviceId, Measurement};
    use proptest::prelude::*;

    use super::*;

    /// Values of members, usual and unusual ones.
    fn value() -> impl Strategy<Value = String> {
        prop_oneof![
            any::<f64>().prop_map(|number| format!("{number:?}")),
            any::<i64>().prop_map(|number| number.to_string()),
            "-?[0-9]{1,25}(\\.[0-9]{1,30})?([eE][+-]?[0-9]{1,4})?",
            "\"2026-11-2[0-9]T1[0-9]:00:00(\\.[0-9]{1,9})?(Z|\\+01:00)?\"",
            "\"[a-z. \\\\u0041]{0,6}\"",
            Just("null".to_owned()),
            Just("true".to_owned()),
            Just("[1]".to_owned()),
        ]
    }

    /// Lines that are valid rows, and lines with small errors.
    fn line() -> impl Strategy<Value = String> {
        let name = prop::sample::select(vec!["x", "y", "z", "timestamp", "device_id", "unit", "\\u0078"]);
        let members = prop::collection::vec((name, value()), 0..6);
        let noise = prop::sample::select(vec!["", "", "", " ", "\r", ",", "}", "1"]);
        (members, noise).prop_map(|(members, noise)| {
            let members: Vec<String> =
                members.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            format!("{{{}}}{noise}", members.join(","))
        })
    }

    fn check<R: Row + PartialEq + std::fmt::Debug>(line: &str) {
        let mut times = ReadingTimes::new(None);
        let Some(plain) = plain_object::read(line, &mut times).and_then(R::from_plain_object) else { return };
        let (mut times, mut faults) = (ReadingTimes::new(None), Faults::default());
        assert_eq!(read_any(line, 0, &mut times, &mut faults), Some(plain), "{line}");
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }

    proptest! {
        #[test]
        fn plain_objects_are_read_as_by_the_general_reader(line in line()) {
            check::<Measurement>(&line);
            check::<(DeviceId, Measurement)>(&line);
        }

        #[test]
        fn usual_rows_are_plain_objects(x: i32, y in -1e300..1e300_f64, z in -1e-300..1e-300_f64, second in 0..60) {
            let line = format!(
                r#" {{"z":{z:e},"timestamp":"2026-11-23T10:00:{second:02}Z","x":{x},"y" : {y}}}"#
            );
            let read = |line: &str| plain_object::read(line, &mut ReadingTimes::new(None));
            let row = read(&line).and_then(Measurement::from_plain_object).unwrap();
            prop_assert_eq!(row.values.map(|value| value.get().to_bits()).x, f64::from(x).to_bits());
            prop_assert_eq!(row.values.y.get().to_bits(), y.to_bits());
            prop_assert_eq!(row.values.z.get().to_bits(), (z + 0.0).to_bits());
            prop_assert!(row.time.is_some());
            let named = line.replacen('{', r#"{"device_id":"pump 7","#, 1);
            prop_assert!(read(&named).and_then(<(DeviceId, Measurement)>::from_plain_object).is_some());
        }
    }

    #[test]
    fn rows_have_the_numbers_of_their_lines() {
        let text = "\n{\"x\":1,\"y\":2,\"z\":3}\r\n \t\r\n\n{\"x\":1,\"y\":2,\"z\":3}";
        let mut reader = NdjsonRowReader::<Measurement>::default();
        let mut times = ReadingTimes::new(None);
        reader.receive(text, &mut times, &mut Faults::default());
        let rows = reader.finish(&mut times, &mut Faults::default());
        assert_eq!((rows.rows.len(), rows.locations.lines()), (2, &[2, 5][..]));
    }
}
