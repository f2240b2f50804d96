//! CSV files.

use std::io::{self, Read};
use std::path::Path;

use proptest::prelude::*;

use super::{readings, rejects};
use crate::file::file_name::Layout;
use crate::file::{
    ColumnChoice, ColumnMap, FileBatch, FileError, FileOptions, FileReader, Guess, RejectedRowsWriter,
};

fn read(text: &str, options: &FileOptions) -> Result<FileBatch, FileError> {
    super::read(Layout::Csv, text.as_bytes(), options)
}

fn read_plain(text: &str) -> FileBatch {
    read(text, &FileOptions::default()).unwrap()
}

fn with_map(choices: &[&str]) -> FileOptions {
    let choices = choices.iter().map(|choice| choice.parse::<ColumnChoice>().unwrap()).collect();
    FileOptions { columns: ColumnMap::new(choices).unwrap(), ..FileOptions::default() }
}

fn guess_of(text: &str) -> Guess {
    match read(text, &FileOptions::default()) {
        Err(FileError::Columns { guess: Some(guess), .. }) => guess,
        other => panic!("{other:?}"),
    }
}

#[test]
fn rows_have_the_line_numbers_of_an_editor() {
    let text = "device_id,x,y,z\na,1,2,3\n\n\n\"b\"\"\",1,2,3\r\n\"c,\n\",1,2,3\rd,1,2,3";
    let batch = read_plain(text);
    assert_eq!(readings(&batch), ["2 a - 1 2 3", "5 b\" - 1 2 3", "8 d - 1 2 3"]);
    assert_eq!(rejects(&batch), ["6 device_id: Value error, the text contains a control character"]);
    assert_eq!(batch.rejected[0].position.index, 2);
    assert!(readings(&read_plain("device_id,x,y,z\n")).is_empty());
}

/// An input that arrives one byte at a time.
struct SingleBytes(&'static [u8]);

impl Read for SingleBytes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(1);
        self.0.read(&mut buffer[..count])
    }
}

/// Before, a byte order mark was skipped only if it arrived in one piece.
#[test]
fn a_byte_order_mark_is_skipped_however_it_arrives() {
    for (layout, text) in [
        (Layout::Csv, "\u{feff}device_id,x,y,z\na,1,2,3\n"),
        (Layout::Ndjson, "\u{feff}{\"device_id\":\"a\",\"x\":1,\"y\":2,\"z\":3}\n"),
        (Layout::Json, "\u{feff}[{\"device_id\":\"a\",\"x\":1,\"y\":2,\"z\":3}]"),
    ] {
        let input = SingleBytes(text.as_bytes());
        for input in [Box::new(input) as Box<dyn Read>, Box::new(text.as_bytes())] {
            let mut rows =
                FileReader::from_bytes(Path::new("data"), layout, input, &FileOptions::default()).unwrap();
            let batch = rows.next_batch().unwrap().unwrap();
            assert_eq!(batch.rows[0].device.as_str(), "a", "{layout:?}");
        }
    }
}

#[test]
fn a_batch_has_up_to_five_thousand_rows() {
    let text = format!("device_id,x,y,z\n{}", "a,1,2,3\n".repeat(5_001));
    let input = Box::new(io::Cursor::new(text));
    let mut rows =
        FileReader::from_bytes(Path::new("a"), Layout::Csv, input, &FileOptions::default()).unwrap();
    let counts: Vec<usize> =
        std::iter::from_fn(|| rows.next_batch().unwrap()).map(|batch| batch.len()).collect();
    assert_eq!(counts, [5_000, 1]);
}

