//! Reads the readings of a body of line protocol as it arrives.

use device_stats_domain::{Axes, DeviceId, Finite, Measurement, TimeUnit, Timestamp};
use serde_json::json;

use super::line_splitter::LineSplitter;
use super::scanner::{FieldValue, LineError, Point, scan};
use crate::batch::{BatchRows, OnFault, check_readings};
use crate::body_error::BodyError;
use crate::body_receiver::BodyReceiver;
use crate::faults::{Faults, Problem};
use crate::json::Json;
use crate::members::missing;
use crate::reading_times::ReadingTimes;
use crate::utf8_decoder::Utf8Decoder;
use crate::values;

/// The tag that names the device.
const DEVICE: &str = "device";

/// Reads the readings of a body of line protocol as it arrives.
pub struct PointReader {
    decoder: Utf8Decoder,
    splitter: LineSplitter,
    points: PointRows,
    on_fault: OnFault,
}

/// The points read so far.
struct PointRows {
    times: ReadingTimes,
    rows: BatchRows<(DeviceId, Measurement)>,
    faults: Faults,
    /// Number of points, faulty ones included.
    count: usize,
}

impl PointReader {
    /// Creates a reader of a body whose timestamps have this unit, or nanoseconds.
    pub fn new(unit: Option<TimeUnit>, on_fault: OnFault) -> Self {
        let rows = BatchRows::with_device_key(DEVICE);
        let times = ReadingTimes::with_default(unit, TimeUnit::Nanoseconds);
        let points = PointRows { times, rows, faults: on_fault.faults(), count: 0 };
        Self { decoder: Utf8Decoder::default(), splitter: LineSplitter::default(), points, on_fault }
    }

    /// Returns all readings, or `None` if a fault has been noted.
    ///
    /// # Errors
    /// [`BodyError::Utf16`], [`BodyError::NotUtf8`] or [`BodyError::TooManyReadings`].
    pub fn finish(
        self,
        faults: &mut Faults,
    ) -> Result<Option<BatchRows<(DeviceId, Measurement)>>, BodyError> {
        let Self { decoder, mut splitter, mut points, on_fault } = self;
        let is_empty = decoder.finish(|text| splitter.receive(text, |line, text| points.read(line, text)))?;
        if is_empty {
            faults.add(vec!["body".into()], missing(), &Json::Null);
            return Ok(None);
        }
        if let Some((line, text)) = splitter.finish() {
            points.read(line, &text);
        }
        let PointRows { mut rows, faults: found, count, .. } = points;
        check_readings(count)?;
        rows.count_rejected(count);
        Ok(on_fault.conclude(Some(rows), found, faults))
    }
}

impl BodyReceiver for PointReader {
    fn receive(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let Self { decoder, splitter, points, .. } = self;
        decoder.receive(bytes, |text| splitter.receive(text, |line, text| points.read(line, text)));
        check_readings(points.count)
    }

    fn held_bytes(&self) -> usize {
        self.points.rows.held_bytes() + self.splitter.held_bytes()
    }
}

impl PointRows {
    /// Reads the point that begins on this line, and notes its faults.
    fn read(&mut self, line: u64, text: &str) {
        if self.faults.is_full() {
            return;
        }
        self.faults.at_line(line);
        let index = self.count;
        self.count += 1;
        match scan(text) {
            Ok(point) => {
                let mut reader = ReadingReader { point, index, text, faults: &mut self.faults };
                if let Some(row) = reader.read(&mut self.times) {
                    self.rows.push_with_line(index, line, row);
                }
            }
            Err(LineError { column, message }) => {
                let problem =
                    Problem::new("line_invalid", "Input should be a line of InfluxDB's line protocol");
                let problem = problem.with(json!({ "error": message, "column": column }));
                self.faults.add(vec!["body".into(), index.into()], problem, &Json::String(text.to_owned()));
            }
        }
    }
}

/// Reads a reading from a point.
struct ReadingReader<'a> {
    point: Point<'a>,
    /// Position of the point in the body, from 0.
    index: usize,
    text: &'a str,
    faults: &'a mut Faults,
}

impl ReadingReader<'_> {
    fn read(&mut self, times: &mut ReadingTimes) -> Option<(DeviceId, Measurement)> {
        let device = self.keep(DEVICE, self.device());
        let x = self.keep("x", self.field("x"));
        let y = self.keep("y", self.field("y"));
        let z = self.keep("z", self.field("z"));
        let time = self.keep("timestamp", self.time(times));
        Some((device?, Measurement { time: time?, values: Axes { x, y, z }.all()? }))
    }

    /// Returns the value of a result, or notes its fault.
    fn keep<T>(&mut self, name: &'static str, read: Result<T, Problem>) -> Option<T> {
        let note = |problem| {
            let loc = vec!["body".into(), self.index.into(), name.into()];
            self.faults.add(loc, problem, &Json::String(self.text.to_owned()));
        };
        read.map_err(note).ok()
    }

    fn device(&self) -> Result<DeviceId, Problem> {
        let missing = || Problem::new("missing", "Tag required");
        values::device_id_text(find_once(&self.point.tags, DEVICE, missing, "Tag is repeated")?)
    }

    fn field(&self, name: &str) -> Result<Finite, Problem> {
        finite(*find_once(&self.point.fields, name, missing, "Field is repeated")?)
    }

    fn time(&self, times: &mut ReadingTimes) -> Result<Option<Timestamp>, Problem> {
        self.point.timestamp.map(|timestamp| times.read_count(timestamp)).transpose()
    }
}

/// Returns the value of a key that occurs exactly once.
fn find_once<'a, K: AsRef<str>, V>(
    entries: &'a [(K, V)],
    key: &str,
    missing: impl Fn() -> Problem,
    repeated: &'static str,
) -> Result<&'a V, Problem> {
    let mut found = entries.iter().filter(|(other, _)| other.as_ref() == key).map(|(_, value)| value);
    let value = found.next().ok_or_else(missing)?;
    if found.next().is_some() { Err(Problem::new("repeated", repeated)) } else { Ok(value) }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rounded to the nearest double, like a float with the same digits"
)]
fn finite(value: FieldValue) -> Result<Finite, Problem> {
    match value {
        FieldValue::Float(number) => values::finite_number(number),
        FieldValue::Integer(number) => values::finite_number(number as f64),
        FieldValue::Unsigned(number) => values::finite_number(number as f64),
        FieldValue::String | FieldValue::Boolean => Err(values::not_a_number()),
    }
}
