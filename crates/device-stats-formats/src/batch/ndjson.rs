//! Rows as NDJSON: a JSON object a line. A line that is no JSON is a fault of its row alone.

use serde_json::json;

use super::{Row, Rows, plain_object, read_object};
use crate::faults::{Faults, Problem};
use crate::json::{Json, NotJson};

/// Reads objects, one a line, as far as they have arrived. Lines of nothing but JSON's white space are passed over.
pub struct LineReader<R> {
    rows: Rows<R>,
    /// How many lines there were, and how many of them held something.
    lines: u64,
    index: usize,
    /// A line whose end has not arrived.
    begun: String,
}

impl<R> Default for LineReader<R> {
    fn default() -> Self {
        Self { rows: Rows::default(), lines: 0, index: 0, begun: String::new() }
    }
}

impl<R: Row> LineReader<R> {
    /// Takes the next characters.
    pub fn take(&mut self, text: &str, faults: &mut Faults) {
        if faults.is_full() {
            return;
        }
        let Some((mut whole, begun)) = text.rsplit_once('\n') else {
            self.begun.push_str(text);
            return;
        };
        if !self.begun.is_empty() {
            let (end, rest) = whole.split_once('\n').map_or((whole, None), |(end, rest)| (end, Some(rest)));
            let mut line = std::mem::take(&mut self.begun);
            line.push_str(end);
            self.read(&line, faults);
            let Some(rest) = rest else {
                self.begun.push_str(begun);
                return;
            };
            whole = rest;
        }
        for line in whole.split('\n') {
            self.read(line, faults);
        }
        self.begun.push_str(begun);
    }

    /// How much memory what has been read takes, in bytes.
    pub fn held_bytes(&self) -> usize {
        self.rows.held_bytes() + self.begun.capacity()
    }

    /// All rows, behind the last characters.
    pub fn finish(mut self, faults: &mut Faults) -> Rows<R> {
        let last = std::mem::take(&mut self.begun);
        if !last.is_empty() {
            self.read(&last, faults);
        }
        self.rows
    }

    /// Reads a line, which may still have the first half of its end.
    fn read(&mut self, line: &str, faults: &mut Faults) {
        self.lines += 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        if faults.is_full() || line.trim_matches([' ', '\t', '\r']).is_empty() {
            return;
        }
        faults.at_line(self.lines);
        let row = plain_object::read(line).and_then(R::from_plain);
        if let Some(row) = row.or_else(|| read_any(line, self.index, faults)) {
            self.rows.push_line(self.lines, row);
        }
        self.index += 1;
    }
}

/// Reads a line whatever it holds, and notes its faults.
fn read_any<R: Row>(line: &str, index: usize, faults: &mut Faults) -> Option<R> {
    match Json::parse(line) {
        Ok(value) => read_object(&value, index, faults),
        Err(NotJson { position, error }) => {
            let ctx = json!({ "error": error, "column": position + 1 });
            let problem = Problem::new("json_invalid", "JSON decode error").with(ctx);
            faults.add(vec!["body".into(), index.into()], problem, &Json::String(line.to_owned()));
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::DeviceId;
    use proptest::prelude::*;

    use super::*;
    use device_stats_domain::Measurement;

    /// Texts of numbers and other values, usual and unusual.
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

    /// Lines that are rows, and lines that nearly are.
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
        let Some(quick) = plain_object::read(line).and_then(R::from_plain) else { return };
        let mut faults = Faults::default();
        assert_eq!(read_any(line, 0, &mut faults), Some(quick), "{line}");
        assert!(faults.is_empty(), "{line}: {faults:?}");
    }

    proptest! {
        #[test]
        fn the_quick_way_reads_what_the_other_one_reads(line in line()) {
            check::<Measurement>(&line);
            check::<(DeviceId, Measurement)>(&line);
        }

        #[test]
        fn usual_rows_go_the_quick_way(x: i32, y in -1e300..1e300_f64, z in -1e-300..1e-300_f64, second in 0..60) {
            let line = format!(
                r#" {{"z":{z:e},"timestamp":"2026-11-23T10:00:{second:02}Z","x":{x},"y" : {y}}}"#
            );
            let row = plain_object::read(&line).and_then(Measurement::from_plain).unwrap();
            prop_assert_eq!(row.values.map(|value| value.get().to_bits()).x, f64::from(x).to_bits());
            prop_assert_eq!(row.values.y.get().to_bits(), y.to_bits());
            prop_assert_eq!(row.values.z.get().to_bits(), (z + 0.0).to_bits());
            prop_assert!(row.time.is_some());
            let named = line.replacen('{', r#"{"device_id":"pump 7","#, 1);
            prop_assert!(plain_object::read(&named).and_then(<(DeviceId, Measurement)>::from_plain).is_some());
        }
    }

    #[test]
    fn rows_know_their_lines() {
        let text = "\n{\"x\":1,\"y\":2,\"z\":3}\r\n \t\r\n\n{\"x\":1,\"y\":2,\"z\":3}";
        let mut reader = LineReader::<Measurement>::default();
        reader.take(text, &mut Faults::default());
        let rows = reader.finish(&mut Faults::default());
        assert_eq!((rows.rows.len(), rows.places.lines), (2, vec![2, 5]));
    }
}
