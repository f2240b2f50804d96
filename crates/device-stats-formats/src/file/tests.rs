//! Files of each format, and the rows read from them.

mod columns;
mod csv;
mod damaged;
mod json;
mod parquet;

use std::io::Cursor;
use std::path::Path;

use super::file_name::Layout;
use super::{FileBatch, FileError, FileOptions, FileReader};

/// Reads all rows of a decompressed file as one batch.
fn read(layout: Layout, bytes: &[u8], options: &FileOptions) -> Result<FileBatch, FileError> {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    let mut reader = FileReader::from_bytes(Path::new("data"), layout, input, options)?;
    collect(&mut reader)
}

fn collect(reader: &mut FileReader) -> Result<FileBatch, FileError> {
    let mut all = FileBatch::default();
    while let Some(batch) = reader.next_batch()? {
        all.rows.extend(batch.rows);
        all.rejected.extend(batch.rejected);
    }
    Ok(all)
}

/// Describes the readings of a batch: line or row number, device, time, numbers.
fn readings(batch: &FileBatch) -> Vec<String> {
    let describe = |row: &super::FileRow| {
        let time = row.measurement.time.map_or_else(|| "-".to_owned(), |time| time.to_string());
        let values = row.measurement.values.map(device_stats_domain::Finite::get);
        let time = time.replace(":00.000000Z", "").replace(".000000Z", "");
        format!("{} {} {time} {} {} {}", row.position.number, row.device, values.x, values.y, values.z)
    };
    batch.rows.iter().map(describe).collect()
}

/// Describes the rejected rows of a batch: line or row number, and the faults.
fn rejects(batch: &FileBatch) -> Vec<String> {
    let describe = |row: &super::RejectedRow| {
        let faults: Vec<String> = row
            .faults
            .iter()
            .map(|fault| format!("{}: {}", fault.column.as_deref().unwrap_or("-"), fault.msg))
            .collect();
        format!("{} {}", row.position.number, faults.join("; "))
    };
    batch.rejected.iter().map(describe).collect()
}
