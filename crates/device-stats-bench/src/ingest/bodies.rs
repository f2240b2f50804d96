//! Requests that are written once, and get other times before each time they are sent: so a client costs the machine
//! little beside the server.

use device_stats_domain::Timestamp;

use super::{Arguments, Format, Shape};

/// The second in which the first request of each client lies, since 1970 UTC: 2020.
const FIRST_SECOND: i64 = 1_577_836_800;
/// Characters of a time up to its seconds.
const SECOND_CHARACTERS: usize = "2020-01-01T00:00:00".len();

/// The requests of one client.
pub(super) struct Bodies {
    request: Vec<u8>,
    /// Where the times are in it.
    times: Vec<usize>,
    /// The second in which the next request lies, and how far the one after it lies behind.
    second: i64,
    step: i64,
}

/// The name of a device.
pub(super) fn device_id(number: u32) -> String {
    format!("ingest-{number}")
}

impl Bodies {
    pub(super) fn of(arguments: &Arguments, client: u32) -> Self {
        let Arguments { address, shape, format, clients, readings, devices, .. } = arguments;
        let mut rows = Rows { format: *format, text: String::new(), times: Vec::new() };
        let (path, content_type) = match shape {
            Shape::Live => {
                let request = format!("GET /health/live HTTP/1.1\r\nhost: {address}\r\n\r\n").into_bytes();
                return Self { request, times: Vec::new(), second: FIRST_SECOND, step: 0 };
            }
            Shape::Single => {
                rows.format = Format::Ndjson;
                rows.push(client, None, 0);
                (format!("/api/v1/stats/devices/{}", device_id(client)), "application/json")
            }
            Shape::OneDevice => {
                rows.write((0..*readings).map(|row| (row, None)));
                (format!("/api/v1/stats/devices/{}/batch", device_id(client)), format.content_type())
            }
            Shape::ManyDevices => {
                rows.write((0..*readings).map(|row| (row, Some((row + client) % devices))));
                ("/api/v1/stats/batch".to_owned(), format.content_type())
            }
        };
        let Rows { text, mut times, .. } = rows;
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: {content_type}\r\ncontent-length: {}\r\n\r\n",
            text.len()
        );
        for place in &mut times {
            *place += head.len();
        }
        // Clients that post for the same devices take turns with the seconds.
        let second = FIRST_SECOND + i64::from(client);
        Self { request: (head + &text).into_bytes(), times, second, step: i64::from(*clients) }
    }

    /// The next request; none once no later time can be written.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let time = Timestamp::from_micros(self.second.checked_mul(1_000_000)?).ok()?.to_string();
        let digits = time.as_bytes().get(..SECOND_CHARACTERS)?;
        for place in &self.times {
            self.request.get_mut(*place..*place + SECOND_CHARACTERS)?.copy_from_slice(digits);
        }
        self.second += self.step;
        Some(&self.request)
    }
}

impl Format {
    fn content_type(self) -> &'static str {
        match self {
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
    fn write(&mut self, rows: impl Iterator<Item = (u32, Option<u32>)>) {
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
            self.push(row, device, row);
            if self.format == Format::Ndjson {
                self.text.push('\n');
            }
        }
        if self.format == Format::Json {
            self.text.push(']');
        }
    }

    /// A reading so many microseconds into the second; numbers as of a 16-bit sensor.
    fn push(&mut self, seed: u32, device: Option<u32>, micros: u32) {
        let number = |factor: u32| f64::from(seed.wrapping_mul(factor) % 65_536) / 2_048.0 - 16.0;
        let [x, y, z] = [7_919, 104_729, 1_299_709].map(number);
        let device = device.map(device_id);
        let place = match self.format {
            Format::Csv => {
                if let Some(device) = device {
                    self.text.push_str(&device);
                    self.text.push(',');
                }
                let place = self.text.len();
                let rest = format!("2020-01-01T00:00:00.{micros:06}Z,{x},{y},{z}\n");
                self.text.push_str(&rest);
                place
            }
            Format::Json | Format::Ndjson => {
                self.text.push('{');
                if let Some(device) = device {
                    self.text.extend([r#""device_id":""#, &device, r#"","#]);
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
        Arguments { address, shape, format, clients: 3, seconds: 1.0, readings: 2, devices: 5 }
    }

    fn body(shape: Shape, format: Format, turns: usize) -> String {
        let mut bodies = Bodies::of(&arguments(shape, format), 1);
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
}
