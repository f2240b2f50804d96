//! Requests that are written once, and get other times before each time they are sent: so a client costs the machine
//! little beside the server.

use device_stats_domain::Timestamp;

use super::arrow_batch::{self as arrow, ArrowBody};
use super::{Arguments, Format, Shape};

/// The second in which the first request of each client lies, since 1970 UTC: 2020.
const FIRST_SECOND: i64 = 1_577_836_800;
/// Characters of a time up to its seconds.
const SECOND_CHARACTERS: usize = "2020-01-01T00:00:00".len();

/// The requests of one client.
pub(super) struct Bodies {
    request: Vec<u8>,
    times: Times,
    /// The second in which the next request lies, and how far the one after it lies behind.
    second: i64,
    step: i64,
}

/// Where the times are in a request.
enum Times {
    /// As texts, whose seconds change.
    Texts(Vec<usize>),
    /// So many numbers of microseconds, side by side from there on, each one more than the one before.
    Micros { place: usize, count: u32 },
}

/// What is posted, and to where.
struct Posted {
    path: String,
    content_type: &'static str,
    body: Vec<u8>,
    times: Times,
}

/// The numbers of a reading, as of a 16-bit sensor.
pub(super) fn numbers(seed: u32) -> [f64; 3] {
    [7_919, 104_729, 1_299_709].map(|factor| f64::from(seed.wrapping_mul(factor) % 65_536) / 2_048.0 - 16.0)
}

impl Bodies {
    /// The requests of the client of that number.
    ///
    /// # Errors
    /// Where a batch cannot be written.
    pub(super) fn of(arguments: &Arguments, client: u32) -> anyhow::Result<Self> {
        let Arguments { address, shape, clients, .. } = arguments;
        // Clients that post for the same devices take turns with the seconds.
        let (second, step) = (FIRST_SECOND + i64::from(client), i64::from(*clients));
        if *shape == Shape::Live {
            let request = format!("GET /health/live HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
            return Ok(Self { request, times: Times::Texts(Vec::new()), second, step });
        }
        let Posted { path, content_type, body, mut times } = Posted::of(arguments, client)?;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        match &mut times {
            Times::Texts(places) => places.iter_mut().for_each(|place| *place += head.len()),
            Times::Micros { place, .. } => *place += head.len(),
        }
        Ok(Self { request: [head.into_bytes(), body].concat(), times, second, step })
    }

    /// The next request; none once no later time can be written.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let micros = self.second.checked_mul(1_000_000)?;
        match &self.times {
            Times::Texts(places) => {
                let time = Timestamp::from_micros(micros).ok()?.to_string();
                let digits = time.as_bytes().get(..SECOND_CHARACTERS)?;
                for place in places {
                    self.request.get_mut(*place..*place + SECOND_CHARACTERS)?.copy_from_slice(digits);
                }
            }
            Times::Micros { place, count } => {
                let (numbers, _) = self.request.get_mut(*place..)?.as_chunks_mut();
                for (number, offset) in numbers.iter_mut().zip(0..*count) {
                    *number = (micros + i64::from(offset)).to_le_bytes();
                }
            }
        }
        self.second += self.step;
        Some(&self.request)
    }
}

impl Posted {
    fn of(arguments: &Arguments, client: u32) -> anyhow::Result<Self> {
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
            let ArrowBody { bytes, times } =
                arrow::write(*readings, (*shape == Shape::ManyDevices).then_some(device))?;
            let times = Times::Micros { place: times, count: *readings };
            return Ok(Self { path, content_type, body: bytes, times });
        }
        let mut rows = Rows { format: *format, text: String::new(), times: Vec::new() };
        match shape {
            Shape::Live | Shape::Single => {
                rows.format = Format::Ndjson;
                rows.push(client, None, 0);
            }
            Shape::OneDevice => rows.write((0..*readings).map(|row| (row, None))),
            Shape::ManyDevices => rows.write((0..*readings).map(|row| (row, Some(device(row))))),
        }
        let Rows { text, times, .. } = rows;
        Ok(Self { path, content_type, body: text.into_bytes(), times: Times::Texts(times) })
    }
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

/// The rows of a batch.
struct Rows {
    format: Format,
    text: String,
    times: Vec<usize>,
}

impl Rows {
    fn write(&mut self, rows: impl Iterator<Item = (u32, Option<String>)>) {
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

    /// A reading so many microseconds into the second.
    fn push(&mut self, seed: u32, device: Option<&str>, micros: u32) {
        let [x, y, z] = numbers(seed);
        let place = match self.format {
            Format::Csv => {
                if let Some(device) = device {
                    self.text.push_str(device);
                    self.text.push(',');
                }
                let place = self.text.len();
                let rest = format!("2020-01-01T00:00:00.{micros:06}Z,{x},{y},{z}\n");
                self.text.push_str(&rest);
                place
            }
            Format::Arrow | Format::Json | Format::Ndjson => {
                self.text.push('{');
                if let Some(device) = device {
                    self.text.extend([r#""device_id":""#, device, r#"","#]);
                }
                self.text.push_str(r#""timestamp":""#);
                let place = self.text.len();
                let rest = format!(r#"2020-01-01T00:00:00.{micros:06}Z","x":{x},"y":{y},"z":{z}}}"#);
                self.text.push_str(&rest);
                place
            }
        };
        self.times.push(place);
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
        }
    }

    fn body(shape: Shape, format: Format, turns: usize) -> String {
        let mut bodies = Bodies::of(&arguments(shape, format), 1).unwrap();
        let mut request = Vec::new();
        for _ in 0..turns {
            request = bodies.next().unwrap().to_vec();
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
    fn an_arrow_stream_has_its_own_times_too() {
        for shape in [Shape::OneDevice, Shape::ManyDevices] {
            let mut bodies = Bodies::of(&arguments(shape, Format::Arrow), 1).unwrap();
            bodies.next().unwrap();
            let request = bodies.next().unwrap();
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
