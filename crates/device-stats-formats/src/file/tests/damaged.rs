//! Files that are empty, cut off, or of another format than their names state. The errors are in our own
//! words: no text of a library is in them.

use std::fs;
use std::path::Path;

use device_stats_domain::error_chain;

use super::collect;
use crate::file::{FileFormat, FileInput, FileOptions, FileReader, FileRow, encode_body};

const NDJSON: &str = "{\"device_id\":\"a\",\"x\":1,\"y\":2,\"z\":3,\"timestamp\":\"2026-11-23\"}\n";
const CSV: &str = "device_id,timestamp,x,y,z\na,2026-11-23,1,2,3\n";

/// Reads a file, and returns the error as a command prints it.
fn error(folder: &Path, name: &str, bytes: &[u8]) -> String {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    let input = FileInput::Seekable(fs::File::open(&path).unwrap());
    let format = FileFormat::from_name(&path).unwrap();
    let mut reader = FileReader::open(&path, format, input, &FileOptions::default());
    let error = match &mut reader {
        Ok(reader) => collect(reader).err(),
        Err(_) => None,
    };
    let error = error.or_else(|| reader.err()).unwrap_or_else(|| panic!("{name} is read"));
    error_chain(&error).replace(&format!("{}/", folder.display()), "")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = zstd::Encoder::new(Vec::new(), 1).unwrap();
    encoder.include_checksum(true).unwrap();
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

fn arrow() -> Vec<u8> {
    let json = super::read(super::Layout::Ndjson, NDJSON.as_bytes(), &FileOptions::default()).unwrap();
    let rows: Vec<FileRow> = json.rows;
    encode_body(&rows)
}

fn parquet() -> Vec<u8> {
    fs::read(super::parquet::int96_file(&[(2_440_588, 0)]).path()).unwrap()
}

fn flipped(mut bytes: Vec<u8>, position: usize) -> Vec<u8> {
    bytes[position] ^= 0xff;
    bytes
}

fn cut(bytes: &[u8], removed: usize) -> &[u8] {
    &bytes[..bytes.len() - removed]
}

#[test]
fn an_empty_file_is_called_empty() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["a.csv", "a.tsv", "a.json", "a.arrow", "a.arrows", "a.feather", "a.parquet"] {
        assert_eq!(error(folder.path(), name, b""), format!("{name}: the file is empty"));
    }
    for name in ["a.csv", "a.json", "a.arrows", "a.ndjson"] {
        for name in [format!("{name}.gz"), format!("{name}.zst")] {
            let expected = format!("cannot read {name}: the file is empty");
            assert_eq!(error(folder.path(), &name, b""), expected);
        }
    }
    for name in ["a.csv", "a.json", "a.arrows"] {
        let expected = |name: &str| format!("{name}: the file is empty");
        let (gz, zst) = (format!("{name}.gz"), format!("{name}.zst"));
        assert_eq!(error(folder.path(), &gz, &gzip(b"")), expected(&gz));
        assert_eq!(error(folder.path(), &zst, &zstd(b"")), expected(&zst));
    }
    assert_eq!(error(folder.path(), "a.csv", "\u{feff}".as_bytes()), "a.csv: the file is empty");
    assert_eq!(error(folder.path(), "a.json", "\u{feff}".as_bytes()), "a.json: the file is empty");
    assert_eq!(error(folder.path(), "a.json", b" \n\n"), "a.json:3: the file is empty");
}

