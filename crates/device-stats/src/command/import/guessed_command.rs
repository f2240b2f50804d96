//! The guessed command for the import of a file with other columns.

use std::path::{Path, PathBuf};

use anyhow::anyhow;
use device_stats_formats::file::{DecimalMark, FileError, Guess};

/// Adds the guessed command to an error about the columns of a file.
pub(super) fn explain(error: anyhow::Error, files: &[PathBuf]) -> anyhow::Error {
    match error.downcast_ref::<FileError>() {
        Some(FileError::Columns { file, guess: Some(guess), problem, line: _ }) => {
            let flags = flags(guess, file);
            let files: Vec<String> = files.iter().map(|file| quote(&file.to_string_lossy())).collect();
            let doubts: Vec<String> = guess.doubts.iter().map(|doubt| format!("\nBUT: {doubt}")).collect();
            anyhow!(
                "{}: {problem}\nnothing was sent; if this guess is right, use this command with your other options:\n  \
                 device-stats import {} {flags}{}",
                file.display(),
                files.join(" "),
                doubts.concat(),
            )
        }
        _ => error,
    }
}

/// Returns the flags that state a guess.
fn flags(guess: &Guess, file: &Path) -> String {
    let mut flags = Vec::new();
    if let Some(comment) = guess.comment {
        flags.push("--comment".to_owned());
        flags.push(comment.name());
    }
    if let Some(delimiter) = guess.delimiter {
        flags.push("--delimiter".to_owned());
        flags.push(delimiter.name());
    }
    if guess.decimal_mark == Some(DecimalMark::Comma) {
        flags.push("--decimal".to_owned());
        flags.push(",".to_owned());
    }
    for choice in &guess.columns {
        flags.push("--map".to_owned());
        flags.push(choice.to_string());
    }
    if guess.needs_device {
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = name.split('.').next().unwrap_or_default().to_owned();
        flags.push("--device".to_owned());
        flags.push(if name.is_empty() { "NAME".to_owned() } else { name });
    }
    if guess.ignores_unknown {
        flags.push("--ignore-unknown".to_owned());
    }
    let quoted: Vec<String> = flags.iter().map(|flag| quote(flag)).collect();
    quoted.join(" ")
}

/// Returns a word in quotation marks, if a shell would otherwise change it.
fn quote(word: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./,:=+@%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use device_stats_formats::file::ColumnChoice;

    use super::*;

    #[test]
    fn a_guess_becomes_flags_for_a_shell() {
        let columns = ["timestamp=Time", "x=Acc'X [g]"].map(|choice| choice.parse::<ColumnChoice>().unwrap());
        let guess = Guess {
            comment: Some("#".parse().unwrap()),
            delimiter: Some(";".parse().unwrap()),
            decimal_mark: Some(DecimalMark::Comma),
            columns: columns.to_vec(),
            needs_device: true,
            ignores_unknown: true,
            doubts: Vec::new(),
        };
        assert_eq!(
            flags(&guess, Path::new("a/pump 7.csv")),
            "--comment '#' --delimiter ';' --decimal , --map timestamp=Time --map 'x=Acc'\\''X [g]' --device 'pump 7' --ignore-unknown"
        );
    }
}
