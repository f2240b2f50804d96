//! Recognizes the format and the compression of a file by its name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use super::decompression::{Compression, decompress};

/// Format and compression of a file, as the end of its name states them: `csv`, `ndjson.gz`, `parquet` ...
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileFormat {
    pub(super) layout: Layout,
    compression: Compression,
}

/// Layout of the rows of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// A table with a header.
    Csv,
    /// A table with a header, whose cells are separated by tabs.
    Tsv,
    /// One JSON object on each line.
    Ndjson,
    /// An array of JSON objects.
    Json,
    /// An Arrow IPC stream or file.
    Arrow,
    /// A Parquet file. Its table of contents is at its end.
    Parquet,
}

impl FileFormat {
    /// Returns the format that a file name states.
    pub fn from_name(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
        name.split_once('.')?;
        let (name, compression) = match name.rsplit_once('.')? {
            (name, "gz") => (name, Compression::Gzip),
            (name, "zst") => (name, Compression::Zstd),
            _ => (name.as_str(), Compression::None),
        };
        let layout = match name.rsplit_once('.')?.1 {
            "csv" => Layout::Csv,
            "tsv" => Layout::Tsv,
            "ndjson" | "jsonl" => Layout::Ndjson,
            "json" => Layout::Json,
            "arrows" | "arrow" | "feather" => Layout::Arrow,
            "parquet" if compression == Compression::None => Layout::Parquet,
            _ => return None,
        };
        Some(Self { layout, compression })
    }

    /// Returns whether a file of this format may have to be read out of order.
    pub fn needs_seek(self) -> bool {
        matches!(self.layout, Layout::Arrow | Layout::Parquet) && self.compression == Compression::None
    }

    /// Decompresses an input. A text whose name states no compression is recognized by its first bytes.
    ///
    /// # Errors
    /// If the input cannot be read, is empty, or does not have the stated compression.
    pub(super) fn decompress(self, input: Box<dyn Read>) -> io::Result<Box<dyn Read>> {
        if self.needs_seek() { Ok(input) } else { decompress(input, self.compression) }
    }
}

impl FromStr for FileFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_start_matches('.');
        Self::from_name(Path::new(&format!("file.{text}")))
            .filter(|_| !text.contains('/'))
            .ok_or("the format is csv, tsv, ndjson, json or arrow, optionally followed by .gz or .zst, or it is parquet")
    }
}

/// The bytes of a file.
pub enum FileInput {
    /// Bytes that are read in order.
    Sequential(Box<dyn Read>),
    /// A file that may be read out of order.
    Seekable(File),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_name_a_format_and_a_compression() {
        let plain = |layout| Some(FileFormat { layout, compression: Compression::None });
        let gzip = |layout| Some(FileFormat { layout, compression: Compression::Gzip });
        let zstd = |layout| Some(FileFormat { layout, compression: Compression::Zstd });
        for (name, expected) in [
            ("a.csv", plain(Layout::Csv)),
            ("/b/a.b.NDJSON.GZ", gzip(Layout::Ndjson)),
            ("a.jsonl.zst", zstd(Layout::Ndjson)),
            ("a.json", plain(Layout::Json)),
            (".csv", plain(Layout::Csv)),
            ("a.tsv.gz", gzip(Layout::Tsv)),
            ("a.arrows.zst", zstd(Layout::Arrow)),
            ("a.Arrow", plain(Layout::Arrow)),
            ("a.feather", plain(Layout::Arrow)),
            ("a.parquet", plain(Layout::Parquet)),
            ("a.parquet.gz", None),
            ("a.csv.bz2", None),
            ("a.csv.gz.gz", None),
            ("a.gz", None),
            ("csv", None),
            ("a.txt", None),
            ("a.csv/", plain(Layout::Csv)),
            ("..", None),
        ] {
            assert_eq!(FileFormat::from_name(Path::new(name)), expected, "{name}");
        }
    }

    #[test]
    fn a_stated_format_is_the_end_of_a_name() {
        assert_eq!("csv.gz".parse(), Ok(FileFormat { layout: Layout::Csv, compression: Compression::Gzip }));
        assert_eq!(
            "JSONL".parse(),
            Ok(FileFormat { layout: Layout::Ndjson, compression: Compression::None })
        );
        for text in ["", "excel", "gz", "csv/", "parquet.gz"] {
            assert!(text.parse::<FileFormat>().is_err(), "{text}");
        }
    }
}
