//! What the head of a segment says, as plain values, and how they stand in its bytes. The README of this crate has the
//! same byte by byte.

use device_stats_domain::{Axes, Axis};

use crate::format::byte_reader::Reader;
use crate::format::codec::LEVEL_MAX;
use crate::format::page_layout::{COLUMNS, Layout, PageSizes, of};
use crate::{Column, ExactInteger, Fault, READINGS_MAX};

/// What every segment begins with.
const MAGIC: [u8; 8] = *b"DevStSeg";
/// The version of the format that is written.
const VERSION: u16 = 1;
/// Bytes of the checksum at the end.
const CHECKSUM_BYTES: usize = 4;
/// What faults call the head.
const PART: &str = "the head";

/// The head of a segment, not looked into any further.
#[derive(Debug)]
pub(crate) struct HeadFields {
    pub(crate) sizes: PageSizes,
    /// From 1 to [`READINGS_MAX`].
    pub(crate) readings: u32,
    pub(crate) last_us: i64,
    pub(crate) axes: Axes<AxisFields>,
    pub(crate) time_fences: Box<[i64]>,
    /// The version of pco's own format.
    pub(crate) pco_version: [u8; 2],
    /// The level of pco, from 0 to [`LEVEL_MAX`].
    pub(crate) level: u8,
    /// What pco has to know of each chunk: two of a dictionary, one of each word of the sums, one of other columns.
    pub(crate) metas: Vec<Box<[u8]>>,
    /// The pages, in order.
    pub(crate) pages: Box<[PageEntry]>,
}

/// What the head says of one axis.
#[derive(Debug)]
pub(crate) struct AxisFields {
    pub(crate) max: f64,
    pub(crate) sum: ExactInteger,
    pub(crate) squares: ExactInteger,
    pub(crate) distinct: u32,
    pub(crate) sum_exponent: i32,
    /// From 1 up.
    pub(crate) sum_words: u16,
    /// The first value of each page of the dictionary.
    pub(crate) first: Box<[f64]>,
    /// How many readings have a value of an earlier page.
    pub(crate) below: Box<[u32]>,
}

/// What the directory says of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PageEntry {
    /// Its length in bytes.
    pub(crate) length: u32,
    /// The CRC-32 of its bytes.
    pub(crate) checksum: u32,
}

impl HeadFields {
    /// The bytes of the head.
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
            of(&self.axes, axis).write(&mut out);
        }
        out.extend(self.time_fences.iter().flat_map(|time| time.to_le_bytes()));
        for meta in &self.metas {
            write_length(&mut out, meta.len());
            out.extend(&**meta);
        }
        for page in &self.pages {
            out.extend(page.length.to_le_bytes());
            out.extend(page.checksum.to_le_bytes());
        }
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    /// Reads the bytes of a head. Allocates no more than they are long, times a small factor.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Layout), Fault> {
        let mut reader = Reader::new(check_frame(bytes)?, PART);
        let (pco_version, level) = ([reader.u8()?, reader.u8()?], reader.u8()?);
        let readings = reader.u32()?;
        let sizes = PageSizes {
            rows: reader.u32()?,
            dictionary: reader.u32()?,
            sum_run: reader.u32()?,
            sums: reader.u32()?,
            block_bytes: reader.u32()?,
        };
        if !(1..=READINGS_MAX).contains(&readings) || !sizes.sane() || level > LEVEL_MAX {
            return Err(inconsistent("it cannot have so many readings, pages of that size or that level"));
        }
        let last_us = reader.i64()?;
        let mut read_axis = || AxisFields::read(&mut reader, &sizes, readings);
        let axes = Axes { x: read_axis()?, y: read_axis()?, z: read_axis()? };
        let layout = Layout::new(sizes, readings, axes.as_ref().map(|axis| axis.distinct));
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

/// How many of pco's chunks a column is.
pub(crate) fn chunks(column: Column, fields: &Axes<AxisFields>) -> u16 {
    match column {
        Column::Times | Column::Ids | Column::Codes(_) => 1,
        Column::Dictionary(_) => 2,
        Column::Sums(axis) => of(fields, axis).sum_words,
    }
}

/// That the bytes are a whole head of a version that is known; what is between magic, version and checksum.
fn check_frame(bytes: &[u8]) -> Result<&[u8], Fault> {
    let mut reader = Reader::new(bytes, PART);
    if reader.bytes(MAGIC.len()).map_err(|_| Fault::NotASegment)? != MAGIC {
        return Err(Fault::NotASegment);
    }
    let version = reader.u16()?;
    if version != VERSION {
        return Err(Fault::UnknownVersion(version));
    }
    let (summed, checksum) =
        bytes.split_last_chunk::<CHECKSUM_BYTES>().ok_or(Fault::WrongLength { part: PART.to_owned() })?;
    if crc32fast::hash(summed) != u32::from_le_bytes(*checksum) {
        return Err(Fault::WrongChecksum { part: PART.to_owned() });
    }
    summed.get(MAGIC.len() + size_of::<u16>()..).ok_or(Fault::WrongLength { part: PART.to_owned() })
}

/// A fault of the head.
pub(crate) fn inconsistent(what: &'static str) -> Fault {
    Fault::Inconsistent { part: PART.to_owned(), what }
}

fn write_length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

impl AxisFields {
    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.max.to_le_bytes());
        out.extend(self.distinct.to_le_bytes());
        out.extend(self.sum_exponent.to_le_bytes());
        out.extend(self.sum_words.to_le_bytes());
        for integer in [&self.sum, &self.squares] {
            out.extend(integer.exponent.to_le_bytes());
            out.extend(u16::try_from(integer.words.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend(integer.words.iter().flat_map(|word| word.to_le_bytes()));
        }
        out.extend(self.first.iter().flat_map(|value| value.to_le_bytes()));
        out.extend(self.below.iter().flat_map(|count| count.to_le_bytes()));
    }

    fn read(reader: &mut Reader<'_>, sizes: &PageSizes, readings: u32) -> Result<Self, Fault> {
        let (max, distinct, sum_exponent, sum_words) =
            (reader.f64()?, reader.u32()?, reader.i32()?, reader.u16()?);
        if !(1..=readings).contains(&distinct) {
            return Err(inconsistent("an axis has from one value to as many as readings"));
        }
        let (sum, squares) = (read_integer(reader)?, read_integer(reader)?);
        let fences = distinct.div_ceil(sizes.dictionary) as usize;
        let first = reader.many(fences, f64::from_le_bytes)?;
        let below = reader.many(fences, u32::from_le_bytes)?;
        Ok(Self { max, sum, squares, distinct, sum_exponent, sum_words, first, below })
    }
}

fn read_integer(reader: &mut Reader<'_>) -> Result<ExactInteger, Fault> {
    let (exponent, words) = (reader.i32()?, reader.u16()?);
    Ok(ExactInteger { exponent, words: reader.many(usize::from(words), u64::from_le_bytes)? })
}
