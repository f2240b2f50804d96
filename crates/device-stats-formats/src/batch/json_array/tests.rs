//! The reader of pieces against a parser that reads the whole text at once.

use std::fmt::Debug;

use device_stats_domain::{DeviceId, Measurement};
use proptest::prelude::*;

use super::*;
use crate::batch::OnFault;
use crate::body_pieces::split;
use crate::limits::FAULTS_MAX;

/// Describes the rows and faults of a text that arrives in these pieces.
fn outcome<R: Row + Debug>(pieces: &[&str], on_fault: OnFault) -> String {
    let (mut reader, mut times) = (JsonArrayReader::<R>::default(), ReadingTimes::new(None));
    let mut faults = on_fault.faults();
    for piece in pieces {
        reader.receive(piece, &mut times, &mut faults);
    }
    let rows = reader.finish(&mut faults);
    describe(rows, faults)
}

fn describe<R: Debug>(rows: Option<BatchRows<R>>, faults: Faults) -> String {
    let rows = rows.map(|rows| (rows.rows, rows.locations, rows.rejected));
    format!("{rows:?} {:?}", faults.into_vec())
}

/// Describes the rows and faults of a text, by a parser that reads the whole text.
fn expected<R: Row + Debug>(text: &str, on_fault: OnFault) -> String {
    let (mut rows, mut count) = (BatchRows::<R>::default(), 0);
    let (mut times, mut faults) = (ReadingTimes::new(None), on_fault.faults());
    let read = Json::parse_elements(text, |index, element| {
        count = index + 1;
        if let Some(row) = read_row(element, index, &mut times, &mut faults) {
            rows.push(index, row);
        }
        !faults.is_full()
    });
    match read {
        Ok(true) => {
            rows.count_rejected(count);
            return describe(Some(rows), faults);
        }
        Ok(false) => {
            let problem = Problem::new("list_type", "Input should be a valid list");
            faults.add(vec!["body".into()], problem, &Json::Null);
        }
        Err(JsonError { position, error }) => {
            faults = Faults::default();
            let problem = Problem::new("json_invalid", "JSON decode error").with(json!({ "error": error }));
            faults.add(vec!["body".into(), position.into()], problem, &Json::Object(Vec::new()));
        }
    }
    describe::<R>(None, faults)
}

fn check(text: &str, lengths: &[usize]) {
    let pieces: Vec<&str> = split_text(text, lengths);
    for on_fault in [OnFault::Refuse, OnFault::Skip] {
        let found = outcome::<Measurement>(&pieces, on_fault);
        assert_eq!(found, expected::<Measurement>(text, on_fault), "{text}");
        let found = outcome::<(DeviceId, Measurement)>(&pieces, on_fault);
        assert_eq!(found, expected::<(DeviceId, Measurement)>(text, on_fault), "{text}");
    }
}

/// Splits a text between characters.
fn split_text<'t>(text: &'t str, lengths: &[usize]) -> Vec<&'t str> {
    let characters: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let mut begin = 0;
    let bounds = split(&vec![0; characters.len()], lengths).iter().fold(Vec::new(), |mut bounds, piece| {
        begin += piece.len();
        bounds.push(characters.get(begin).copied().unwrap_or(text.len()));
        bounds
    });
    let begins = std::iter::once(0).chain(bounds.iter().copied());
    begins.zip(&bounds).map(|(begin, end)| &text[begin..*end]).collect()
}

const FRAGMENTS: &[&str] = &[
    r#"{"device_id":"d","x":1,"y":2,"z":3}"#,
    r#"{"device_id":"d","x":1,"y":2,"z":3,"timestamp":1795428000}"#,
    r#"{"x":1,"y":2,"z":3,"timestamp":1795428000000}"#,
    r#"{ "z" : "3", "x":1.5e1 , "y":-0}"#,
    r#"{"device_id":"a\"]é","x":1,"y":2,"z":3}"#,
    r#"{"x":[1,{"y":"]"}],"x":NaN}"#,
    r#"{"timestamp":1795428000,"timestamp":1,"x":1,"y":1,"z":1}"#,
    "[",
    "]",
    "{",
    "}",
    ",",
    ",",
    ",",
    "\"",
    "\\",
    "\\u00e9",
    ":",
    " ",
    "\n",
    "é",
    "1",
    "-",
    ".",
    "1e5",
    "true",
    "tru",
    "null",
    "NaN",
    "Infinity",
    "\"s\"",
];

proptest! {
    #[test]
    fn pieces_are_read_as_the_whole_text(
        fragments in prop::collection::vec(prop::sample::select(FRAGMENTS), 0..12),
        is_array in prop::bool::weighted(0.8),
        closes in prop::bool::weighted(0.7),
        lengths in prop::collection::vec(1..60_usize, 1..6),
    ) {
        let text = fragments.concat();
        check(&text, &lengths);
        let text = format!("{}{}{}", if is_array { "[" } else { "" }, fragments.join(","), if closes { "]" } else { "" });
        check(&text, &lengths);
    }

    #[test]
    fn any_short_text_is_read_as_the_whole_text(
        text in "\\[?[\\[\\]{}\",:0-9xyz é\\\\.eE+tn-]{0,30}",
        lengths in prop::collection::vec(1..9_usize, 1..4),
    ) {
        check(&text, &lengths);
    }
}

#[test]
fn every_cut_of_an_array_is_an_error_at_its_place() {
    let text = r#" [ {"x":1,"y":2,"z":3} , {"x":"é","y":"\u00e9","z":[null,true]},1.5e3] "#;
    for end in text.char_indices().map(|(at, _)| at) {
        check(&text[..end], &[3]);
        check(&format!("{}#{}", &text[..end], &text[end..]), &[100]);
    }
    check(text, &[1]);
}

#[test]
fn nothing_is_read_after_the_last_fault() {
    let wrong = format!("[{}", "{},".repeat(FAULTS_MAX));
    check(&format!("{wrong}x"), &[7]);
    let (mut reader, mut faults) = (JsonArrayReader::<Measurement>::default(), Faults::default());
    reader.receive(&wrong, &mut ReadingTimes::new(None), &mut faults);
    let count = reader.count;
    reader.receive("{},{},", &mut ReadingTimes::new(None), &mut faults);
    assert_eq!(reader.count, count);
}

#[test]
fn only_one_element_is_held() {
    let row = r#"{"x":"1","y":2,"z":3}"#;
    let text = format!("[{}{row}]", format!("{row},").repeat(10_000));
    let mut reader = JsonArrayReader::<Measurement>::default();
    let mut times = ReadingTimes::new(None);
    for piece in split_text(&text, &[10]) {
        reader.receive(piece, &mut times, &mut Faults::default());
        assert!(reader.begun.capacity() < 4 * row.len());
    }
    assert_eq!(reader.finish(&mut Faults::default()).unwrap().rows.len(), 10_001);
}
