//! A body that arrives in pieces has the same rows and faults as one that arrives at once.

use std::collections::HashSet;

use device_stats_domain::{DeviceId, Measurement};
use proptest::prelude::*;

use super::batch_rows::BatchRows;
use super::csv_cells::CsvCells;
use super::csv_rows::CsvRowReader;
use super::on_fault::OnFault;
use super::plain_object::PlainObject;
use super::{BatchReader, Row};
use crate::body_pieces::{self, split};
use crate::column_names::ColumnNames;
use crate::csv::{Progress, RecordReader};
use crate::faults::Faults;
use crate::media_type::MediaType;
use crate::members::Members;
use crate::reading_times::ReadingTimes;

/// Returns the rows of a body with their lines, or its faults.
fn outcome(media_type: MediaType, pieces: &[&[u8]]) -> String {
    let reader =
        BatchReader::<(DeviceId, Measurement)>::new(media_type, ReadingTimes::new(None), OnFault::Refuse);
    body_pieces::outcome(reader, pieces, |reader, faults| reader.finish(faults, &mut |_| true))
}

fn fragments(fragments: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(fragments), 0..40).prop_map(|fragments| fragments.concat())
}

const CSV_FRAGMENTS: &[&str] = &[
    "d,1,2,3,\n",
    "d,1,2,3,5\r\n",
    "\"d\",\" 1\",2,3,\n",
    "\"d\"\"\n\",1,2,3,\n",
    ",",
    "\"",
    "\n",
    "\r\n",
    "\r",
    "é",
    "a",
    "d,x,2,3,\n",
    "d,1,2\n",
    "\u{feff}",
];
const NDJSON_FRAGMENTS: &[&str] = &[
    "{\"device_id\":\"d\",\"x\":1,\"y\":2,\"z\":3}",
    "{\"device_id\":\"ü\",\"x\":\"1\",\"y\":2,\"z\":3}",
    "\n",
    "\r\n",
    "\n",
    " ",
    "\r",
    "{",
    "é",
    "{\"x\":null}",
    "\u{feff}",
];

/// Returns the line number of the first record at or after an offset.
fn line_of_record(body: &str, offset: usize) -> u64 {
    let begin = body.len() - body[offset..].trim_start_matches(['\r', '\n']).len();
    let before = body[..begin].replace("\r\n", "\n");
    1 + u64::try_from(before.matches(['\r', '\n']).count()).unwrap()
}

/// Returns the lines of the records that are not RFC 4180.
fn malformed_lines(body: &str) -> HashSet<u64> {
    let (mut records, mut lines) = (RecordReader::default(), HashSet::new());
    for mut input in [body.as_bytes(), &[]] {
        while records.read(&mut input) == Progress::Record {
            if records.check_quotes().is_err() {
                lines.insert(records.line());
            }
        }
    }
    lines
}

/// The cells of a row, unchanged.
struct AllCells(Vec<String>);

impl Row for AllCells {
    const COLUMNS: ColumnNames = <(DeviceId, Measurement) as Row>::COLUMNS;

    fn from_members(_: &mut Members<'_>, _: &mut ReadingTimes) -> Option<Self> {
        None
    }

    fn from_plain_object(_: PlainObject) -> Option<Self> {
        None
    }

    fn from_cells(cells: &mut CsvCells<'_>, _: &mut ReadingTimes) -> Option<Self> {
        let names = ["device_id", "x", "y", "z", "timestamp"];
        Some(Self(names.iter().map(|name| cells.text(name).unwrap().to_owned()).collect()))
    }

    fn from_parts(_: Option<DeviceId>, _: Measurement) -> Option<Self> {
        None
    }
}

proptest! {
    /// For records that follow RFC 4180, the csv crate returns the same cells.
    #[test]
    fn records_are_read_as_by_the_csv_crate(rows in fragments(CSV_FRAGMENTS)) {
        let body = format!("device_id,x,y,z,timestamp\n{rows}");
        let (mut reader, mut faults) = (CsvRowReader::<AllCells>::default(), Faults::default());
        let mut times = ReadingTimes::new(None);
        reader.receive(&body, &mut times, &mut Faults::default());
        // A body that ends inside quotes has no rows.
        let Some(BatchRows { rows, locations, .. }) = reader.finish(&mut times, &mut faults) else {
            return Ok(());
        };
        let found: Vec<(u64, Vec<String>)> =
            locations.lines().iter().copied().zip(rows.into_iter().map(|AllCells(cells)| cells)).collect();

        let malformed = malformed_lines(&body);
        let mut theirs = csv::Reader::from_reader(body.as_bytes());
        theirs.headers().unwrap();
        let (mut expected, mut record) = (Vec::new(), csv::StringRecord::new());
        loop {
            let begin = usize::try_from(theirs.position().byte()).unwrap();
            match theirs.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) if malformed.contains(&line_of_record(&body, begin)) => {}
                Ok(true) => {
                    let cells: Vec<String> = record.iter().map(str::to_owned).collect();
                    expected.push((line_of_record(&body, begin), cells));
                }
                Err(_) => {}
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn the_way_csv_is_split_does_not_matter(
        rows in fragments(CSV_FRAGMENTS),
        header in prop::sample::select(vec!["device_id,x,y,z,timestamp\n", "\n\r\ndevice_id,x,y,z,timestamp\r\n", "x\n", ""]),
        lengths in prop::collection::vec(1..9_usize, 1..6),
    ) {
        let body = format!("{header}{rows}");
        prop_assert_eq!(outcome(MediaType::Csv, &split(body.as_bytes(), &lengths)), outcome(MediaType::Csv, &[body.as_bytes()]));
    }

    #[test]
    fn the_way_ndjson_is_split_does_not_matter(
        body in fragments(NDJSON_FRAGMENTS),
        lengths in prop::collection::vec(1..30_usize, 1..6),
    ) {
        let whole = outcome(MediaType::Ndjson, &[body.as_bytes()]);
        prop_assert_eq!(outcome(MediaType::Ndjson, &split(body.as_bytes(), &lengths)), whole);
    }
}

#[test]
fn a_row_may_arrive_byte_by_byte() {
    let device = "d".repeat(3_000);
    let body = format!("timestamp,z,y,x,device_id\n,3,2,1,\"{device}\"\n");
    let whole = outcome(MediaType::Csv, &[body.as_bytes()]);
    assert!(whole.contains("string_too_long"), "{whole}");
    assert_eq!(outcome(MediaType::Csv, &split(body.as_bytes(), &[1])), whole);
}
