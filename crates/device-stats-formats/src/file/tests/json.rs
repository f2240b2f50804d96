//! Files of JSON objects.

use super::{readings, rejects};
use crate::file::file_name::Layout;
use crate::file::{ColumnChoice, ColumnMap, FileBatch, FileError, FileOptions};

fn read(text: &str) -> FileBatch {
    super::read(Layout::Ndjson, text.as_bytes(), &FileOptions::default()).unwrap()
}

#[test]
fn lines_and_elements_are_rows() {
    let lines = "{\"device_id\":\"a\",\"x\":1,\"y\":\"2\",\"z\":3}\r\n\n\
        {\"timestamp\":1795428000,\"device_id\":\"b\",\"x\":1,\"y\":2,\"z\":3.5e1}\n";
    assert_eq!(readings(&read(lines)), ["1 a - 1 2 3", "3 b 2026-11-23T10:00 1 2 35"]);
    let array =
        "[\n{\"device_id\":\n\"a\",\"x\":1,\"y\":2,\"z\":3},\n{\"device_id\":[7],\"x\":1,\"y\":2,\"z\":3}]";
    let batch = super::read(Layout::Json, array.as_bytes(), &FileOptions::default()).unwrap();
    assert_eq!(readings(&batch), ["2 a - 1 2 3"]);
    assert_eq!(rejects(&batch), ["4 device_id: Input should be a valid string"]);
    assert_eq!(batch.rejected[0].values, ["[7]", "", "1", "2", "3"]);
}

#[test]
fn a_faulty_object_is_rejected_alone() {
    let good = "{\"device_id\":\"a\",\"x\":1,\"y\":2,\"z\":3}";
    let text = format!(
        "{good}\nnonsense\n7\n{{\"device_id\":\"a\",\"x\":1,\"y\":null,\"q\":1,\"timestamp\":\"\"}}\n\
         {{\"device_id\":\"a\",\"x\":1,\"x\":1,\"y\":2,\"z\":3}}\n{good}\n"
    );
    let batch = read(&text);
    assert_eq!(readings(&batch), ["1 a - 1 2 3", "6 a - 1 2 3"]);
    assert_eq!(
        rejects(&batch),
        [
            "2 -: JSON decode error in column 2",
            "3 -: Input should be an object",
            "4 timestamp: Input should be a valid datetime; y: Input should be a valid number; z: Field required; q: \
             Extra inputs are not permitted; add --ignore-unknown to ignore them",
            "5 x: Member is repeated",
        ]
    );
    let not_utf_8 = super::read(Layout::Ndjson, b"\xff\n", &FileOptions::default()).unwrap();
    assert!(rejects(&not_utf_8)[0].contains("not UTF-8"));
}

#[test]
fn members_are_mapped() {
    let text = "{\"Sensor\":\"a\",\"Date\":\"2026-11-23\",\"Time\":\"10:00:00\",\"AccX\":\"1,5\",\"y\":2,\"Z\":3,\"q\":0}\n";
    let options = FileOptions {
        columns: ColumnMap::new(
            ["device_id=sensor", "timestamp=Date+Time", "x=AccX"]
                .map(|choice| choice.parse::<ColumnChoice>().unwrap())
                .to_vec(),
        )
        .unwrap(),
        decimal_mark: ",".parse().unwrap(),
        ignores_unknown: true,
        ..FileOptions::default()
    };
    let batch = super::read(Layout::Ndjson, text.as_bytes(), &options).unwrap();
    assert_eq!(readings(&batch), ["1 a 2026-11-23T10:00 1.5 2 3"], "{:?}", rejects(&batch));
    let Err(FileError::Columns { guess: Some(guess), .. }) =
        super::read(Layout::Ndjson, text.as_bytes(), &FileOptions::default())
    else {
        panic!("a guess is expected");
    };
    let columns: Vec<String> = guess.columns.iter().map(ToString::to_string).collect();
    assert_eq!(columns, ["device_id=Sensor", "timestamp=Date+Time", "x=AccX"]);
    assert!(guess.ignores_unknown && !guess.needs_device);
}

/// The rows would be stored with the current time.
#[test]
fn a_member_that_may_be_the_time_is_not_ignored() {
    let text = "{\"device_id\":7,\"x\":1,\"y\":2,\"z\":3,\"q\":0}\n{\"device_id\":7,\"x\":1,\"y\":2,\"z\":3,\"ts\":1}\n";
    let mut options = FileOptions { ignores_unknown: true, ..FileOptions::default() };
    let batch = super::read(Layout::Ndjson, text.as_bytes(), &options).unwrap();
    assert_eq!(readings(&batch), ["1 7 - 1 2 3"]);
    assert!(rejects(&batch)[0].starts_with("2 ts: the column may be the time; add --map 'timestamp=ts'"));
    options.ignores_times = true;
    assert_eq!(readings(&super::read(Layout::Ndjson, text.as_bytes(), &options).unwrap()).len(), 2);
}

/// A rejected row lost its time if it had another name.
#[test]
fn a_rejected_row_keeps_its_time() {
    let row = |more: &str| format!("{{\"device_id\":\"a\",\"x\":1,\"y\":2,\"z\":3{more}}}\n");
    let mut options = FileOptions::default();
    options.times.zone = Some(device_stats_domain::Zone::from_name("Europe/Berlin").unwrap());
    for (more, time) in [
        (",\"ts\":1795428000", "2026-11-23T10:00:00.000000Z"),
        (",\"recorded\":\"2026-11-23 11:00\"", "2026-11-23T10:00:00.000000Z"),
        (",\"time\":\"soon\"", "soon"),
        (",\"timestamp\":\"2026-11-23 11:00\",\"q\":1", "2026-11-23T10:00:00.000000Z"),
    ] {
        let text = [row(""), row(more)].concat();
        let batch = super::read(Layout::Ndjson, text.as_bytes(), &options).unwrap();
        assert_eq!(batch.rejected[0].values, ["a", time, "1", "2", "3"], "{more}");
    }
}

#[test]
fn an_object_without_an_end_refuses_the_file() {
    for (layout, text, problem) in [
        (Layout::Json, "7", "data:1: the file must contain an array of objects"),
        (
            Layout::Json,
            "{}",
            "data:1: the file must contain an array of objects; if it holds an object on each line, add --format ndjson",
        ),
        (Layout::Json, "[\n{}\n", "data:3: the array is not closed"),
    ] {
        let error = super::read(layout, text.as_bytes(), &FileOptions::default()).unwrap_err();
        assert_eq!(error.to_string(), problem);
    }
}
