//! Compares the scanner with the crate `influxdb-line-protocol`, InfluxDB's own Rust parser.
//!
//! Intended differences:
//! - The crate accepts a comma after the first field without a second field (`m x=1,`). The scanner refuses
//!   it.
//! - The crate counts commas and equals signs to decide whether a quote begins a string. If a field key
//!   contains a comma (`m a,b="c\nd"`), it cuts the line inside the string. Here, a string begins with a
//!   quote directly after an equals sign of the field set.

use influxdb_line_protocol::{FieldValue as TheirValue, ParsedLine, parse_lines, split_lines};
use proptest::prelude::*;

use super::line_splitter::LineSplitter;
use super::scanner::{FieldValue, Point, scan};

fn from_crate(line: ParsedLine<'_>) -> Point<'_> {
    let tags = line.series.tag_set.into_iter().flatten();
    let fields = line.field_set.into_iter().map(|(key, value)| {
        let value = match value {
            TheirValue::F64(number) => FieldValue::Float(number),
            TheirValue::I64(number) => FieldValue::Integer(number),
            TheirValue::U64(number) => FieldValue::Unsigned(number),
            TheirValue::String(_) => FieldValue::String,
            TheirValue::Boolean(_) => FieldValue::Boolean,
        };
        (String::from(key).into(), value)
    });
    Point {
        tags: tags.map(|(key, value)| (String::from(key).into(), String::from(value).into())).collect(),
        fields: fields.collect(),
        timestamp: line.timestamp,
    }
}

/// Compares each line of a text; returns the number of lines that both parsers accept.
fn compare(text: &str) -> usize {
    let (mut splitter, mut lines) = (LineSplitter::default(), Vec::new());
    splitter.receive(text, |_, line| lines.push(line.to_owned()));
    lines.extend(splitter.finish().map(|(_, line)| line));
    let mut read_by_both = 0;
    for line in &lines {
        if split_lines(line).count() > 1 {
            assert!(line.contains('"'), "the crate cuts {line:?}");
            continue;
        }
        let theirs = parse_lines(line).next().expect("a line is a point or refused").ok().map(from_crate);
        match (scan(line), theirs) {
            (Ok(ours), theirs) => {
                assert_eq!(Some(&ours), theirs.as_ref(), "{line:?}");
                read_by_both += 1;
            }
            (Err(_), None) => {}
            (Err(error), Some(theirs)) => {
                let is_comma_after_the_first_field =
                    theirs.fields.len() == 1 && error.message == "a field key is missing";
                assert!(is_comma_after_the_first_field, "only we refuse {line:?}: {error:?}");
            }
        }
    }
    read_by_both
}

fn name() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c]{1,3}", "([a-cé,= \t\"#]|\\\\[,= \\\\n\"]){1,4}", Just("device".to_owned())]
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<f64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_map(|number| format!("{number:e}")),
        any::<i64>().prop_map(|number| format!("{number}i")),
        any::<u64>().prop_map(|number| format!("{number}u")),
        "-?[0-9]{1,25}(\\.[0-9]{0,3})?([eE][+-]?[0-9]{0,3})?[iu]?",
        "\"([a-c\n, =#é]|\\\\[\"\\\\a])*\"",
        prop::sample::select(vec![
            "t", "T", "true", "True", "TRUE", "f", "F", "false", "False", "FALSE", "tt", "x"
        ])
        .prop_map(str::to_owned),
    ]
}

/// Lines that are valid, and lines with small errors.
fn line() -> impl Strategy<Value = String> {
    let tags = prop::collection::vec((name(), name()), 0..3);
    let fields = prop::collection::vec((name(), value()), 0..4);
    let timestamp = prop_oneof![
        Just(String::new()),
        any::<i64>().prop_map(|time| format!(" {time}")),
        " -?[0-9]{0,20}( |x)?",
    ];
    let noise = prop::option::weighted(0.3, (any::<prop::sample::Index>(), "[ ,=\"\\\\\t\n\r#0a]"));
    (name(), tags, fields, timestamp, noise).prop_map(|(measurement, tags, fields, timestamp, noise)| {
        let join = |entries: Vec<(String, String)>| {
            entries.into_iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        let series = [vec![measurement], join(tags)].concat().join(",");
        let mut line = format!("{series} {}{timestamp}", join(fields).join(","));
        if let Some((position, noise)) = noise {
            let offsets: Vec<usize> = line.char_indices().map(|(offset, _)| offset).collect();
            line.insert_str(*position.get(&offsets), &noise);
        }
        line
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn lines_are_read_as_by_the_crate(line in line()) {
        compare(&line);
    }

    #[test]
    fn short_texts_are_read_as_by_the_crate(text in "([a-c1 ,=\"\\\\#\r\t]{0,6}\n?){0,8}") {
        compare(&text);
    }
}

/// Tries every text of up to six characters that have a meaning in the grammar.
#[test]
fn all_short_texts_are_read_as_by_the_crate() {
    const CHARACTERS: [char; 7] = ['m', '1', ',', '=', ' ', '"', '\\'];
    let mut texts = vec![String::new()];
    let mut read_by_both = 0;
    for length in 0..=6 {
        read_by_both += texts.iter().map(|text| compare(text)).sum::<usize>();
        if length < 6 {
            texts = texts
                .iter()
                .flat_map(|text| CHARACTERS.iter().map(move |character| format!("{text}{character}")))
                .collect();
        }
    }
    assert!(read_by_both > 100, "{read_by_both}");
}

#[test]
fn errors_name_the_rule_and_the_column() {
    for (line, column, message) in [
        (",a=b c=1", 1, "the measurement is missing"),
        ("nonsense", 9, "the fields are missing"),
        ("é,a=b", 6, "the fields are missing"),
        ("m\tx=1", 2, "a comma or a space should follow the measurement or the tags"),
        ("m,=b c=1", 3, "a tag key is missing"),
        ("m,a c=1", 4, "an equals sign should follow the tag key"),
        ("m,a= c=1", 5, "a tag value is missing"),
        ("m,a=b ", 7, "a field key is missing"),
        ("m x", 4, "an equals sign should follow the field key"),
        ("m x=1,", 7, "a field key is missing"),
        ("m x=.5", 5, "a number needs a digit on both sides of its decimal point"),
        ("m x=1.", 5, "a number needs a digit on both sides of its decimal point"),
        ("m x=+1", 5, "a number must not begin with a plus sign"),
        ("m x=NaN", 5, "NaN and infinite numbers are not allowed in line protocol"),
        ("m x=-inf", 5, "NaN and infinite numbers are not allowed in line protocol"),
        ("m x=1\\", 5, "the value must not end with a backslash"),
        ("m,device=d\\ x=1", 16, "the fields are missing: a backslash escapes the space after it"),
        ("m x=one", 5, "the value should be a number, a boolean or a string in double quotes"),
        ("m x=1.5i", 5, "the value should be a number, a boolean or a string in double quotes"),
        ("m x=9223372036854775808i", 5, "the integer should fit into 64 bits"),
        ("m x=\"a\\\"", 5, "the string is not closed by a quote"),
        ("m x=\"a\"b", 8, "a comma, a space or the end of the line should follow the field value"),
        ("m x=1 soon", 7, "the timestamp should be an integer"),
        ("m x=1 9223372036854775808", 7, "the timestamp should fit into 64 bits"),
        ("m x=1 1 2", 9, "nothing should follow the timestamp"),
        ("m\\\\ x=1", 4, "a measurement, a key or a tag value must not end with a backslash"),
    ] {
        let error = scan(line).unwrap_err();
        assert_eq!((error.column, error.message), (column, message), "{line}");
    }
}
