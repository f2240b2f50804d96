//! The answers of email-validator 2.4 to many addresses, and properties of every text.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn read(text: &str) -> String {
    Email::parse(text).map_or_else(|error| error.to_string(), |email| email.to_string())
}

#[test]
fn valid_addresses_are_normalized() {
    for (text, normalized) in [
        ("a+tag@example.com", "a+tag@example.com"),
        ("A.B@EXAMPLE.Com", "A.B@example.com"),
        ("!#$%&'*+-/=?^_`{|}~@example.com", "!#$%&'*+-/=?^_`{|}~@example.com"),
        ("a@example.example", "a@example.example"),
        ("a@my.contest", "a@my.contest"),
        ("a@1.com", "a@1.com"),
        ("a@b.c", "a@b.c"),
        // The case of a role name has no meaning. A longer name keeps its case.
        ("Postmaster@example.com", "postmaster@example.com"),
        ("Info+x@example.com", "Info+x@example.com"),
        // White space and display names.
        ("\t\u{a0}a@example.com\u{3000}\u{1c}", "a@example.com"),
        ("<bob@example.com>", "bob@example.com"),
        ("  Bob   Smith  < bob@EXAMPLE.com > ", "bob@example.com"),
        ("Böb S. <bob@example.com>", "bob@example.com"),
        ("\"Bob, \"the\" Smith\" <bob@example.com>", "bob@example.com"),
        ("\"<b>\" <bob@example.com>", "bob@example.com"),
        // Letters beyond ASCII.
        ("ü@exämple.com", "ü@exämple.com"),
        ("u\u{308}@exa\u{308}mple.com", "ü@exämple.com"),
        ("😀@example.com", "😀@example.com"),
        ("\u{212a}@example.com", "K@example.com"),
        ("a@EXÄMPLE.com", "a@exämple.com"),
        ("a@XN--EXMPLE-CUA.com", "a@exämple.com"),
        ("a@straße.de", "a@straße.de"),
        ("a@ＥＸＡＭＰＬＥ。com", "a@example.com"),
        ("a@①.ﬁ", "a@1.fi"),
        ("a@אב.com", "a@אב.com"),
        ("a@例え.テスト", "a@例え.テスト"),
        ("a@l·l.com", "a@l·l.com"),
        ("a@ア・イ.com", "a@ア・イ.com"),
    ] {
        assert_eq!(read(text), normalized, "{text:?}");
    }
}

#[test]
fn faults_before_the_at_sign_are_named() {
    for (text, sentence) in [
        ("", "An email address must have an @-sign."),
        ("a.example.com", "An email address must have an @-sign."),
        ("\"a@example.com", "An email address must have an @-sign."),
        ("@example.com", "There must be something before the @-sign."),
        ("\"\"@example.com", "There must be something before the @-sign."),
        (".a@example.com", "An email address cannot start with a period."),
        ("a.@example.com", "An email address cannot have a period immediately before the @-sign."),
        ("a..b@example.com", "An email address cannot have two periods in a row."),
        ("a\n@example.com", "Carriage return and line feed characters are not allowed"),
        ("\"a b\"@example.com", "Quoting the part before the @-sign is not allowed here."),
        ("\"a@b\"@example.com", "Quoting the part before the @-sign is not allowed here."),
        ("\"a\\\"\"b@example.com", "Extra character(s) found after close quote: 'b'"),
        (
            "a＠example.com",
            "The email address has the \"full-width\" at-sign (@) character instead of a regular at-sign.",
        ),
        (
            "a﹫example.com",
            "The email address has the \"small commercial at\" character instead of a regular at-sign.",
        ),
    ] {
        assert_eq!(read(text), sentence, "{text:?}");
    }
    for (text, list) in [
        ("a b@example.com", "SPACE"),
        ("a(b)@example.com", "'(', ')'"),
        ("a\\b@example.com", "\"\\\""),
        ("a\0@example.com", "U+0000"),
    ] {
        let sentence = format!("The email address contains invalid characters before the @-sign: {list}.");
        assert_eq!(read(text), sentence, "{text:?}");
    }
    assert_eq!(
        read("a\u{37e}b@example.com"),
        "After Unicode normalization: The email address contains invalid characters before the @-sign: ';'."
    );
}

