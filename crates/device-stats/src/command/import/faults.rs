//! Reports of faulty rows, with their locations in the files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use device_stats_client::Fault;
use device_stats_formats::file::{RowFault, RowNumbering, RowPosition};

use super::batch::Batch;
use crate::command::plural::plural;

/// Maximum number of faults that are printed at once.
const PRINTED_FAULTS_MAX: usize = 100;
/// Maximum number of faults with the same reason that are printed at once.
const PRINTED_ALIKE_MAX: usize = 5;
/// Maximum number of rows that an error names.
const NAMED_ROWS_MAX: usize = 20;

/// The error of an import that found faulty rows.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct FaultsFound(pub(super) String);

/// Prints a property of a file that the reader has recognized without an option.
pub(super) fn print_note(file: &Path, note: &str) -> anyhow::Result<()> {
    writeln!(std::io::stderr(), "note: {}: {note}", file.display())?;
    Ok(())
}

/// Prints each fault of a batch with its location in the file, and returns the error of the import.
pub(super) fn report_faults(batch: &Batch) -> anyhow::Result<FaultsFound> {
    let mut stderr = std::io::stderr().lock();
    let (mut printed, mut count) = (0, 0);
    let mut counts: BTreeMap<(Option<&str>, String), (&RowFault, usize)> = BTreeMap::new();
    for row in &batch.rejected {
        for fault in &row.faults {
            count += 1;
            let (_, alike) = counts.entry(reason(fault)).or_insert((fault, 0));
            *alike += 1;
            if *alike <= PRINTED_ALIKE_MAX && printed < PRINTED_FAULTS_MAX {
                printed += 1;
                writeln!(stderr, "{}", locate(&batch.file, batch.numbering, row.position, fault))?;
            }
        }
    }
    for (fault, alike) in counts.values().filter(|(_, alike)| *alike > PRINTED_ALIKE_MAX) {
        let more = describe(&batch.file.display().to_string(), fault);
        writeln!(stderr, "{more} (and so in {alike} rows)")?;
    }
    let rows: Vec<u64> =
        batch.rejected.iter().map(|row| batch.rows_before + row.position.index + 1).collect();
    let (faults, file) = (plural(count, "fault"), batch.file.display());
    if batch.rows.is_empty() && rows.len() > 1 && counts.values().any(|(_, alike)| *alike == rows.len()) {
        return Ok(FaultsFound(format!(
            "{faults} in {file}; all {} rows have the same fault, so the file or an option is probably wrong",
            rows.len()
        )));
    }
    let way_out = "store the other rows with --rejects FILE";
    Ok(FaultsFound(match rows.len() {
        0..=NAMED_ROWS_MAX => {
            let rows: Vec<String> = rows.iter().map(u64::to_string).collect();
            format!("{faults} in {file}; {way_out}, or skip these rows with --skip-rows {}", rows.join(","))
        }
        _ => format!("{faults} in {} rows of {file}; {way_out}", rows.len()),
    }))
}

/// Prints each fault that the server found in a batch, and returns the error of the import.
pub(super) fn report_server_faults(batch: &Batch, faults: &[Fault]) -> anyhow::Result<FaultsFound> {
    let mut stderr = std::io::stderr().lock();
    for fault in faults {
        writeln!(stderr, "{}", locate_server_fault(batch, fault))?;
    }
    let count = plural(faults.len(), "fault");
    Ok(FaultsFound(format!("the server found {count} in {}", batch.file.display())))
}

/// Returns the column and the rule of a fault, without the digits of its value.
fn reason(fault: &RowFault) -> (Option<&str>, String) {
    let words = fault.msg.chars().filter(|letter| !letter.is_ascii_digit()).collect();
    (fault.column.as_deref(), words)
}

fn locate_server_fault(batch: &Batch, fault: &Fault) -> String {
    let row = fault.row().and_then(|row| batch.rows.get(row));
    let column = Some(fault.location(if row.is_some() { 2 } else { 1 })).filter(|column| !column.is_empty());
    let fault = RowFault { column, msg: fault.msg.clone() };
    match row {
        Some(row) => locate(&batch.file, batch.numbering, row.position, &fault),
        None => describe(&batch.file.display().to_string(), &fault),
    }
}

fn locate(file: &Path, numbering: RowNumbering, position: RowPosition, fault: &RowFault) -> String {
    describe(&locate_row(file, position.number, numbering), fault)
}

fn describe(place: &str, fault: &RowFault) -> String {
    match &fault.column {
        Some(column) => format!("{place}: {column}: {}", fault.msg),
        None => format!("{place}: {}", fault.msg),
    }
}

/// Returns the position of a row in the file.
pub(super) fn locate_row(file: &Path, number: u64, numbering: RowNumbering) -> String {
    let file = file.display();
    match numbering {
        RowNumbering::Lines => format!("{file}:{number}"),
        RowNumbering::Rows => format!("{file}: row {number}"),
    }
}
