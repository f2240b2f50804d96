//! Encodes readings as lines of CSV or NDJSON, optionally compressed with gzip. Numbers have the shortest
//! text with the same bits.

use std::io::{self, Write};

use bytes::Bytes;
use device_stats_domain::{Axes, DeviceId, Finite, Reading};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Error;

use super::encoder::{EncodeError, Encoder};
use crate::csv::formula;

/// The header of CSV. A batch of many devices has the same header.
pub(super) const CSV_HEADER: &[u8] = b"device_id,timestamp,x,y,z\n";

/// Writes readings of a device as lines.
type WriteLines = fn(&mut Vec<u8>, &DeviceId, &[Reading]) -> Result<(), EncodeError>;

/// Encodes readings as lines.
pub(super) struct TextEncoder {
    write: WriteLines,
    output: OutputBuffer,
}

/// Bytes that have not been returned.
enum OutputBuffer {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl TextEncoder {
    /// Creates an encoder that has written the header, which may be empty.
    pub(super) fn new(header: &[u8], write: WriteLines, gzip: bool) -> io::Result<Self> {
        let mut output = if gzip {
            OutputBuffer::Gzip(GzEncoder::new(Vec::new(), Compression::fast()))
        } else {
            OutputBuffer::Plain(Vec::new())
        };
        output.add(header.to_vec())?;
        Ok(Self { write, output })
    }
}

impl Encoder for TextEncoder {
    fn encode(&mut self, device: &DeviceId, readings: &[Reading]) -> Result<Bytes, EncodeError> {
        let mut text = Vec::new();
        (self.write)(&mut text, device, readings)?;
        self.output.add(text)?;
        Ok(self.output.take())
    }

    fn finish(self: Box<Self>) -> Result<Bytes, EncodeError> {
        Ok(match self.output {
            OutputBuffer::Plain(bytes) => bytes.into(),
            OutputBuffer::Gzip(encoder) => encoder.finish()?.into(),
        })
    }
}

impl OutputBuffer {
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

/// Writes readings of a device as lines of CSV (RFC 4180, but lines end with `\n`).
///
/// # Errors
/// [`EncodeError`], always a bug.
pub(super) fn write_csv(
    text: &mut Vec<u8>,
    device: &DeviceId,
    readings: &[Reading],
) -> Result<(), EncodeError> {
    let mut cell = csv::Writer::from_writer(Vec::new());
    cell.write_record([formula::escape(device.as_str()).as_ref()])?;
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

/// Writes readings of a device as lines of NDJSON.
///
/// # Errors
/// [`EncodeError`], always a bug.
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

/// Writes the shortest text that parses to the same double.
fn write_number(text: &mut Vec<u8>, number: Finite) -> Result<(), Error> {
    serde_json::to_writer(text, &number.get())
}
