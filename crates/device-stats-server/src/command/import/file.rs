//! Files by their names: what they hold, and how they are compressed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::read::MultiGzDecoder;

use super::progress::Progress;
use super::rows::RowsError;

/// What a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// A table.
    Csv,
    /// A JSON object a line.
    Ndjson,
    /// An array of JSON objects.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compression {
    None,
    Gzip,
    Zstd,
}

/// Opens a file that is what its name says; `progress` is told how much of it is read.
///
/// # Errors
/// [`RowsError::Name`] or [`RowsError::Open`].
pub(super) fn open(path: &Path, progress: &Progress) -> Result<(Format, Box<dyn Read>), RowsError> {
    let (format, compression) = named(path).ok_or_else(|| RowsError::Name(path.to_owned()))?;
    let unreadable = |error| RowsError::Open(path.to_owned(), error);
    let file = File::open(path).map_err(unreadable)?;
    let file = progress.of(file).map_err(unreadable)?;
    let input: Box<dyn Read> = match compression {
        Compression::None => Box::new(file),
        Compression::Gzip => Box::new(MultiGzDecoder::new(file)),
        Compression::Zstd => Box::new(zstd::Decoder::new(file).map_err(unreadable)?),
    };
    Ok((format, input))
}

fn named(path: &Path) -> Option<(Format, Compression)> {
    let name = path.file_name()?.to_string_lossy().to_ascii_lowercase();
    let (name, compression) = match name.rsplit_once('.')? {
        (name, "gz") => (name, Compression::Gzip),
        (name, "zst") => (name, Compression::Zstd),
        _ => (name.as_str(), Compression::None),
    };
    let format = match name.rsplit_once('.')?.1 {
        "csv" => Format::Csv,
        "ndjson" | "jsonl" => Format::Ndjson,
        "json" => Format::Json,
        _ => return None,
    };
    Some((format, compression))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_files_hold() {
        for (name, expected) in [
            ("a.csv", Some((Format::Csv, Compression::None))),
            ("/b/a.b.NDJSON.GZ", Some((Format::Ndjson, Compression::Gzip))),
            ("a.jsonl.zst", Some((Format::Ndjson, Compression::Zstd))),
            ("a.json", Some((Format::Json, Compression::None))),
            (".csv", Some((Format::Csv, Compression::None))),
            ("a.csv.bz2", None),
            ("a.csv.gz.gz", None),
            ("a.gz", None),
            ("csv", None),
            ("a.txt", None),
            ("a.csv/", Some((Format::Csv, Compression::None))),
            ("..", None),
        ] {
            assert_eq!(named(Path::new(name)), expected, "{name}");
        }
    }
}
