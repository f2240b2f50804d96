//! Readings as InfluxDB's line protocol, `sensors,device=pump-7 x=1.5,y=-0.25,z=9.81 1795428000000000000`: the tag `device`
//! names the device, the fields `x`, `y` and `z` are its numbers. Whatever else a line has is passed over.

mod lines;
mod precision;
#[cfg(test)]
mod tests;

use device_stats_domain::{Axes, DeviceId, Finite, Timestamp};
use influxdb_line_protocol::{Error, FieldValue, ParsedLine, parse_lines};
use serde_json::json;

use crate::batch::Rows;
use crate::body_receiver::Receive;
use crate::error::FormatError;
use crate::faults::{Faults, Problem};
use crate::json::Json;
use crate::members::missing;
use crate::utf8_decoder::Characters;
use crate::values;
use device_stats_domain::Measurement;
use lines::Lines;
pub use precision::Precision;

/// The tag that names the device.
const DEVICE: &str = "device";
/// Most characters of what the reader says of a line, which may repeat parts of it.
const WORDS_CHARACTERS_MAX: usize = 200;

/// From how many bytes on lines are read that have arrived: they are found by looking at all that has.
const WINDOW_BYTES: usize = 64 * 1024;

/// Reads points while they arrive.
pub struct PointReader {
    precision: Precision,
    characters: Characters,
    points: PointRows,
    faults: Faults,
}

/// The points so far.
struct PointRows {
    rows: Rows<(DeviceId, Measurement)>,
    /// How many there were.
    index: usize,
    /// What has not been read, and its line, counted from 1.
    text: String,
    number: u64,
    /// How long that has to be to be looked at. A line that is not complete is looked at again when there is twice as much.
    look_at: usize,
    /// How long it has to be at least.
    window_bytes: usize,
}

impl PointReader {
    /// Nothing has arrived yet.
    pub fn new(precision: Precision) -> Self {
        Self::with_window(precision, WINDOW_BYTES)
    }

    fn with_window(precision: Precision, window_bytes: usize) -> Self {
        let (rows, text, look_at) = (Rows::naming(DEVICE), String::new(), window_bytes);
        let points = PointRows { rows, index: 0, text, number: 1, look_at, window_bytes };
        Self { precision, characters: Characters::default(), points, faults: Faults::default() }
    }

    /// All points; `None` where a fault has been noted.
    ///
    /// # Errors
    /// No characters.
    pub fn finish(self, faults: &mut Faults) -> Result<Option<Rows<(DeviceId, Measurement)>>, FormatError> {
        let Self { precision, characters, mut points, faults: mut found } = self;
        let is_empty = characters.finish(|text| points.text.push_str(text))?;
        if is_empty {
            faults.add(vec!["body".into()], missing(), &Json::Null);
            return Ok(None);
        }
        let text = std::mem::take(&mut points.text);
        for (number, line) in Lines::from_line(&text, points.number) {
            points.read(number, line, precision, &mut found);
        }
        faults.append(found);
        Ok(faults.is_empty().then_some(points.rows))
    }
}

impl Receive for PointReader {
    fn receive(&mut self, bytes: &[u8]) {
        let Self { precision, characters, points, faults } = self;
        characters.take(bytes, |text| points.text.push_str(text));
        if points.text.len() >= points.look_at {
            points.read_whole_lines(*precision, faults);
        }
    }

    fn held_bytes(&self) -> usize {
        self.points.rows.held_bytes() + self.points.text.capacity()
    }
}

impl PointRows {
    /// Reads all lines whose end has arrived, and keeps the rest.
    fn read_whole_lines(&mut self, precision: Precision, faults: &mut Faults) {
        let mut text = std::mem::take(&mut self.text);
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let mut lines = Lines::from_line(text.split_at(whole).0, self.number);
        let mut left = whole;
        while let Some((number, line)) = lines.next() {
            if lines.is_at_end() {
                // A text in quotes may go on behind the end of the line.
                (left, self.number) = (lines.begin(), number);
                break;
            }
            self.read(number, line, precision, faults);
        }
        if left == whole {
            self.number = lines.number();
        }
        text.drain(..left);
        self.look_at = self.window_bytes.max(text.len() * 2);
        self.text = text;
    }

    /// Reads a point, and notes its faults.
    fn read(&mut self, number: u64, line: &str, precision: Precision, faults: &mut Faults) {
        if faults.is_full() {
            return;
        }
        faults.at_line(number);
        let index = self.index;
        self.index += 1;
        match parse_lines(line).next().unwrap_or(Err(Error::FieldSetMissing)) {
            Ok(parsed) => {
                if let Some(row) = (Point { parsed, index, line }).read(precision, faults) {
                    self.rows.push_line(number, row);
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
