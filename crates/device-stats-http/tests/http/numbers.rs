//! Numbers: valid ones keep every bit, invalid ones are refused.

use crate::server::{Api, READINGS, over_both_stores};

over_both_stores!(invalid_numbers_are_refused, valid_numbers_keep_every_bit);

async fn invalid_numbers_are_refused(api: Api) {
    api.device("d").await;
    let integer = |zeros| format!("1{}", "0".repeat(zeros));
    for (x, expected) in [
        ("NaN", "422 finite_number body.x"),
        ("Infinity", "422 finite_number body.x"),
        ("-Infinity", "422 finite_number body.x"),
        ("1e999", "422 finite_number body.x"),
        (r#""nan""#, "422 finite_number body.x"),
        (r#""-inf""#, "422 finite_number body.x"),
        (&integer(400), "422 finite_number body.x"),
        (&integer(5000), "422 json_invalid body.4306"),
        (r#""1_0""#, "422 float_parsing body.x"),
        (r#""0x10""#, "422 float_parsing body.x"),
        (r#""""#, "422 float_parsing body.x"),
        ("null", "422 float_type body.x"),
        ("[1]", "422 float_type body.x"),
        ("{}", "422 float_type body.x"),
        ("01", "422 json_invalid body.6"),
        ("+1", "422 json_invalid body.5"),
        (".5", "422 json_invalid body.5"),
        ("1.", "422 json_invalid body.7"),
        ("0x10", "422 json_invalid body.6"),
    ] {
        let response = api.post(READINGS, format!(r#"{{"x":{x},"y":0,"z":0}}"#)).await;
        assert_eq!(response.brief(), expected, "{x}");
        let columns = api.post(&format!("{READINGS}/batch"), format!(r#"[{{"x":{x},"y":0,"z":0}}]"#)).await;
        assert_eq!(columns.status, 422, "{x}");
    }
    assert!(api.list(READINGS).await.is_empty());
}

async fn valid_numbers_keep_every_bit(api: Api) {
    api.device("d").await;
    let fraction = format!("0.{}1", "3".repeat(2000));
    for (x, expected) in [
        ("1.7e308", 1.7e308),
        ("5e-324", 5e-324),
        ("-2.2250738585072014e-308", -f64::MIN_POSITIVE),
        ("1e-400", 0.0),
        ("-0.0", 0.0),
        ("-0", 0.0),
        ("9007199254740993", 9_007_199_254_740_992.0),
        (&fraction, 1.0 / 3.0),
        ("179769313486231580793728971405301e276", f64::MAX),
        ("0.1", 0.1),
        ("84.28617541430977", 84.286_175_414_309_77),
        (r#""1.5""#, 1.5),
        (r#"" 7 ""#, 7.0),
        ("true", 1.0),
        ("false", 0.0),
    ] {
        let response = api.post(READINGS, format!(r#"{{"x":{x},"y":{x},"z":{x}}}"#)).await;
        assert_eq!(response.brief(), "201", "{x}");
        let stored = api.list(&format!("{READINGS}?limit=1")).await;
        for reading in [&response.json(), &stored[0]] {
            for axis in ["x", "y", "z"] {
                assert_eq!(reading[axis].as_f64().map(f64::to_bits), Some(expected.to_bits()), "{x}");
            }
        }
    }
}
