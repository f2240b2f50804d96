//! Readings as InfluxDB's line protocol, `sensors,device=pump-7 x=1.5,y=-0.25,z=9.81 1795428000000000000`: the tag `device`
//! names the device, the fields `x`, `y` and `z` are its numbers. Whatever else a line has is passed over.

mod lines;
mod precision;

use device_stats_domain::{Axes, DeviceId, Finite, Timestamp};
use influxdb_line_protocol::{Error, FieldValue, ParsedLine, parse_lines};
use serde_json::json;

use super::batch_rows::Rows;
use super::faults::{Faults, Problem};
use super::json::Json;
use super::members::missing;
use super::values;
use crate::service::Measurement;
use lines::Lines;
pub(super) use precision::Precision;

/// The tag that names the device.
const DEVICE: &str = "device";
/// Most characters of what the reader says of a line, which may repeat parts of it.
const WORDS_CHARACTERS_MAX: usize = 200;

/// Reads points, and notes the faults of all.
pub(super) fn read(text: &str, precision: Precision, faults: &mut Faults) -> Rows<(DeviceId, Measurement)> {
    let mut rows = Rows::naming(DEVICE);
    for (index, (number, line)) in Lines::of(text).enumerate() {
        if faults.is_full() {
            break;
        }
        faults.at_line(number);
        match parse_lines(line).next().unwrap_or(Err(Error::FieldSetMissing)) {
            Ok(parsed) => {
                if let Some(row) = (Point { parsed, index, line }).read(precision, faults) {
                    rows.push_line(number, row);
                }
            }
            Err(error) => {
                let problem =
                    Problem::new("line_invalid", "Input should be a line of InfluxDB's line protocol");
                let problem = problem.with(json!({ "error": words(&error) }));
                faults.add(vec!["body".into(), index.into()], problem, &Json::String(line.to_owned()));
            }
        }
    }
    faults.at_no_line();
    rows
}

/// What is wrong with a line. The crate has no words for a line that does not even begin as one.
fn words(error: &Error) -> String {
    match error {
        Error::GenericParsingError { .. } => "Expected a measurement, tags and fields".to_owned(),
        error => error.to_string().chars().take(WORDS_CHARACTERS_MAX).collect(),
    }
}

/// A line that is line protocol.
struct Point<'a> {
    parsed: ParsedLine<'a>,
    /// Counted from 0, without lines that hold none.
    index: usize,
    line: &'a str,
}

impl Point<'_> {
    fn read(&self, precision: Precision, faults: &mut Faults) -> Option<(DeviceId, Measurement)> {
        let device = self.keep(DEVICE, self.device(), faults);
        let x = self.keep("x", self.field("x"), faults);
        let y = self.keep("y", self.field("y"), faults);
        let z = self.keep("z", self.field("z"), faults);
        let time = self.keep("timestamp", self.time(precision), faults);
        Some((device?, Measurement { time: time?, values: Axes { x, y, z }.all()? }))
    }

    fn keep<T>(&self, name: &'static str, read: Result<T, Problem>, faults: &mut Faults) -> Option<T> {
        let note = |problem| {
            let loc = vec!["body".into(), self.index.into(), name.into()];
            faults.add(loc, problem, &Json::String(self.line.to_owned()));
        };
        read.map_err(note).ok()
    }

    fn device(&self) -> Result<DeviceId, Problem> {
        let tags = self.parsed.series.tag_set.iter().flatten();
        let mut named = tags.filter(|(name, _)| name.as_str() == DEVICE).map(|(_, value)| value);
        let value = named.next().ok_or_else(|| Problem::new("missing", "Tag required"))?;
        if named.next().is_some() {
            return Err(Problem::new("repeated", "Tag is repeated"));
        }
        values::device_id_text(value.as_str())
    }

    fn field(&self, name: &str) -> Result<Finite, Problem> {
        let fields = self.parsed.field_set.iter();
        let mut named = fields.filter(|(other, _)| other.as_str() == name).map(|(_, value)| value);
        let value = named.next().ok_or_else(missing)?;
        if named.next().is_some() {
            return Err(Problem::new("repeated", "Field is repeated"));
        }
        number(value)
    }

    fn time(&self, precision: Precision) -> Result<Option<Timestamp>, Problem> {
        let micros = self.parsed.timestamp.map(|timestamp| precision.micros(timestamp));
        micros.map(values::timestamp_micros).transpose()
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rounded to the nearest double, as are the same digits of a float"
)]
fn number(value: &FieldValue<'_>) -> Result<Finite, Problem> {
    match value {
        FieldValue::F64(number) => values::finite_number(*number),
        FieldValue::I64(number) => values::finite_number(*number as f64),
        FieldValue::U64(number) => values::finite_number(*number as f64),
        FieldValue::String(_) | FieldValue::Boolean(_) => Err(values::no_number()),
    }
}
