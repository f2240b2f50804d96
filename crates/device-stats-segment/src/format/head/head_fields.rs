//! The fields of a head as plain values, and their encoding. The README of this crate describes the encoding
//! byte by byte.

use device_stats_domain::{Axes, Axis};

use device_stats_exact::ExactInteger;

use crate::format::byte_reader::ByteReader;
use crate::format::codec::LEVEL_MAX;
use crate::format::fault::{Fault, Section};
use crate::format::page::Column;
use crate::format::page_layout::{COLUMNS, PageLayout, PageSizes, READINGS_MAX, count_u32};

/// The first bytes of every segment.
const MAGIC: [u8; 8] = *b"DevStSeg";
/// The written version of the format.
const VERSION: u16 = 1;
/// Size of the checksum at the end, in bytes.
const CHECKSUM_BYTES: usize = 4;

/// The fields of a head. Only their lengths have been checked.
#[derive(Debug)]
pub(crate) struct HeadFields {
    pub(crate) sizes: PageSizes,
    /// Number of readings, from 1 to [`READINGS_MAX`].
    pub(crate) readings: u32,
    pub(crate) last_us: i64,
    pub(crate) axes: Axes<AxisFields>,
    pub(crate) time_fences: Box<[i64]>,
    /// The version of pco's own format.
    pub(crate) pco_version: [u8; 2],
    /// The level of pco, from 0 to [`LEVEL_MAX`].
    pub(crate) level: u8,
    /// pco's metadata of each chunk. A dictionary has two chunks, a column of sums has one per word, and any
    /// other column has one.
    pub(crate) metas: Vec<Box<[u8]>>,
    /// The pages, in order.
    pub(crate) pages: Box<[PageEntry]>,
}

/// The fields of one axis.
#[derive(Debug)]
pub(crate) struct AxisFields {
    pub(crate) max: f64,
    pub(crate) sum: ExactInteger,
    pub(crate) squares: ExactInteger,
    pub(crate) distinct: u32,
    pub(crate) sum_exponent: i32,
    /// Number of words of a sum; at least 1.
    pub(crate) sum_words: u16,
    /// The first value of each page of the dictionary.
    pub(crate) first: Box<[f64]>,
    /// For each page, the number of readings with a value of an earlier page.
    pub(crate) below: Box<[u32]>,
}

/// A page's entry in the directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageEntry {
    /// Length of the page, in bytes.
    pub(crate) length: u32,
    /// CRC-32 of the bytes of the page.
    pub(crate) checksum: u32,
}

impl HeadFields {
    /// Returns the bytes of the head.
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        out.extend(VERSION.to_le_bytes());
        out.extend(self.pco_version);
        out.push(self.level);
        let PageSizes { rows, dictionary, sum_run, sums, block_bytes } = self.sizes;
        for number in [self.readings, rows, dictionary, sum_run, sums, block_bytes] {
            out.extend(number.to_le_bytes());
        }
        out.extend(self.last_us.to_le_bytes());
        for axis in Axis::ALL {
            self.axes.get(axis).write(&mut out);
        }
        out.extend(self.time_fences.iter().flat_map(|time| time.to_le_bytes()));
        for meta in &self.metas {
            out.extend(count_u32(meta.len()).to_le_bytes());
            out.extend(&**meta);
        }
        for page in &self.pages {
            out.extend(page.length.to_le_bytes());
            out.extend(page.checksum.to_le_bytes());
        }
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// Reads the bytes of a head. Allocates at most a small multiple of their length.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, PageLayout), Fault> {
        let mut reader = ByteReader::new(check_frame(bytes)?, Section::Head);
        let (pco_version, level) = ([reader.u8()?, reader.u8()?], reader.u8()?);
        let readings = reader.u32()?;
        let sizes = PageSizes {
            rows: reader.u32()?,
            dictionary: reader.u32()?,
            sum_run: reader.u32()?,
            sums: reader.u32()?,
            block_bytes: reader.u32()?,
        };
        if !(1..=READINGS_MAX).contains(&readings) || !sizes.is_valid() || level > LEVEL_MAX {
            return Err(Fault::in_head("its number of readings, page sizes or level are out of range"));
        }
        let last_us = reader.i64()?;
        let mut read_axis = || AxisFields::read(&mut reader, &sizes, readings);
        let axes = Axes { x: read_axis()?, y: read_axis()?, z: read_axis()? };
        let layout = PageLayout::new(sizes, readings, axes.as_ref().map(|axis| axis.distinct));
        let time_fences = reader.many(layout.pages(Column::Times) as usize, i64::from_le_bytes)?;
        let metas = COLUMNS.iter().flat_map(|column| 0..chunks(*column, &axes));
        let metas =
            metas.map(|_| reader.u32().and_then(|length| reader.bytes(length as usize)).map(Into::into));
        let metas = metas.collect::<Result<_, _>>()?;
        let pages = reader.many(layout.all_pages(), |[a, b, c, d, checksum @ ..]: [u8; 8]| PageEntry {
            length: u32::from_le_bytes([a, b, c, d]),
            checksum: u32::from_le_bytes(checksum),
        })?;
        reader.end()?;
        Ok((Self { sizes, readings, last_us, axes, time_fences, pco_version, level, metas, pages }, layout))
    }
}

