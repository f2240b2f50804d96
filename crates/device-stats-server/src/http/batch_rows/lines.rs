//! Rows as NDJSON: a JSON object a line. A line that is no JSON is a fault of its row alone.

use serde_json::json;

use super::{Row, Rows, plain, read_object};
use crate::http::faults::{Faults, Problem};
use crate::http::json::{Json, NotJson};

/// Reads objects, one a line. Lines of nothing but JSON's white space are passed over.
pub(super) fn read<R: Row>(text: &str, faults: &mut Faults) -> Rows<R> {
    let mut rows = Rows::default();
    let mut index = 0;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_matches([' ', '\t', '\r']).is_empty() {
            continue;
        }
        if faults.is_full() {
            break;
        }
        faults.at_line(number);
        if let Some(row) = plain::read(line).and_then(R::from_plain).or_else(|| read_any(line, index, faults))
        {
            rows.push_line(number, row);
        }
        index += 1;
    }
    rows
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
    use crate::service::Measurement;

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
        let Some(quick) = plain::read(line).and_then(R::from_plain) else { return };
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
            let row = plain::read(&line).and_then(Measurement::from_plain).unwrap();
            prop_assert_eq!(row.values.map(|value| value.get().to_bits()).x, f64::from(x).to_bits());
            prop_assert_eq!(row.values.y.get().to_bits(), y.to_bits());
            prop_assert_eq!(row.values.z.get().to_bits(), (z + 0.0).to_bits());
            prop_assert!(row.time.is_some());
            let named = line.replacen('{', r#"{"device_id":"pump 7","#, 1);
            prop_assert!(plain::read(&named).and_then(<(DeviceId, Measurement)>::from_plain).is_some());
        }
    }

    #[test]
    fn rows_know_their_lines() {
        let text = "\n{\"x\":1,\"y\":2,\"z\":3}\r\n \t\r\n\n{\"x\":1,\"y\":2,\"z\":3}";
        let rows = read::<Measurement>(text, &mut Faults::default());
        assert_eq!((rows.rows.len(), rows.places.lines), (2, vec![2, 5]));
    }
}
