//! A request that is formatted once and gets new times before each use. A client therefore needs little CPU
//! time, which it shares with the server.

use device_stats_domain::Timestamp;

use super::arguments::{Arguments, Format, Shape};
use super::arrow_batch::ArrowBatch;
use super::sensor_values::sensor_values;
use crate::connection::post_head;

/// Time of the first request, in seconds since 1970 UTC: the start of 2020.
const FIRST_SECOND: i64 = 1_577_836_800;
/// Length of the text of a time without fractions of a second, in bytes.
const SECOND_BYTES: usize = "2020-01-01T00:00:00".len();

/// The request of one client.
pub(crate) struct RequestTemplate {
    request: Vec<u8>,
    times: Times,
    /// Time of the next request, in seconds since 1970 UTC.
    second: i64,
    /// Seconds between two requests.
    step: i64,
}

/// The times in a request.
enum Times {
    /// RFC 3339 texts at these offsets. Only their seconds change.
    Texts(Vec<usize>),
    /// `count` consecutive numbers of microseconds at `offset`, each one larger than the previous one.
    Micros { offset: usize, count: u32 },
}

/// Path, content and times of a request.
struct PostRequest {
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
    times: Times,
}

impl RequestTemplate {
    /// Formats the request of a client with a token, if it has one.
    ///
    /// # Errors
    /// If a batch cannot be encoded.
    pub(crate) fn new(arguments: &Arguments, token: Option<&str>, client: u32) -> anyhow::Result<Self> {
        let Arguments { address, shape, clients, .. } = arguments;
        // Several clients may post for the same device. Each of n clients uses every n-th second, so that no
        // time occurs twice.
        let (second, step) = (FIRST_SECOND + i64::from(client), i64::from(*clients));
        if *shape == Shape::Live {
            let request = format!("GET /health/live HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
            return Ok(Self { request, times: Times::Texts(Vec::new()), second, step });
        }
        let PostRequest { path, content_type, body, mut times } = PostRequest::new(arguments, client)?;
        let head = post_head(address, token, &path, content_type, body.len());
        match &mut times {
            Times::Texts(offsets) => offsets.iter_mut().for_each(|offset| *offset += head.len()),
            Times::Micros { offset, .. } => *offset += head.len(),
        }
        Ok(Self { request: [head.into_bytes(), body].concat(), times, second, step })
    }

    /// Returns the next request, or `None` after the last representable time.
    ///
    /// # Panics
    /// If a time has a wrong offset.
    #[expect(clippy::expect_used, reason = "the offsets were determined when the request was formatted")]
    pub(crate) fn next(&mut self) -> Option<&[u8]> {
        let micros = self.second.checked_mul(1_000_000)?;
        match &self.times {
            Times::Texts(offsets) => {
                let time = Timestamp::from_micros(micros).ok()?.to_string();
                let digits = time.as_bytes().get(..SECOND_BYTES).expect("a time with seconds");
                for offset in offsets {
                    let text = self.request.get_mut(*offset..*offset + SECOND_BYTES);
                    text.expect("a time in the request").copy_from_slice(digits);
                }
            }
            Times::Micros { offset, count } => {
                let (numbers, _) =
                    self.request.get_mut(*offset..).expect("times in the request").as_chunks_mut();
                for (number, row) in numbers.iter_mut().zip(0..*count) {
                    *number = (micros + i64::from(row)).to_le_bytes();
                }
            }
        }
        self.second += self.step;
        Some(&self.request)
    }
}

impl PostRequest {
    fn new(arguments: &Arguments, client: u32) -> anyhow::Result<Self> {
        let Arguments { shape, format, readings, devices, .. } = arguments;
        let device = |row: u32| arguments.device_id((row + client) % devices);
        let path = match shape {
            Shape::Live | Shape::Single => format!("/api/v1/stats/devices/{}", arguments.device_id(client)),
            Shape::OneDevice => format!("/api/v1/stats/devices/{}/batch", arguments.device_id(client)),
            Shape::ManyDevices => "/api/v1/stats/batch".to_owned(),
        };
        let content_type = match shape {
            Shape::Single => "application/json",
            _ => format.content_type(),
        };
        if *format == Format::Arrow && *shape != Shape::Single {
            let ArrowBatch { bytes, times_offset } =
                ArrowBatch::encode(*readings, (*shape == Shape::ManyDevices).then_some(device))?;
            let times = Times::Micros { offset: times_offset, count: *readings };
            return Ok(Self { path, content_type, body: bytes, times });
        }
        let mut rows = TextRows { format: *format, text: String::new(), times: Vec::new() };
        match shape {
            Shape::Live | Shape::Single => {
                rows.format = Format::Ndjson;
                rows.push(client, None, 0);
            }
            Shape::OneDevice => rows.push_batch((0..*readings).map(|row| (row, None))),
            Shape::ManyDevices => rows.push_batch((0..*readings).map(|row| (row, Some(device(row))))),
        }
        let TextRows { text, times, .. } = rows;
        Ok(Self { path, content_type, body: text.into_bytes(), times: Times::Texts(times) })
    }
}

/// The rows of a text format.
struct TextRows {
    format: Format,
    text: String,
    /// Offsets of the times.
    times: Vec<usize>,
}

impl TextRows {
    fn push_batch(&mut self, rows: impl Iterator<Item = (u32, Option<String>)>) {
        if self.format == Format::Json {
            self.text.push('[');
        }
        for (row, device) in rows {
            if row == 0 && self.format == Format::Csv {
                self.text.push_str(if device.is_some() {
                    "device_id,timestamp,x,y,z\n"
                } else {
                    "timestamp,x,y,z\n"
                });
            }
            if row > 0 && self.format == Format::Json {
                self.text.push(',');
            }
            self.push(row, device.as_deref(), row);
            if self.format == Format::Ndjson {
                self.text.push('\n');
            }
        }
        if self.format == Format::Json {
            self.text.push(']');
        }
    }

