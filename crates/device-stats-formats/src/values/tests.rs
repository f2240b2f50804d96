//! Values are read as pydantic reads them.

use device_stats_domain::Finite;

use super::*;
use crate::faults::Problem;
use crate::json::Json;

fn string(text: &str) -> Json {
    Json::String(text.to_owned())
}

fn number(text: &str) -> Json {
    Json::Number(text.to_owned())
}

fn kind<T: std::fmt::Debug>(read: Result<T, Problem>) -> &'static str {
    read.unwrap_err().kind
}

#[test]
fn numbers_are_finite_and_correctly_rounded() {
    for (json, expected) in [
        (number("1"), 1.0),
        (number("-0.0"), 0.0),
        (number("9007199254740993"), 9_007_199_254_740_992.0),
        (number("1e-400"), 0.0),
        (number("179769313486231580793728971405301e276"), f64::MAX),
        (number(&format!("0.{}1", "0".repeat(2000))), 0.0),
        (string(" 7 "), 7.0),
        (string("\u{a0}+.5"), 0.5),
        (string("1."), 1.0),
        (Json::Bool(true), 1.0),
    ] {
        assert_eq!(finite(&json).map(Finite::get), Ok(expected), "{json:?}");
    }
    for text in ["NaN", "Infinity", "-Infinity", "1e999"] {
        assert_eq!(kind(finite(&number(text))), "finite_number");
        assert_eq!(kind(finite(&string(text))), "finite_number");
    }
    assert_eq!(kind(finite(&number(&format!("1{}", "0".repeat(5000))))), "finite_number");
    for text in ["", " ", "1_0", "0x10", "--7", "1,5", "١"] {
        assert_eq!(kind(finite(&string(text))), "float_parsing", "{text}");
    }
    assert_eq!(kind(finite(&Json::Null)), "float_type");
    assert_eq!(kind(finite(&Json::Array(vec![number("1")]))), "float_type");
}

#[test]
fn booleans_have_the_words_of_pydantic() {
    for (json, expected) in [
        (Json::Bool(true), true),
        (number("0"), false),
        (number("1"), true),
        (number("1.0"), true),
        (string("Yes"), true),
        (string("off"), false),
    ] {
        assert_eq!(boolean(&json), Ok(expected), "{json:?}");
    }
    for json in [number("2"), number("-1"), string("maybe"), string(""), string(" true")] {
        assert_eq!(kind(boolean(&json)), "bool_parsing", "{json:?}");
    }
    for json in [Json::Null, number("0.5"), number("NaN"), Json::Array(vec![])] {
        assert_eq!(kind(boolean(&json)), "bool_type", "{json:?}");
    }
}

#[test]
fn integers_may_have_a_sign_and_a_fraction_of_zeros() {
    for (text, expected) in [
        ("1", 1),
        ("+1", 1),
        (" -1 ", -1),
        ("007", 7),
        ("1.00", 1),
        ("-0.0", 0),
        ("9223372036854775808", i64::MAX),
        ("1000000000000000000000000000000", i64::MAX),
        // Became -9223372036854775807.
        ("-9223372036854775808", i64::MIN),
        ("-99999999999999999999", i64::MIN),
    ] {
        assert_eq!(integer(&string(text)), Ok(expected), "{text}");
    }
    for text in ["", "+", "-", "+-1", "1.", ".0", "1.5", "1e3", "1_0", "0x10", "abc", "١", "1\0", "nan"] {
        assert_eq!(kind(integer(&string(text))), "int_parsing", "{text}");
    }
    assert_eq!(integer(&number("1e3")), Ok(1000));
    assert_eq!(integer(&number("1.0")), Ok(1));
    assert_eq!(kind(integer(&number("1.5"))), "int_from_float");
    assert_eq!(kind(integer(&number("1e19"))), "int_parsing_size");
    assert_eq!(kind(integer(&number("1e400"))), "finite_number");
    assert_eq!(kind(integer(&number("NaN"))), "finite_number");
    assert_eq!(kind(integer(&Json::Bool(true))), "int_type");
}
