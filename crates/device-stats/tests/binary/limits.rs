//! The tables of limits in `docs/operating.md` against the constants in the `limits` files of all crates.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The value of a limit, in its base unit.
#[derive(Debug, PartialEq)]
enum Quantity {
    Count(f64),
    Bytes(f64),
    Seconds(f64),
}

/// Values by the name of the constant. A constant that is an array has several.
type Limits = BTreeMap<String, Vec<Quantity>>;

#[test]
fn the_documented_limits_are_those_of_the_code() {
    let root = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let documented = documented_limits(&fs::read_to_string(root.join("docs/operating.md")).unwrap());
    let coded = coded_limits(&root.join("crates"));
    let names: Vec<_> = coded.keys().chain(documented.keys()).collect();
    let differences: Vec<_> = names
        .into_iter()
        .map(|name| (name, coded.get(name), documented.get(name)))
        .filter(|(_, coded, documented)| coded != documented)
        .collect();
    assert!(differences.is_empty(), "(constant, code, docs/operating.md): {differences:#?}");
}

#[test]
fn a_missing_and_a_different_limit_are_noticed() {
    let read = |value: &str| {
        let row = format!("## Limits\n\n| a body | {value} | 413 | `BODY_BYTES_MAX` |\n");
        documented_limits(&row)
    };
    let mut coded = Limits::new();
    add_constants(&mut coded, "pub(crate) const BODY_BYTES_MAX: usize =\n    64 * 1024;\n");
    assert_eq!(read("64 KiB"), coded);
    assert_eq!(read("65,536 bytes"), coded);
    for other in ["64 MiB", "65,536", "64 s", "65 KiB", "64 KiB and 64 KiB"] {
        assert_ne!(read(other), coded, "{other}");
    }
    let mut times = Limits::new();
    add_constants(
        &mut times,
        "pub const WAIT: Duration = Duration::from_mins(2);\npub const LOG_MAX: u32 = 1;",
    );
    assert_eq!(times["WAIT"], [Quantity::Seconds(120.0)]);
    assert_eq!(times.len(), 2);
}

/// Reads the rows of the tables below the heading `Limits`: description, value, consequence, constant.
fn documented_limits(page: &str) -> Limits {
    let (_, section) = page.split_once("\n## Limits\n").or_else(|| page.split_once("## Limits\n")).unwrap();
    let section = section.split_once("\n## ").map_or(section, |(section, _)| section);
    let mut limits = Limits::new();
    for row in section.lines().filter(|line| line.starts_with("| ") && !line.ends_with(" constant |")) {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [_, value, _, constant] = cells[..] else { panic!("not four cells: {row}") };
        let values = value.split(" and ").map(quantity).collect();
        let replaced = limits.insert(constant.trim_matches('`').to_owned(), values);
        assert_eq!(replaced, None, "{constant} is documented twice");
    }
    limits
}

/// Parses `1,000`, `64 KiB` or `10 s`.
fn quantity(text: &str) -> Quantity {
    let (number, unit) = text.split_once(' ').unwrap_or((text, ""));
    let number: f64 = number.replace(',', "").parse().unwrap_or_else(|_| panic!("not a number: {text}"));
    match unit {
        "" => Quantity::Count(number),
        "bytes" => Quantity::Bytes(number),
        "KiB" => Quantity::Bytes(number * 1024.0),
        "MiB" => Quantity::Bytes(number * 1024.0 * 1024.0),
        "s" => Quantity::Seconds(number),
        "min" => Quantity::Seconds(number * 60.0),
        "h" => Quantity::Seconds(number * 3600.0),
        _ => panic!("not a unit: {text}"),
    }
}

/// Reads the constants of every file `limits.rs`, and of every file in a folder `limits`, below
/// `crates/*/src`.
fn coded_limits(crates: &Path) -> Limits {
    let mut limits = Limits::new();
    let mut folders: Vec<PathBuf> =
        fs::read_dir(crates).unwrap().map(|member| member.unwrap().path().join("src")).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.ends_with("limits.rs") || folder.ends_with("limits") {
                add_constants(&mut limits, &fs::read_to_string(&path).unwrap());
            }
        }
    }
    limits
}

/// Adds the constants of a source file. The name of a constant or its type gives the unit.
fn add_constants(limits: &mut Limits, source: &str) {
    let lines = source.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>();
    // The type of an array has a semicolon inside a line.
    for statement in (lines.join("\n") + "\n").split(";\n") {
        let Some((_, constant)) = statement.split_once("const ") else { continue };
        let (name, definition) = constant.split_once(':').unwrap();
        let (_, value) = definition.split_once('=').unwrap();
        let values =
            value.trim().trim_matches(['[', ']']).split(',').map(|value| evaluate(name, value.trim()));
        let replaced = limits.insert(name.to_owned(), values.collect());
        assert_eq!(replaced, None, "two constants {name}");
    }
}

fn evaluate(name: &str, value: &str) -> Quantity {
    if let Some((unit, number)) =
        value.strip_prefix("Duration::from_").and_then(|call| call.strip_suffix(')')?.split_once('('))
    {
        return Quantity::Seconds(
            product(number)
                * match unit {
                    "millis" => 0.001,
                    "secs" => 1.0,
                    "mins" => 60.0,
                    "hours" => 3600.0,
                    _ => panic!("{name}: not a unit: {unit}"),
                },
        );
    }
    let number = product(value);
    if name.contains("_LOG_") {
        Quantity::Bytes(number.exp2())
    } else if name.contains("BYTES") {
        Quantity::Bytes(number)
    } else if name.ends_with("_SECONDS") {
        Quantity::Seconds(number)
    } else {
        Quantity::Count(number)
    }
}

/// Evaluates `64 * 1024`.
fn product(factors: &str) -> f64 {
    let factor = |text: &str| text.trim().replace('_', "").parse::<f64>();
    factors
        .split('*')
        .map(|text| factor(text).unwrap_or_else(|_| panic!("not a number: {factors}")))
        .product()
}