#[test]
fn a_faulty_row_is_rejected_alone() {
    let text = "device_id,x,y,z,timestamp\na,1,2,3,2026-11-23\nb,1,2\n=c,oops,2,inf,soon\n'=d,1e3, 2 ,3,\n";
    let batch = read_plain(text);
    assert_eq!(readings(&batch), ["2 a 2026-11-23T00:00 1 2 3", "5 =d - 1000 2 3"]);
    assert_eq!(
        rejects(&batch),
        [
            "3 -: the row has 3 cells, but the header has 5",
            "4 timestamp: Input should be a valid datetime or date, input is too short; state its form with \
             --time-format, for example '%d.%m.%Y %H:%M:%S'; x: Input should be a valid number, unable to parse string \
             as a number; z: Input should be a finite number",
        ]
    );
    assert_eq!(batch.rejected[1].values, ["=c", "soon", "oops", "2", "inf"]);
    assert_eq!(batch.rows[1].position.index, 3);
    // The table of rejected rows can be corrected and imported.
    let mut table = Vec::new();
    let mut writer = RejectedRowsWriter::new(&mut table).unwrap();
    writer.write(Path::new("a.csv"), &batch.rejected[1]).unwrap();
    writer.flush().unwrap();
    drop(writer);
    let table = String::from_utf8(table).unwrap();
    assert!(table.starts_with("file,row,reason,device_id,timestamp,x,y,z\na.csv,4,"), "{table}");
    let corrected = table.replace("soon,oops,2,inf", "2026-11-23T00:00Z,1,2,3");
    let options = FileOptions { ignores_unknown: true, ..FileOptions::default() };
    assert_eq!(readings(&read(&corrected, &options).unwrap()), ["2 =c 2026-11-23T00:00 1 2 3"]);
}

/// A negative number with a decimal comma is no number for a spreadsheet.
#[test]
fn rejected_rows_with_a_decimal_comma_can_be_imported_again() {
    let options = FileOptions { decimal_mark: ",".parse().unwrap(), ..FileOptions::default() };
    let batch = read("device_id;x;y;z\na;-0,25;oops;-7\n", &options).unwrap();
    let mut table = Vec::new();
    let mut writer = RejectedRowsWriter::new(&mut table).unwrap();
    writer.write(Path::new("a.csv"), &batch.rejected[0]).unwrap();
    writer.flush().unwrap();
    drop(writer);
    let table = String::from_utf8(table).unwrap().replace("oops", "\"1,5\"");
    let options = FileOptions { ignores_unknown: true, ..options };
    assert_eq!(readings(&read(&table, &options).unwrap()), ["2 a - -0.25 1.5 -7"]);
}

