//! Files by their names: what they hold, and how they are compressed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::RowsError;

/// What a file holds that is read from its beginning to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// A table.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// An array of JSON objects.
    Json,
    /// Batches of columns, as a stream or as a file.
    Arrow,
}

/// A file that is ready to be read.
pub enum Opened {
    /// From its beginning to its end.
    Input(FileFormat, Box<dyn Read>),
    /// Here and there: Parquet has its contents at its end.
    Parquet(File),
}

/// What a name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Input(FileFormat, Compression),
    Parquet,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Opens a file that is what its name says; `track` wraps it before it is decompressed.
///
/// # Errors
/// [`RowsError::Name`] or [`RowsError::Open`].
pub fn open(path: &Path, track: impl FnOnce(File) -> io::Result<Box<dyn Read>>) -> Result<Opened, RowsError> {
    let named = named(path).ok_or_else(|| RowsError::Name(path.to_owned()))?;
    let unreadable = |error| RowsError::Open(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let Named::Input(format, compression) = named else { return Ok(Opened::Parquet(file)) };
    let file = track(file).map_err(unreadable)?;
    let input: Box<dyn Read> = match compression {
        Compression::None => file,
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(unreadable)?),
    };
    Ok(Opened::Input(format, input))
}

fn named(path: &Path) -> Option<Named> {
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
        "parquet" if compression == Compression::None => return Some(Named::Parquet),
        _ => return None,
    };
    Some(Named::Input(format, compression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_hold() {
        for (name, expected) in [
            ("a.csv", Some(Named::Input(FileFormat::Csv, Compression::None))),
            ("/b/a.b.NDJSON.GZ", Some(Named::Input(FileFormat::Ndjson, Compression::Gzip))),
            ("a.jsonl.zst", Some(Named::Input(FileFormat::Ndjson, Compression::Zstd))),
            ("a.json", Some(Named::Input(FileFormat::Json, Compression::None))),
            (".csv", Some(Named::Input(FileFormat::Csv, Compression::None))),
            ("a.arrows.zst", Some(Named::Input(FileFormat::Arrow, Compression::Zstd))),
            ("a.Arrow", Some(Named::Input(FileFormat::Arrow, Compression::None))),
            ("a.parquet", Some(Named::Parquet)),
            ("a.parquet.gz", None),
            ("a.csv.bz2", None),
            ("a.csv.gz.gz", None),
            ("a.gz", None),
            ("csv", None),
            ("a.txt", None),
            ("a.csv/", Some(Named::Input(FileFormat::Csv, Compression::None))),
            ("..", None),
        ] {
            assert_eq!(named(Path::new(name)), expected, "{name}");
        }
    }
}
