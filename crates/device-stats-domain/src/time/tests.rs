//! Compares times from texts and numbers with the answers of pydantic.

use proptest::prelude::*;

use super::*;

#[test]
fn a_duration_does_not_lead_out_of_the_range() {
    let (zero, day) = (Timestamp(0), Duration::from_hours(24));
    assert_eq!(zero.saturating_add(day).micros(), 86_400_000_000);
    assert_eq!(zero.saturating_sub(day).micros(), -86_400_000_000);
    for duration in [day, Duration::MAX] {
        assert_eq!(Timestamp::MAX.saturating_add(duration), Timestamp::MAX);
        assert_eq!(Timestamp::MIN.saturating_sub(duration), Timestamp::MIN);
    }
}

fn read(text: &str) -> String {
    RequestTime::parse(text)
        .map_or_else(|error| error.to_string(), |moment| moment.nearest_timestamp().to_string())
}

#[test]
fn every_spelling_gives_the_same_time() {
    for text in [
        "2026-11-23T00:00:00Z",
        "2026-11-23T00:00:00",
        "2026-11-23t00:00:00z",
        "2026-11-23 00:00:00",
        "2026-11-23",
        "2026-11-23T00:00",
        "2026-11-23T14:00:00+14:00",
        "2026-11-22T00:01:00-23:59",
        "2026-11-23T02:00:00+0200",
        "2026-11-23T00:00:00.000000999",
        "1795392000",
        "1795392000000",
        "1795392000.0",
    ] {
        assert_eq!(read(text), "2026-11-23T00:00:00.000000Z", "{text}");
    }
}

#[test]
fn other_texts_are_refused() {
    for text in [
        "",
        " 2026-11-23",
        "2026-11-23 ",
        "yesterday",
        "2026-02-30",
        "2026-13-01",
        "2026-11-23T24:00:00",
        "2026-11-23T00:00:60",
        "10000-01-01",
        "0000-01-01",
        "0000-01-01T00:00:00Z",
        "+010000-01-01T00:00:00Z",
        "2026-11-23T00:00:00+24:00",
        "1e30",
        "NaN",
        "Infinity",
        "-inf",
        "2026-11-23T00:00:00 01:00",
        "20260101T000000Z",
        "2026-11-23T00:00:00[Europe/Berlin]",
    ] {
        assert!(RequestTime::parse(text).is_err(), "{text} became {}", read(text));
    }
}

/// The answers of pydantic to these texts.
#[test]
fn the_fault_of_a_text_is_named() {
    for (text, words) in [
        ("", "input is too short"),
        ("NaN", "input is too short"),
        ("1.5e400", "dates after 9999 are not supported as unix timestamps"),
        (" 2026-11-23", "invalid character in year"),
        ("20261123T000000Z", "invalid date separator, expected `-`"),
        // pydantic takes it for a date.
        ("9223372036854775808", "dates after 9999 are not supported as unix timestamps"),
        ("2026-0a-01", "invalid character in month"),
        ("2026-01-0a", "invalid character in day"),
        ("2026-13-01", "month value is outside expected range of 1-12"),
        ("2026-02-30", "day value is outside expected range"),
        ("2026-11-23T24:00:00", "unexpected extra characters at the end of the input"),
        ("2026-11-23T00:00:00 01:00", "unexpected extra characters at the end of the input"),
        ("253402300800000", "dates after 9999 are not supported as unix timestamps"),
        ("-62167219200001", "dates before 0000 are not supported as unix timestamps"),
    ] {
        assert_eq!(RequestTime::parse(text), Err(InvalidTime::Text(words)), "{text}");
    }
    for text in ["0000-01-01", "0000-01-01T00:00:00Z", "-62135596800001"] {
        assert_eq!(RequestTime::parse(text), Err(InvalidTime::YearZero), "{text}");
    }
}

