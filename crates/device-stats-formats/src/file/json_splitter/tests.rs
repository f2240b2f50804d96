//! Elements of valid and invalid texts.

use proptest::prelude::*;
use serde_json::Value;

use super::*;

fn all(mut elements: JsonSplitter<&[u8]>) -> Result<Vec<(String, u64)>, (u64, &'static str)> {
    let mut found = Vec::new();
    loop {
        match elements.next_element() {
            Ok(Some((element, line))) => found.push((String::from_utf8(element).unwrap(), line)),
            Ok(None) => return Ok(found),
            Err(SplitError::Invalid { line, problem }) => return Err((line, problem)),
            Err(SplitError::Unreadable(error)) => panic!("{error}"),
        }
    }
}

fn array(text: &str) -> Result<Vec<(String, u64)>, (u64, &'static str)> {
    all(JsonSplitter::new(text.as_bytes(), JsonLayout::Array, 40))
}

fn found(elements: &[(&str, u64)]) -> Vec<(String, u64)> {
    elements.iter().map(|(element, line)| ((*element).to_owned(), *line)).collect()
}

#[test]
fn lines_are_returned_with_their_numbers() {
    let text = "{}\r\n\n  \n {\"a\": \"[\"} \n1";
    let lines = all(JsonSplitter::new(text.as_bytes(), JsonLayout::Lines, 40)).unwrap();
    assert_eq!(lines, found(&[("{}\r", 1), ("{\"a\": \"[\"} ", 4), ("1", 5)]));
    assert_eq!(all(JsonSplitter::new(&b""[..], JsonLayout::Lines, 40)), Ok(vec![]));
    let long = format!("1\n{}", "x".repeat(41));
    assert_eq!(
        all(JsonSplitter::new(long.as_bytes(), JsonLayout::Lines, 40)),
        Err((2, "the row is too large for any batch"))
    );
}

#[test]
fn elements_are_returned_with_their_lines() {
    assert_eq!(array("[]"), Ok(vec![]));
    assert_eq!(array(" [ \n ] \n"), Ok(vec![]));
    let text = "[{\"a\":\n[1,2]},\r\n\n \"],\\\\\\\",[\" , 3]\n";
    let expected = [("{\"a\": [1,2]}", 1), ("\"],\\\\\\\",[\" ", 4), ("3", 4)];
    assert_eq!(array(text), Ok(found(&expected)));
}

#[test]
fn an_invalid_array_is_reported_with_its_line() {
    for (text, line, problem) in [
        ("", 1, "the file is empty"),
        ("\n{}", 2, super::OBJECT_WITHOUT_ARRAY),
        ("\n7", 2, "the file must contain an array of objects"),
        ("[\n{}\n", 3, "the array is not closed"),
        ("[\n", 2, "the array is not closed"),
        ("[{},", 1, "the array is not closed"),
        ("[{},\n]", 2, "an element is missing"),
        ("[{},\n,{}]", 2, "an element is missing"),
        ("[,{}]", 1, "an element is missing"),
        ("[{}]\n\n[]", 3, "something follows the array"),
        ("[\"a\n\"]", 1, "a string contains a line break or another control character"),
    ] {
        assert_eq!(array(text), Err((line, problem)), "{text}");
    }
    let long = format!("[1,\n{}]", "1".repeat(41));
    assert_eq!(array(&long), Err((2, "the row is too large for any batch")));
}

fn value() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![any::<i64>().prop_map(Value::from), "[\\PC\n\"\\\\,\\[\\]]{0,6}".prop_map(Value::from)];
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c\"\\]]{0,2}", inner), 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn elements_are_those_of_the_array(values in prop::collection::vec(value(), 0..6), pretty: bool) {
        let array = Value::from(values.clone());
        let text = if pretty { format!("{array:#}") } else { array.to_string() };
        let cut = all(JsonSplitter::new(text.as_bytes(), JsonLayout::Array, 10_000)).unwrap();
        prop_assert_eq!(cut.len(), values.len());
        for ((element, line), value) in cut.iter().zip(&values) {
            prop_assert!(!element.contains('\n'));
            prop_assert_eq!(&serde_json::from_str::<Value>(element).unwrap(), value);
            let start = text.lines().nth(usize::try_from(line - 1).unwrap()).unwrap();
            prop_assert!(pretty || *line == 1);
            prop_assert!(!pretty || start.starts_with("  "));
        }
    }
}
