//! Errors of a file.

use std::io;
use std::path::{Path, PathBuf};

use crate::faults::{Faults, LocationStep};

/// Reason why a file cannot be imported to its end.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The name of the file does not name a format.
    #[error(
        "the name of {} names no known format: use .csv, .ndjson, .jsonl, .json, .arrows or .arrow, each optionally \
         followed by .gz or .zst, or use .parquet",
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
}

impl FileError {
    /// Describes the faults of the columns of a file. Their locations are those in a request, but without the
    /// step `body`.
    pub(super) fn from_column_faults(file: &Path, line: Option<u64>, faults: Faults) -> Self {
        let problems: Vec<String> = faults
            .into_vec()
            .iter()
            .map(|fault| {
                let steps: Vec<String> = fault.loc.iter().skip(1).map(step_text).collect();
                format!("{}: {}", steps.join("."), fault.msg)
            })
            .collect();
        let (file, problem) = (file.to_owned(), problems.join("; "));
        match line {
            Some(line) => Self::Line { file, line, problem },
            None => Self::File { file, problem },
        }
    }
}

fn step_text(step: &LocationStep) -> String {
    match step {
        LocationStep::Name(name) => name.to_string(),
        LocationStep::Index(index) => index.to_string(),
    }
}