/// Returns the number of pco's chunks of a column.
pub(crate) fn chunks(column: Column, fields: &Axes<AxisFields>) -> u16 {
    match column {
        Column::Times | Column::Ids | Column::Codes(_) | Column::CodeCounts(_) => 1,
        Column::Dictionary(_) => 2,
        Column::Sums(axis) => fields.get(axis).sum_words,
    }
}

/// Checks magic, version and checksum, and returns the bytes between them.
fn check_frame(bytes: &[u8]) -> Result<&[u8], Fault> {
    let mut reader = ByteReader::new(bytes, Section::Head);
    if reader.bytes(MAGIC.len()).map_err(|_| Fault::NotASegment)? != MAGIC {
        return Err(Fault::NotASegment);
    }
    let version = reader.u16()?;
    if version != VERSION {
        return Err(Fault::UnknownVersion(version));
    }
    let wrong_length = Fault::WrongLength { section: Section::Head };
    let (summed, checksum) = bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(wrong_length)?;
    if crc32fast::hash(summed) != u32::from_le_bytes(*checksum) {
        return Err(Fault::WrongChecksum { section: Section::Head });
    }
    summed.get(MAGIC.len() + size_of::<u16>()..).ok_or(wrong_length)
}

impl AxisFields {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.max.to_le_bytes());
        out.extend(self.distinct.to_le_bytes());
        out.extend(self.sum_exponent.to_le_bytes());
        out.extend(self.sum_words.to_le_bytes());
        for integer in [&self.sum, &self.squares] {
            write_integer(out, integer);
        }
        out.extend(self.first.iter().flat_map(|value| value.to_le_bytes()));
        out.extend(self.below.iter().flat_map(|count| count.to_le_bytes()));
    }

    fn read(reader: &mut ByteReader<'_>, sizes: &PageSizes, readings: u32) -> Result<Self, Fault> {
        let (max, distinct, sum_exponent, sum_words) =
            (reader.f64()?, reader.u32()?, reader.i32()?, reader.u16()?);
        if !(1..=readings).contains(&distinct) {
            return Err(Fault::in_head("an axis has no value, or more values than readings"));
        }
        let (sum, squares) = (read_integer(reader)?, read_integer(reader)?);
        let fences = distinct.div_ceil(sizes.dictionary) as usize;
        let first = reader.many(fences, f64::from_le_bytes)?;
        let below = reader.many(fences, u32::from_le_bytes)?;
        Ok(Self { max, sum, squares, distinct, sum_exponent, sum_words, first, below })
    }
}

fn read_integer(reader: &mut ByteReader<'_>) -> Result<ExactInteger, Fault> {
    let (exponent, words) = (reader.i32()?, reader.u16()?);
    let words = reader.many(usize::from(words), u64::from_le_bytes)?;
    ExactInteger::from_lowest_terms(exponent, &words).ok_or(Fault::in_head("a sum is not in lowest terms"))
}

#[expect(clippy::expect_used, reason = "a sum must not be cut off")]
fn write_integer(out: &mut Vec<u8>, integer: &ExactInteger) {
    let words = integer.to_words();
    out.extend(integer.exponent().to_le_bytes());
    out.extend(u16::try_from(words.len()).expect("an exact sum has fewer than 2^16 words").to_le_bytes());
    out.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}