#[test]
fn faults_after_the_at_sign_are_named() {
    const PART: &str = "The part after the @-sign";
    for (text, sentence) in [
        ("a@", "There must be something after the @-sign."),
        ("a@example.com.", "An email address cannot end with a period."),
        ("a@.example.com", "An email address cannot have a period immediately after the @-sign."),
        ("a@example..com", "An email address cannot have two periods in a row."),
        ("a@-example.com", "An email address cannot have a hyphen immediately after the @-sign."),
        ("a@example.com-", "An email address cannot end with a hyphen."),
        ("a@example-.com", "An email address cannot have a period and a hyphen next to each other."),
        (
            "a@ab--c.com",
            "An email address cannot have two letters followed by two dashes immediately after the @-sign or after \
             a period, except Punycode.",
        ),
        ("a@[127.0.0.1]", "A bracketed IP address after the @-sign is not allowed here."),
    ] {
        assert_eq!(read(text), sentence, "{text:?}");
    }
    for (text, fault) in [
        ("a@localhost", "is not valid. It should have a period."),
        ("a@1.2.3.4", "is not valid. It is not within a valid top-level domain."),
        ("a@b@example.com", "contains invalid characters: '@'."),
        ("a@ex_am ple.com", "contains invalid characters: '_', SPACE."),
        ("a@⒈.com", "contains invalid characters: '⒈'."),
        ("a@℀.com", "contains invalid characters after Unicode normalization: '/'."),
        ("a@☃.com", "is invalid (Codepoint U+2603 at position 1 of '☃' not allowed)."),
        ("a@xn--n3h.com", "is not valid IDNA (Codepoint U+2603 at position 1 of '☃' not allowed)."),
        ("a@xn--c.com", "is not valid IDNA (Invalid A-label)."),
        // Deliberately less detailed than email-validator.
        ("a@אa.com", "is invalid (Label 'אa' not allowed)."),
        ("a@1.אב.com", "is not valid IDNA (Labels of both writing directions do not go together)."),
    ] {
        assert_eq!(read(text), format!("{PART} {fault}"), "{text:?}");
    }
    for name in ["x.arpa", "example.invalid", "a.local", "x.localhost", "x.onion", "EXAMPLE.TEST"] {
        let sentence = format!("{PART} is a special-use or reserved name that cannot be used with email.");
        assert_eq!(read(&format!("a@{name}")), sentence, "{name}");
    }
}

#[test]
fn unsafe_characters_are_refused_and_listed() {
    for (text, list) in [
        ("\u{200b}a@example.com", "ZERO WIDTH SPACE"),
        ("a\u{a0}b@example.com", "NO-BREAK SPACE"),
        ("\u{301}a@example.com", "COMBINING ACUTE ACCENT"),
        ("ü\u{85}@example.com", "U+0085"),
        ("a\u{e000}\u{202e}@example.com", "RIGHT-TO-LEFT OVERRIDE, U+E000"),
        ("a\u{100000}@example.com", "U+00100000"),
        ("a@\u{301}example.com", "COMBINING ACUTE ACCENT"),
        ("a@a\u{200d}b.com", "ZERO WIDTH JOINER"),
        ("\"\u{200b}\"<", "ZERO WIDTH SPACE"),
    ] {
        let sentence = format!("The email address contains unsafe characters: {list}.");
        assert_eq!(read(text), sentence, "{text:?}");
    }
}

