//! Readings as text: lines of CSV or of JSON, perhaps compressed. Numbers and times are written as in any answer, so what is
//! read back has the same bits.

use std::io::{self, Write};

use crate::export::EncodeError;
use bytes::Bytes;
use device_stats_domain::{Axes, DeviceId, Finite, Reading};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Error;

use crate::export::Encoder;

/// The columns of a table of readings, which a batch of many devices has, too.
const HEADER: &[u8] = b"device_id,timestamp,x,y,z\n";

/// How a reading is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// A line of comma-separated values (RFC 4180, but lines end with a line feed alone).
    Csv,
    /// A JSON object on a line of its own.
    Ndjson,
}

/// Writes readings as lines.
pub struct TextEncoder {
    lines: Lines,
    written: Written,
}

/// What has been written and not been handed out.
enum Written {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl TextEncoder {
    /// Writes such lines, and compresses them where that is wanted.
    pub fn new(lines: Lines, gzip: bool) -> io::Result<Self> {
        let mut written = if gzip {
            Written::Gzip(GzEncoder::new(Vec::new(), Compression::fast()))
        } else {
            Written::Plain(Vec::new())
        };
        if lines == Lines::Csv {
            written.add(HEADER.to_vec())?;
        }
        Ok(Self { lines, written })
    }
}

impl Encoder for TextEncoder {
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError> {
        let mut text = Vec::new();
        match self.lines {
            Lines::Csv => write_csv(&mut text, device, readings)?,
            Lines::Ndjson => write_ndjson(&mut text, device, readings)?,
        }
        self.written.add(text)?;
        Ok(self.written.take())
    }

    fn finish(self) -> Result<Bytes, EncodeError> {
        Ok(match self.written {
            Written::Plain(bytes) => bytes.into(),
            Written::Gzip(encoder) => encoder.finish()?.into(),
        })
    }
}

impl Written {
    fn add(&mut self, text: Vec<u8>) -> io::Result<()> {
        match self {
            Self::Plain(bytes) if bytes.is_empty() => {
                *bytes = text;
                Ok(())
            }
            Self::Plain(bytes) => bytes.write_all(&text),
            Self::Gzip(encoder) => encoder.write_all(&text),
        }
    }

    fn take(&mut self) -> Bytes {
        match self {
            Self::Plain(bytes) => std::mem::take(bytes).into(),
            Self::Gzip(encoder) => std::mem::take(encoder.get_mut()).into(),
        }
    }
}

fn write_csv(text: &mut Vec<u8>, device: &DeviceId, readings: &[Reading]) -> Result<(), EncodeError> {
    let mut cell = csv::Writer::from_writer(Vec::new());
    cell.write_record([device.as_str()])?;
    let cell = cell.into_inner().map_err(|error| error.to_string())?;
    let cell = cell.trim_ascii_end();
    for reading in readings {
        let Axes { x, y, z } = reading.values;
        text.extend_from_slice(cell);
        write!(text, ",{}", reading.time)?;
        for number in [x, y, z] {
            text.push(b',');
            write_number(text, number)?;
        }
        text.push(b'\n');
    }
    Ok(())
}

/// Writes readings of a device as lines of JSON.
pub fn write_ndjson(text: &mut Vec<u8>, device: &DeviceId, readings: &[Reading]) -> Result<(), EncodeError> {
    let device = serde_json::to_string(device.as_str())?;
    for reading in readings {
        let Axes { x, y, z } = reading.values;
        write!(text, r#"{{"device_id":{device},"timestamp":"{}""#, reading.time)?;
        for (name, number) in [(r#","x":"#, x), (r#","y":"#, y), (r#","z":"#, z)] {
            text.extend_from_slice(name.as_bytes());
            write_number(text, number)?;
        }
        text.extend_from_slice(b"}\n");
    }
    Ok(())
}

/// The shortest text that reads as the same double, as in JSON.
fn write_number(text: &mut Vec<u8>, number: Finite) -> Result<(), Error> {
    serde_json::to_writer(text, &number.get())
}
