//! Errors of a file.

use std::io;
use std::path::PathBuf;

use super::column_guess::Guess;

/// Reason why a file cannot be read to its end.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The name of the file does not name a format.
    #[error(
        "the name of {} names no known format: use .csv, .tsv, .ndjson, .jsonl, .json, .arrows, .arrow or .feather, each \
         optionally followed by .gz or .zst, or use .parquet; or state the format with --format",
        .0.display()
    )]
    UnknownName(PathBuf),
    /// The file cannot be opened, read or decompressed.
    #[error("cannot read {}", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    /// The file as a whole breaks a rule.
    #[error("{}: {problem}", file.display())]
    File {
        /// The file.
        file: PathBuf,
        /// Description of the rule.
        problem: String,
    },
    /// The file has no bytes.
    #[error("{}: the file is empty", .0.display())]
    Empty(PathBuf),
    /// A line of the file breaks a rule.
    #[error("{}:{line}: {problem}", file.display())]
    Line {
        /// The file.
        file: PathBuf,
        /// Line number, from 1.
        line: u64,
        /// Description of the rule.
        problem: String,
    },
    /// The columns of the file are not the columns of readings.
    #[error("{}{}: {problem}", file.display(), line.map(|line| format!(":{line}")).unwrap_or_default())]
    Columns {
        /// The file.
        file: PathBuf,
        /// Line number of the header, from 1, if the file consists of lines.
        line: Option<u64>,
        /// Description of the difference.
        problem: String,
        /// Options with which the file can probably be read.
        guess: Option<Guess>,
    },
}