#[test]
fn the_fault_of_a_number_is_named() {
    let before = Err(InvalidTime::Number("dates before 0000 are not supported as unix timestamps"));
    let after = Err(InvalidTime::Number("dates after 9999 are not supported as unix timestamps"));
    for (number, answer) in [
        ("NaN", Err(InvalidTime::NotANumber)),
        ("Infinity", after),
        ("-Infinity", before),
        ("1e400", after),
        ("-1e400", before),
        ("9223372036854775807", after),
        ("253402300800000", after),
        ("-62135596800001", Err(InvalidTime::YearZero)),
        ("-62167219200001", before),
        ("253402300799999", Ok(RequestTime(253_402_300_799_999_000))),
        ("-62135596800000", Ok(RequestTime(-62_135_596_800_000_000))),
        ("0.0000005", Ok(RequestTime(0))),
        ("1700000000.9999999", Ok(RequestTime(1_700_000_000_999_999))),
        ("1.7e9", Ok(RequestTime(1_700_000_000_000_000))),
    ] {
        assert_eq!(RequestTime::from_number_text(number), answer, "{number}");
    }
}

/// The time of a request may be outside the years 1 to 9999 in UTC. A window accepts such a time, but a
/// reading does not.
#[test]
fn times_outside_the_years_of_readings_are_accepted_in_requests() {
    let early = RequestTime::parse("0001-01-01T00:00:00+14:00").unwrap();
    let late = RequestTime::parse("9999-12-31T23:59:59-12:00").unwrap();
    assert_eq!(Timestamp::try_from(early), Err(InvalidTime::YearInUtc));
    assert_eq!(Timestamp::try_from(late), Err(InvalidTime::YearInUtc));
    assert_eq!(early.nearest_timestamp().to_string(), "0001-01-01T00:00:00.000000Z");
    assert_eq!(late.nearest_timestamp().to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(Timestamp::MAX.next(), Timestamp::MAX);
}

#[test]
fn the_unit_of_a_number_depends_on_its_size() {
    assert_eq!(read("20000000000"), "2603-10-11T11:33:20.000000Z");
    assert_eq!(read("20000000001"), "1970-08-20T11:33:20.001000Z");
    assert_eq!(read("-1.5"), "1969-12-31T23:59:58.500000Z");
    assert_eq!(RequestTime::from_number_text("1795392000.25").unwrap().micros(), 1_795_392_000_250_000);
}

proptest! {
    #[test]
    fn a_written_time_is_parsed_as_itself(micros in Timestamp::MIN.micros()..=Timestamp::MAX.micros()) {
        let time = Timestamp::from_micros(micros).unwrap();
        prop_assert_eq!(RequestTime::parse(&time.to_string()).unwrap().micros(), micros);
    }

    /// A number through a double was one microsecond off the same instant as text.
    #[test]
    fn every_notation_of_an_instant_gives_the_same_time(
        micros in -62_000_000_000_000_000..20_000_000_000_000_000_i64,
        more in "[0-9]{0,12}",
    ) {
        let time = Timestamp::from_micros(micros).unwrap();
        let text = time.to_string();
        let rfc3339 = format!("{}{more}Z", text.strip_suffix('Z').unwrap());
        let shifted = Timestamp::from_micros(micros + 5_400_000_000).unwrap().to_string();
        let offset = format!("{}{more}+01:30", shifted.strip_suffix('Z').unwrap());
        // The digits count down from the next second if the number is negative.
        let digits = format!("{:06}{more}", micros.rem_euclid(1_000_000));
        let whole = micros.div_euclid(1_000_000);
        prop_assert_eq!(RequestTime::parse(&rfc3339).unwrap().micros(), micros);
        prop_assert_eq!(RequestTime::parse(&offset).unwrap().micros(), micros);
        if micros >= 0 {
            let number = format!("{whole}.{digits}");
            let scientific = format!("{whole}{digits}e-{}", digits.len());
            let read = |text: &str| RequestTime::from_number_text(text).unwrap().micros();
            prop_assert_eq!((read(&number), read(&scientific)), (micros, micros));
            for text in [&number, &scientific] {
                prop_assert_eq!(RequestTime::parse(text).unwrap().micros(), micros);
            }
        }
    }

    #[test]
    fn no_text_panics(text in "[0-9T:+.Zz_ eE-]{0,30}|\\PC{0,30}") {
        let _ = RequestTime::parse(&text);
    }
}