#[test]
fn faults_of_a_display_name_are_named() {
    const BRACKETS: &str =
        "A display name and angle brackets around the email address are not permitted here.";
    for (text, sentence) in [
        (
            "Bob:, <bob@example.com>",
            "The display name contains invalid characters when not quoted: ',', ':'.",
        ),
        ("\"Bob\" S <b@example.com>", "Extra character(s) found after close quote: SPACE, 'S'"),
        ("Bob <bob@example.com> x", "There can't be anything after the email address."),
        (
            "Bob <bob@example.com",
            "An open angle bracket at the start of the email address has to be followed by a close angle bracket \
             at the end.",
        ),
        ("Bob <>", "An email address must have an @-sign."),
        ("Bob <bob>", "An email address must have an @-sign."),
        ("\"\" <bob@example.com>", BRACKETS),
        ("Bob <<bob@example.com>>", BRACKETS),
        ("bob@example.com>", "The part after the @-sign contains invalid characters: '>'."),
        // The mark turns the angle bracket into another character.
        ("a<\u{338}b", "An email address must have an @-sign."),
    ] {
        assert_eq!(read(text), sentence, "{text:?}");
    }
}

#[test]
fn too_long_addresses_are_refused_with_the_excess() {
    let address = |local: &str, count| format!("{}@example.com", local.repeat(count));
    assert_eq!(read(&address("a", 242)).len(), EMAIL_BYTES_MAX);
    assert_eq!(read(&address("ü", 121)).len(), EMAIL_BYTES_MAX);
    assert_eq!(read(&format!("a@{}.com", "a".repeat(63))).len(), 69);
    let labels = |c: &str, counts: &[usize]| {
        let labels: Vec<_> = counts.iter().map(|count| c.repeat(*count)).collect();
        format!("a@{}.com", labels.join("."))
    };
    for (text, sentence) in [
        (address("a", 243), "The email address is too long (1 character too many)."),
        (address("a", 250), "The email address is too long (8 characters too many)."),
        (address("ü", 122), "The email address is too long (1-2 characters too many)."),
        (address("€", 100), "The email address is too long (19-58 characters too many)."),
        (address("a", 2037), "Length must not exceed 2048 characters"),
        (
            labels("a", &[64]),
            "After the @-sign, periods cannot be separated by so many characters (1 character too many).",
        ),
        (
            labels("a", &[62, 62, 62, 62]),
            "The email address is too long after the @-sign (2 characters too many).",
        ),
        (
            labels("ä", &[57, 57, 57, 57]),
            "The email address is too long after the @-sign (6 bytes too many after IDNA encoding).",
        ),
        (labels("ä", &[60]), "The part after the @-sign is invalid (Label too long)."),
        (labels("a", &[49, 49, 49, 49, 49]), "The email address is too long (1 character too many)."),
        (
            // Normalization turns each of these characters into three.
            address("\u{1d160}", 60),
            "The email address is too long after normalization (478 bytes too many).",
        ),
    ] {
        assert_eq!(read(&text), sentence, "{text:?}");
    }
}

/// Returns random texts, many of them nearly an address.
fn nearly_addresses() -> impl Strategy<Value = String> {
    let fragments = select(vec![
        "@",
        "@",
        "@",
        ".",
        ".",
        ".com",
        "a",
        "Info",
        "Ü",
        "u\u{308}",
        "\u{301}",
        "\u{212a}",
        "ß",
        "אב",
        "٣",
        "日本",
        "・",
        "l·l",
        "😀",
        "①",
        "℀",
        "xn--",
        "xn--exmple-cua",
        "-",
        "--",
        "_",
        "<",
        ">",
        "\"",
        "\\",
        " ",
        "\u{3000}",
        "\u{200d}",
        "\u{338}",
        "。",
        "test",
        "1",
        "Bob ",
        "(",
        "é",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    ]);
    prop::collection::vec(prop_oneof![8 => fragments.prop_map(str::to_owned), 1 => "\\PC"], 0..12)
        .prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_normalized_address_is_unchanged(text in prop_oneof![nearly_addresses(), "\\PC{1,8}@\\PC{1,8}\\.com"]) {
        if let Ok(email) = Email::parse(&text) {
            prop_assert!(email.as_str().len() <= EMAIL_BYTES_MAX);
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
        }
    }

    #[test]
    fn no_text_panics(text in any::<String>()) {
        let _ = Email::parse(&text);
    }
}