#[test]
fn an_end_inside_quotes_and_a_wrong_header_refuse_the_file() {
    for (text, words) in [
        ("device_id,x,y,z\na,1,2,\"3\n", "data:2: the input ends inside quotes"),
        ("device_id,\"x\"1,y,z\n", "data:1: text follows the closing quote of a cell"),
        ("device_id,x,y\n", "data:1: header.z: Column required"),
        ("device_id,x,y,z,x\n", "header.x: Column is repeated"),
        ("device_id,X,y,z,x \n", "header.x: Column is repeated"),
        ("device_id,x,y,z,t\n", "data:1: header.t: Extra columns are not permitted"),
        ("", "data: the file is empty"),
    ] {
        let error = read(text, &FileOptions::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
    let error = read("device_id,x,y,z\n", &with_map(&["x=AccX"])).unwrap_err().to_string();
    assert!(
        error.contains("x: the file has no column \"AccX\"; its columns are \"device_id\", \"x\""),
        "{error}"
    );
    let device =
        FileOptions { device: device_stats_domain::DeviceId::new("d").ok(), ..FileOptions::default() };
    assert!(read("device_id,x,y,z\n", &device).unwrap_err().to_string().contains("remove --device"));
    assert_eq!(readings(&read("x,y,z\n1,2,3\n", &device).unwrap()), ["2 d - 1 2 3"]);
}

#[test]
fn columns_are_mapped_and_times_may_have_two() {
    let text = "Sensor;Date;Time;AccX [g];AccY [g];AccZ [g];battery\np 7;23.11.2026;10:00;1,5;-0,25;9;80\n";
    let mut options =
        with_map(&["device_id=sensor", "timestamp=Date+Time", "x=AccX [g]", "y= accy [G]", "z=AccZ [g]"]);
    options.ignores_unknown = true;
    options.decimal_mark = ",".parse().unwrap();
    options.times.format = Some("%d.%m.%Y %H:%M".parse().unwrap());
    assert_eq!(readings(&read(text, &options).unwrap()), ["2 p 7 2026-11-23T10:00 1.5 -0.25 9"]);
    let rejected = read(&text.replace("1,5", "1.234,5"), &options).unwrap();
    assert_eq!(rejected.rejected[0].values, ["p 7", "2026-11-23T10:00:00.000000Z", "1.234,5", "-0,25", "9"]);
}

#[test]
fn a_guess_is_made_and_not_applied() {
    let guess = guess_of("Time;AccX [g];AccY [g];AccZ [g];battery\n2026-11-23;1,5;-0,25;9;80\n");
    let columns: Vec<String> = guess.columns.iter().map(ToString::to_string).collect();
    assert_eq!(columns, ["timestamp=Time", "x=AccX [g]", "y=AccY [g]", "z=AccZ [g]"]);
    assert!(guess.needs_device && guess.ignores_unknown && guess.decimal_mark.is_some());
    assert_eq!(guess.delimiter.unwrap().name(), ";");
    // Only the decimal comma is not stated.
    let guess = guess_of("device_id;x;y;z\na;1,5;2;3\n");
    assert!(guess.columns.is_empty() && guess.decimal_mark.is_some() && guess.delimiter.is_some());
    // What the options state is not guessed.
    let error = read("t0;AccX;AccY;AccZ\n", &with_map(&["timestamp=t0"])).unwrap_err();
    let FileError::Columns { guess: Some(guess), .. } = error else { panic!("{error}") };
    assert_eq!(
        guess.columns.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["x=AccX", "y=AccY", "z=AccZ"]
    );
    assert!(guess.needs_device && !guess.ignores_unknown);
    // An unambiguous delimiter is applied, and noted.
    for delimiter in [";", "\t", "|"] {
        let text = "device_id,x,y,z\na,1,2,3\n".replace(',', delimiter);
        let mut reader = FileReader::from_bytes(
            Path::new("data"),
            Layout::Csv,
            Box::new(io::Cursor::new(text)),
            &FileOptions::default(),
        )
        .unwrap();
        assert_eq!(reader.notes().len(), 1);
        assert_eq!(readings(&super::collect(&mut reader).unwrap()), ["2 a - 1 2 3"]);
    }
}

/// The rows would be stored with the current time.
#[test]
fn a_column_that_may_be_the_time_is_not_ignored() {
    let text = "device_id,x,y,z,Time,battery\na,1,2,3,2026-11-23,80\n";
    let mut options = FileOptions { ignores_unknown: true, ..FileOptions::default() };
    let words = read(text, &options).unwrap_err().to_string();
    assert!(words.contains("header.Time: the column may be the time; add --map 'timestamp=Time'"), "{words}");
    options.ignores_times = true;
    assert_eq!(readings(&read(text, &options).unwrap()), ["2 a - 1 2 3"]);
    // Two columns may be the time, so there is no guess.
    let error = read("device_id,x,y,z,ts,created_at\n", &FileOptions::default()).unwrap_err();
    assert!(matches!(error, FileError::Columns { guess: None, .. }), "{error:?}");
}

#[test]
fn a_last_column_without_a_name_and_values_is_ignored() {
    let batch = read_plain("device_id;x;y;z;\na;1;2;3;\n");
    assert_eq!(readings(&batch), ["2 a - 1 2 3"]);
}

/// Excel reads and writes such a first line.
#[test]
fn a_first_line_states_the_delimiter() {
    for delimiter in [";", ",", "\t"] {
        let text = format!("sep={delimiter}\r\n{}", "device_id,x,y,z\na,1,2,3\n".replace(',', delimiter));
        assert_eq!(readings(&read_plain(&text)), ["3 a - 1 2 3"]);
    }
}

/// `pandas` writes the index of a table as a first column without a name.
#[test]
fn an_index_is_the_time_or_ignored() {
    for (text, expected) in [
        (",device_id,x,y,z\n0,a,1,2,3\n1,a,1,2,3\n", ["2 a - 1 2 3", "3 a - 1 2 3"]),
        (
            ",device_id,x,y,z\n2026-11-23 10:00,a,1,2,3\n2026-11-23 10:01,a,1,2,3\n",
            ["2 a 2026-11-23T10:00 1 2 3", "3 a 2026-11-23T10:01 1 2 3"],
        ),
        (
            "Unnamed: 0,timestamp,device_id,x,y,z\n0,2026-11-23,a,1,2,3\n1,2026-11-24,a,1,2,3\n",
            ["2 a 2026-11-23T00:00 1 2 3", "3 a 2026-11-24T00:00 1 2 3"],
        ),
    ] {
        assert_eq!(readings(&read_plain(text)), expected, "{text}");
    }
    assert!(read(",device_id,x,y,z\n1795428000,a,1,2,3\n", &FileOptions::default()).is_err());
    assert!(read(",device_id,x,y,z\nfirst,a,1,2,3\n", &FileOptions::default()).is_err());
}

proptest! {
    /// Any order, letter case and blanks of the header give the same rows, as does a mapping of other names.
    #[test]
    fn the_order_and_the_case_of_columns_do_not_matter(
        order in Just([0, 1, 2, 3, 4]).prop_shuffle(),
        cases in prop::array::uniform5(any::<bool>()),
        blanks in prop::array::uniform5("[ \t]{0,2}"),
        numbers in prop::collection::vec(prop::array::uniform3(-1e6..1e6_f64), 1..5),
    ) {
        let names = ["device_id", "timestamp", "x", "y", "z"];
        let write = |name: &dyn Fn(usize) -> String, order: [usize; 5], delimiter: &str, comma: bool| {
            let mut text = order.map(name).join(delimiter);
            for (second, [x, y, z]) in numbers.iter().enumerate() {
                let number = |number: &f64| {
                    if comma { number.to_string().replace('.', ",") } else { number.to_string() }
                };
                let cells = ["pump".to_owned(), format!("2026-11-23T10:00:0{second}Z"), number(x), number(y), number(z)];
                text.push('\n');
                text.push_str(&order.map(|column| cells[column].clone()).join(delimiter));
            }
            text
        };
        let plain = read_plain(&write(&|column| names[column].to_owned(), [0, 1, 2, 3, 4], ",", false));
        prop_assert_eq!(plain.rows.len(), numbers.len());
        let varied = |column: usize| {
            let name = if cases[column] { names[column].to_uppercase() } else { names[column].to_owned() };
            format!("{}{name}{}", blanks[column], blanks[4 - column])
        };
        prop_assert_eq!(&read_plain(&write(&varied, order, ",", false)), &plain);
        let mapped = with_map(&["device_id=c0", "timestamp=c1", "x=c2", "y=c3", "z=c4"]);
        let text = write(&|column| format!("c{column}"), order, ",", false);
        prop_assert_eq!(&read(&text, &mapped).unwrap(), &plain);
        // A semicolon and a decimal comma.
        let options = FileOptions { decimal_mark: ",".parse().unwrap(), ..FileOptions::default() };
        prop_assert_eq!(&read(&write(&varied, order, ";", true), &options).unwrap(), &plain);
    }
}

#[test]
fn an_error_about_the_header_is_short_and_names_one_cause() {
    let words =
        |text: &[u8], options: &FileOptions| super::read(Layout::Csv, text, options).unwrap_err().to_string();
    assert_eq!(words(b"", &FileOptions::default()), "data: the file is empty");
    let swapped: Vec<u8> =
        "device_id,x,y,z\na,1,2,3\n".repeat(1_000).encode_utf16().flat_map(u16::to_be_bytes).collect();
    let options = FileOptions { encoding: Some("utf-16le".parse().unwrap()), ..FileOptions::default() };
    let long = words(&swapped, &options);
    assert!(long.len() < 1_000 && long.ends_with("so the --encoding may be wrong"), "{long}");
    let columns = vec!["x=foo".parse().unwrap()];
    let options =
        FileOptions { columns: crate::file::ColumnMap::new(columns).unwrap(), ..FileOptions::default() };
    let missing = words(b"device_id,x,y,z\na,1,2,3\n", &options);
    assert_eq!(
        missing,
        "data:1: x: the file has no column \"foo\"; its columns are \"device_id\", \"x\", \"y\", \"z\""
    );
}