#[test]
fn a_damaged_compression_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let (gz, zst) = (gzip(CSV.repeat(99).as_bytes()), zstd(CSV.repeat(99).as_bytes()));
    let damaged_zstd =
        "the file is damaged, or was compressed with a window of more than 128 MiB (zstd --long=28 or more)";
    for (name, bytes, expected) in [
        ("a.csv.gz", CSV.as_bytes(), "the file is not compressed with gzip"),
        ("a.csv.gz", &zst[..], "the file is not compressed with gzip, but with zstd"),
        ("a.csv.gz", &gz[..1], "the file is not compressed with gzip"),
        ("a.csv.gz", &gz[..6], "the file is cut off: the end of its gzip data is missing"),
        ("a.csv.gz", cut(&gz, 20), "the file is cut off: the end of its gzip data is missing"),
        ("a.csv.gz", cut(&gz, 1), "the file is cut off: the end of its gzip data is missing"),
        (
            "a.csv.gz",
            &flipped(gz.clone(), gz.len() - 8),
            "the file is damaged: its gzip data cannot be decompressed",
        ),
        ("a.csv.gz", &flipped(gz.clone(), 10), "the file is damaged: its gzip data cannot be decompressed"),
        (
            "a.csv.gz",
            &[&gz[..], b"the rest of another file"].concat(),
            "the file is damaged: its gzip data cannot be decompressed",
        ),
        ("a.csv.zst", CSV.as_bytes(), "the file is not compressed with zstd"),
        ("a.csv.zst", &gz[..], "the file is not compressed with zstd, but with gzip"),
        ("a.csv.zst", &zst[..6], "the file is cut off: the end of its zstd data is missing"),
        ("a.csv.zst", cut(&zst, 1), "the file is cut off: the end of its zstd data is missing"),
        ("a.csv.zst", &flipped(zst.clone(), zst.len() - 1), damaged_zstd),
        (
            "a.ndjson.gz",
            cut(&gzip(NDJSON.as_bytes()), 1),
            "the file is cut off: the end of its gzip data is missing",
        ),
        ("a.json.zst", cut(&zstd(b"[]"), 1), "the file is cut off: the end of its zstd data is missing"),
        ("a.arrows.gz", cut(&gzip(&arrow()), 9), "the file is cut off: the end of its gzip data is missing"),
    ] {
        assert_eq!(error(folder.path(), name, bytes), format!("cannot read {name}: {expected}"));
    }
}

#[test]
fn a_damaged_format_is_described() {
    let folder = tempfile::tempdir().unwrap();
    let (arrow, parquet) = (arrow(), parquet());
    let json = format!("[{NDJSON}]");
    let neither = "the file is neither an Arrow file nor an Arrow stream";
    let encrypted = [b"PARE", &parquet[4..]].concat();
    let wrong_length = flipped(parquet.clone(), parquet.len() - 6);
    for (name, bytes, expected) in [
        ("a.json", cut(json.as_bytes(), 1), "the array is not closed"),
        ("a.json", NDJSON.as_bytes(), "if it holds an object on each line, add --format ndjson"),
        ("a.json", CSV.as_bytes(), "the file must contain an array of objects"),
        ("a.arrow", CSV.as_bytes(), neither),
        ("a.arrows", b"PAR", neither),
        ("a.arrows.gz", &gzip(CSV.as_bytes()), neither),
        ("a.arrow", cut(&arrow, 9), "the stream is cut off"),
        ("a.arrow", b"ARROW1\0\0", "the file is cut off: its footer is missing"),
        ("a.parquet", CSV.as_bytes(), "the file is not Parquet"),
        ("a.parquet", b"PA", "the file is not Parquet"),
        ("a.parquet", &arrow, "the file is not Parquet"),
        ("a.parquet", cut(&parquet, 1), "the file is cut off: the Parquet footer at its end is missing"),
        ("a.parquet", &encrypted, "the file is encrypted, which is not supported"),
        ("a.parquet", &wrong_length, "the file is damaged"),
        ("a.csv", cut(b"device_id,x,y,z\na,1,2,\"3\"", 1), "the input ends inside quotes"),
    ] {
        let error = error(folder.path(), name, bytes);
        assert!(error.starts_with(name) && error.ends_with(expected), "{error}");
    }
    // Any change of a byte is read or described, and never described by a library.
    for position in 0..parquet.len() {
        let path = folder.path().join("b.parquet");
        fs::write(&path, flipped(parquet.clone(), position)).unwrap();
        let input = FileInput::Seekable(fs::File::open(&path).unwrap());
        let format = FileFormat::from_name(&path).unwrap();
        let reader = FileReader::open(&path, format, input, &FileOptions::default());
        if let Err(error) = reader.and_then(|mut reader| collect(&mut reader)) {
            let error = error_chain(&error);
            let ours = ["the file is ", "header.", "the file has "];
            assert!(ours.iter().any(|part| error.contains(part)), "{position}: {error}");
        }
    }
}
