//! Rows that arrive in parts are those that arrive at once, and so are their faults.

use proptest::prelude::*;

use super::*;

/// What comes of a body that arrives so: its rows with their lines, or its faults.
fn outcome(media_type: MediaType, parts: &[&[u8]]) -> String {
    let mut reader = BatchReader::<(DeviceId, Measurement)>::new(media_type);
    for part in parts {
        reader.receive(part);
    }
    let mut faults = Faults::default();
    match reader.finish(&mut faults) {
        Ok(Some(rows)) => format!("{:?} {:?}", rows.rows, rows.places),
        Ok(None) => format!("{:?}", faults.into_vec()),
        Err(error) => format!("{error:?}"),
    }
}

/// Cuts a body into parts of such lengths, again and again.
pub fn cut<'a>(mut body: &'a [u8], lengths: &[usize]) -> Vec<&'a [u8]> {
    let mut parts = Vec::new();
    for length in lengths.iter().cycle() {
        if body.is_empty() {
            break;
        }
        let (part, rest) = body.split_at((*length).min(body.len()));
        parts.push(part);
        body = rest;
    }
    parts
}

fn pieces(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(pieces), 0..40).prop_map(|pieces| pieces.concat())
}

const OF_TABLES: &[&str] = &[
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
const OF_LINES: &[&str] = &[
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

/// A row of a table as it is.
struct AsItIs(Vec<String>);

impl Row for AsItIs {
    const COLUMNS: (&'static [&'static str], &'static [&'static str]) =
        <(DeviceId, Measurement) as Row>::COLUMNS;

    fn from_members(_: &mut Members<'_>) -> Option<Self> {
        None
    }

    fn from_plain(_: Plain) -> Option<Self> {
        None
    }

    fn from_cells(cells: &mut Cells<'_>) -> Option<Self> {
        let names = ["device_id", "x", "y", "z", "timestamp"];
        Some(Self(names.iter().map(|name| cells.text(name).unwrap().to_owned()).collect()))
    }

    fn from_parts(_: Option<DeviceId>, _: Measurement) -> Option<Self> {
        None
    }
}

proptest! {
    /// The csv crate, which reads from a file, finds the same cells on the same lines.
    #[test]
    fn tables_are_read_as_by_the_csv_crate(rows in pieces(OF_TABLES)) {
        let body = format!("device_id,x,y,z,timestamp\n{rows}");
        let mut table = TableReader::<AsItIs>::default();
        table.take(&body, &mut Faults::default());
        let mut faults = Faults::default();
        let Rows { rows, places } = table.finish(&mut faults).unwrap();
        let found: Vec<(u64, Vec<String>)> =
            places.lines.into_iter().zip(rows.into_iter().map(|AsItIs(cells)| cells)).collect();

        let mut theirs = ::csv::Reader::from_reader(crate::csv::line_index::Lines::new(body.as_bytes()));
        theirs.headers().unwrap();
        let (mut expected, mut record) = (Vec::new(), ::csv::StringRecord::new());
        loop {
            let begin = theirs.position().byte();
            match theirs.read_record(&mut record) {
                Ok(false) => break,
                Ok(true) => {
                    let line = theirs.get_mut().line_from(begin);
                    expected.push((line, record.iter().map(str::to_owned).collect::<Vec<_>>()));
                }
                Err(_) => {}
            }
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn cuts_of_tables_do_not_matter(
        rows in pieces(OF_TABLES),
        header in prop::sample::select(vec!["device_id,x,y,z,timestamp\n", "\n\r\ndevice_id,x,y,z,timestamp\r\n", "x\n", ""]),
        lengths in prop::collection::vec(1..9_usize, 1..6),
    ) {
        let body = format!("{header}{rows}");
        prop_assert_eq!(outcome(MediaType::Csv, &cut(body.as_bytes(), &lengths)), outcome(MediaType::Csv, &[body.as_bytes()]));
    }

    #[test]
    fn cuts_of_lines_do_not_matter(
        body in pieces(OF_LINES),
        lengths in prop::collection::vec(1..30_usize, 1..6),
    ) {
        let whole = outcome(MediaType::Ndjson, &[body.as_bytes()]);
        prop_assert_eq!(outcome(MediaType::Ndjson, &cut(body.as_bytes(), &lengths)), whole);
    }
}

#[test]
fn a_row_of_many_parts_is_one_row() {
    let device = "d".repeat(3_000);
    let body = format!("timestamp,z,y,x,device_id\n,3,2,1,\"{device}\"\n");
    let whole = outcome(MediaType::Csv, &[body.as_bytes()]);
    assert!(whole.contains("string_too_long"), "{whole}");
    assert_eq!(outcome(MediaType::Csv, &cut(body.as_bytes(), &[1])), whole);
}
