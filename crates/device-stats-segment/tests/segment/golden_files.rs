//! The golden files: every version that was released can be read.

use std::fs;
use std::path::{Path, PathBuf};

use device_stats_segment::{Head, Row, Segment};

use crate::golden_rows::golden;
use crate::golden_writer;

fn path(name: &str, extension: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(format!("{name}.{extension}"))
}

/// Reads a golden file as a segment. Its blocks are concatenated.
fn read(name: &str) -> Segment {
    let head = fs::read(path(name, "head")).unwrap();
    let mut rest = fs::read(path(name, "blocks")).unwrap();
    let mut blocks = Vec::new();
    for length in Head::open(&head).unwrap().block_bytes() {
        let others = rest.split_off(*length as usize);
        blocks.push(rest);
        rest = others;
    }
    assert_eq!(rest, []);
    Segment { head, blocks }
}

#[test]
fn golden_files_are_read() {
    for (name, _, rows) in golden() {
        let segment = read(name);
        let bits = |row: &Row| (row.time_us, row.id, row.values.map(f64::to_bits));
        assert!(segment.rows().unwrap().iter().map(bits).eq(rows.iter().map(bits)), "{name}");
        segment.verify().unwrap();
    }
}

/// A new version of pco may give other bytes. Then new golden files are added and compared instead.
#[test]
fn golden_files_are_written() {
    for (name, effort, rows) in golden() {
        assert_eq!(Segment::encode(&rows, effort).unwrap(), read(name), "{name}");
    }
}

/// The writer overwrote the files that it should protect.
#[test]
fn a_golden_file_is_never_overwritten() {
    let folder = tempfile::tempdir().unwrap();
    let (name, ..) = &golden()[3];
    let existing = folder.path().join(format!("{name}.blocks"));
    fs::write(&existing, b"older").unwrap();
    assert!(golden_writer::write(folder.path()).is_err());
    assert_eq!(fs::read(&existing).unwrap(), b"older");
}
