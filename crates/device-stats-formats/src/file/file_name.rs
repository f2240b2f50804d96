//! Recognizes the format and the compression of a file by its name.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::file_error::FileError;

/// Format of a file that is read sequentially.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileFormat {
    /// A table with a header.
    Csv,
    /// One JSON object on each line.
    Ndjson,
    /// An array of JSON objects.
    Json,
    /// An Arrow IPC stream or file.
    Arrow,
}

/// An open file.
pub(super) enum OpenedFile {
    /// A file that is read sequentially, decompressed.
    Sequential(FileFormat, Box<dyn Read>),
    /// A file with its table of contents at its end.
    Parquet(File),
}

/// Format that a file name states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum NamedFormat {
    Sequential(FileFormat, Compression),
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Opens a file whose name states its format. `track` wraps the file before it is decompressed.
///
/// # Errors
/// [`FileError::UnknownName`] or [`FileError::Unreadable`].
pub(super) fn open(
    path: &Path,
    track: impl FnOnce(File) -> io::Result<Box<dyn Read>>,
) -> Result<OpenedFile, FileError> {
    let named = from_name(path).ok_or_else(|| FileError::UnknownName(path.to_owned()))?;
    let unreadable = |error| FileError::Unreadable(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let NamedFormat::Sequential(format, compression) = named else { return Ok(OpenedFile::Parquet(file)) };
    let file = track(file).map_err(unreadable)?;
    let input: Box<dyn Read> = match compression {
        Compression::None => file,
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(unreadable)?),
    };
    Ok(OpenedFile::Sequential(format, input))
}

fn from_name(path: &Path) -> Option<NamedFormat> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let (name, compression) = match name.rsplit_once('.')? {
        (name, "gz") => (name, Compression::Gzip),
        (name, "zst") => (name, Compression::Zstd),
        _ => (name.as_str(), Compression::None),
    };
    let format = match name.rsplit_once('.')?.1 {
        "csv" => FileFormat::Csv,
        "ndjson" | "jsonl" => FileFormat::Ndjson,
        "json" => FileFormat::Json,
        "arrows" | "arrow" => FileFormat::Arrow,
        "parquet" if compression == Compression::None => return Some(NamedFormat::Parquet),
        _ => return None,
    };
    Some(NamedFormat::Sequential(format, compression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_name_a_format_and_a_compression() {
        for (name, expected) in [
            ("a.csv", Some(NamedFormat::Sequential(FileFormat::Csv, Compression::None))),
            ("/b/a.b.NDJSON.GZ", Some(NamedFormat::Sequential(FileFormat::Ndjson, Compression::Gzip))),
            ("a.jsonl.zst", Some(NamedFormat::Sequential(FileFormat::Ndjson, Compression::Zstd))),
            ("a.json", Some(NamedFormat::Sequential(FileFormat::Json, Compression::None))),
            (".csv", Some(NamedFormat::Sequential(FileFormat::Csv, Compression::None))),
            ("a.arrows.zst", Some(NamedFormat::Sequential(FileFormat::Arrow, Compression::Zstd))),
            ("a.Arrow", Some(NamedFormat::Sequential(FileFormat::Arrow, Compression::None))),
            ("a.parquet", Some(NamedFormat::Parquet)),
            ("a.parquet.gz", None),
            ("a.csv.bz2", None),
            ("a.csv.gz.gz", None),
            ("a.gz", None),
            ("csv", None),
            ("a.txt", None),
            ("a.csv/", Some(NamedFormat::Sequential(FileFormat::Csv, Compression::None))),
            ("..", None),
        ] {
            assert_eq!(from_name(Path::new(name)), expected, "{name}");
        }
    }
}
