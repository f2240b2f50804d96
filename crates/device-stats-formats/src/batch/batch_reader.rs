//! Reads the rows of a batch in any format as its body arrives.

use super::arrow_columns;
use super::batch_rows::{BatchRows, check_readings};
use super::csv_rows::CsvRowReader;
use super::json_array::JsonArrayReader;
use super::ndjson::NdjsonRowReader;
use super::on_fault::OnFault;
use super::row::Row;
use crate::body_error::BodyError;
use crate::body_receiver::{BodyReceiver, vec_bytes};
use crate::faults::Faults;
use crate::json::Json;
use crate::media_type::MediaType;
use crate::members::missing;
use crate::reading_times::ReadingTimes;
use crate::utf8_decoder::Utf8Decoder;

/// Reads the rows of a batch as its body arrives.
pub struct BatchReader<R> {
    decoder: Utf8Decoder,
    reader: FormatReader<R>,
    times: ReadingTimes,
    on_fault: OnFault,
    faults: Faults,
}

enum FormatReader<R> {
    JsonArray(JsonArrayReader<R>),
    Ndjson(NdjsonRowReader<R>),
    Csv(Box<CsvRowReader<R>>),
    /// The bytes are read at the end, because a record batch cannot be read in parts. Its columns are not
    /// copied.
    Arrow(Vec<u8>),
    /// An unknown media type, which is an error unless the body is empty.
    Other,
}

impl<R: Row> BatchReader<R> {
    /// Creates a reader of a body of this media type.
    pub fn new(media_type: MediaType, times: ReadingTimes, on_fault: OnFault) -> Self {
        let reader = match media_type {
            MediaType::Json => FormatReader::JsonArray(JsonArrayReader::default()),
            MediaType::Ndjson => FormatReader::Ndjson(NdjsonRowReader::default()),
            MediaType::Csv => FormatReader::Csv(Box::default()),
            MediaType::Arrow => FormatReader::Arrow(Vec::new()),
            MediaType::Other => FormatReader::Other,
        };
        Self { decoder: Utf8Decoder::default(), reader, times, on_fault, faults: on_fault.faults() }
    }

    /// Returns all rows, or `None` if a fault has been noted. Before memory is allocated, `reserve` is called
    /// with the total memory of the body and its rows, in bytes.
    ///
    /// # Errors
    /// [`BodyError`] if the body is not text, not an Arrow stream or too large, or its media type is
    /// unknown. [`BodyError::OutOfMemory`] if `reserve` returns false.
    pub fn finish(
        self,
        faults: &mut Faults,
        reserve: &mut dyn FnMut(usize) -> bool,
    ) -> Result<Option<BatchRows<R>>, BodyError> {
        let Self { decoder, mut reader, mut times, on_fault, faults: mut found } = self;
        let is_empty = match &reader {
            FormatReader::Arrow(bytes) => bytes.is_empty(),
            _ => decoder.finish(|text| reader.receive(text, &mut times, &mut found))?,
        };
        if is_empty {
            faults.add(vec!["body".into()], missing(), &Json::Null);
            return Ok(None);
        }
        check_readings(reader.count())?;
        let rows = match reader {
            FormatReader::JsonArray(reader) => reader.finish(&mut found),
            FormatReader::Ndjson(reader) => Some(reader.finish(&mut times, &mut found)),
            FormatReader::Csv(reader) => reader.finish(&mut times, &mut found),
            FormatReader::Arrow(bytes) => arrow_columns::read(&bytes, &mut times, &mut found, reserve)?,
            FormatReader::Other => return Err(BodyError::UnknownMediaType),
        };
        Ok(on_fault.conclude(rows, found, faults))
    }
}

impl<R: Row> FormatReader<R> {
    fn receive(&mut self, text: &str, times: &mut ReadingTimes, faults: &mut Faults) {
        match self {
            Self::JsonArray(reader) => reader.receive(text, times, faults),
            Self::Ndjson(reader) => reader.receive(text, times, faults),
            Self::Csv(reader) => reader.receive(text, times, faults),
            Self::Arrow(_) | Self::Other => {}
        }
    }

    /// Number of readings so far, faulty ones included.
    fn count(&self) -> usize {
        match self {
            Self::JsonArray(reader) => reader.count(),
            Self::Ndjson(reader) => reader.count(),
            Self::Csv(reader) => reader.count(),
            Self::Arrow(_) | Self::Other => 0,
        }
    }
}

impl<R: Row> BodyReceiver for BatchReader<R> {
    fn receive(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        let Self { decoder, reader, times, faults, .. } = self;
        match reader {
            FormatReader::Arrow(all) => all.extend_from_slice(bytes),
            _ => decoder.receive(bytes, |text| reader.receive(text, times, faults)),
        }
        check_readings(reader.count())
    }

    fn held_bytes(&self) -> usize {
        match &self.reader {
            FormatReader::JsonArray(reader) => reader.held_bytes(),
            FormatReader::Ndjson(reader) => reader.held_bytes(),
            FormatReader::Csv(reader) => reader.held_bytes(),
            FormatReader::Arrow(bytes) => vec_bytes(bytes),
            FormatReader::Other => 0,
        }
    }
}