    /// Appends a reading at a microsecond of the second.
    fn push(&mut self, seed: u32, device: Option<&str>, micros: u32) {
        let [x, y, z] = sensor_values(seed);
        let offset = match self.format {
            Format::Csv => {
                if let Some(device) = device {
                    self.text.push_str(device);
                    self.text.push(',');
                }
                let offset = self.text.len();
                let rest = format!("2020-01-01T00:00:00.{micros:06}Z,{x},{y},{z}\n");
                self.text.push_str(&rest);
                offset
            }
            Format::Arrow | Format::Json | Format::Ndjson => {
                self.text.push('{');
                if let Some(device) = device {
                    self.text.extend([r#""device_id":""#, device, r#"","#]);
                }
                self.text.push_str(r#""timestamp":""#);
                let offset = self.text.len();
                let rest = format!(r#"2020-01-01T00:00:00.{micros:06}Z","x":{x},"y":{y},"z":{z}}}"#);
                self.text.push_str(&rest);
                offset
            }
        };
        self.times.push(offset);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(shape: Shape, format: Format) -> Arguments {
        let address = "127.0.0.1:1".to_owned();
        let prefix = "ingest".to_owned();
        let requests_max = u64::MAX;
        Arguments {
            address,
            shape,
            format,
            clients: 3,
            seconds: 1.0,
            requests_max,
            prefix,
            readings: 2,
            devices: 5,
            admin_token: None,
        }
    }

    fn body(shape: Shape, format: Format, turns: usize) -> String {
        let mut template = RequestTemplate::new(&arguments(shape, format), None, 1).unwrap();
        let mut request = Vec::new();
        for _ in 0..turns {
            request = template.next().unwrap().to_vec();
        }
        let request = String::from_utf8(request).unwrap();
        let (head, body) = request.split_once("\r\n\r\n").unwrap();
        let length = format!("content-length: {}", body.len());
        assert!(body.is_empty() || head.ends_with(&length), "{head}");
        body.to_owned()
    }

    #[test]
    fn each_request_has_its_own_times() {
        assert_eq!(body(Shape::Live, Format::Csv, 2), "");
        assert_eq!(
            body(Shape::Single, Format::Csv, 1),
            r#"{"timestamp":"2020-01-01T00:00:01.000000Z","x":-12.13330078125,"y":3.13720703125,"z":10.62353515625}"#
        );
        assert_eq!(
            body(Shape::OneDevice, Format::Csv, 2),
            "timestamp,x,y,z\n2020-01-01T00:00:04.000000Z,-16,-16,-16\n\
             2020-01-01T00:00:04.000001Z,-12.13330078125,3.13720703125,10.62353515625\n"
        );
        assert_eq!(
            body(Shape::ManyDevices, Format::Json, 1),
            r#"[{"device_id":"ingest-1","timestamp":"2020-01-01T00:00:01.000000Z","x":-16,"y":-16,"z":-16},"#
                .to_owned()
                + r#"{"device_id":"ingest-2","timestamp":"2020-01-01T00:00:01.000001Z","x":-12.13330078125,"y":3.13720703125,"z":10.62353515625}]"#
        );
    }

    #[test]
    fn each_arrow_request_has_its_own_times() {
        for shape in [Shape::OneDevice, Shape::ManyDevices] {
            let mut template = RequestTemplate::new(&arguments(shape, Format::Arrow), None, 1).unwrap();
            template.next().unwrap();
            let request = template.next().unwrap();
            let body = request.windows(4).position(|window| window == b"\r\n\r\n").unwrap() + 4;
            let mut reader = arrow_ipc::reader::StreamReader::try_new(&request[body..], None).unwrap();
            let batch = reader.next().unwrap().unwrap();
            let times = batch.column(0).as_any().downcast_ref::<arrow_array::TimestampMicrosecondArray>();
            let first = (FIRST_SECOND + 4) * 1_000_000;
            assert_eq!(times.unwrap().values().as_ref(), [first, first + 1]);
            assert_eq!(batch.num_columns(), if shape == Shape::OneDevice { 4 } else { 5 });
        }
    }
}
