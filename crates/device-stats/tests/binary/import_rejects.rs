//! Files of rejected rows: their reasons, and their import after a correction.

use std::fs;

use serde_json::Value;

use crate::databases::over_both_stores;
use crate::import_files::{devices, import, readings, stderr, stdout, write};
use crate::server::{Server, run};

/// One bad row cost the batch.
#[test]
fn rejected_rows_are_written_with_their_reasons_and_can_be_corrected() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let time = "2026-11-23T10:00:00.000000Z";
        let csv = format!(
            "device_id,timestamp,x,y,z\na,{time},1,2,3\nb,{time},oops,2,3\na,,1,2,3\n=c,{time},1,inf,3\n"
        );
        let json = "{\"device_id\":\"a\",\"x\":4,\"y\":5,\"z\":6,\"timestamp\":\"2026-11-24\"}\nnot json\n";
        let files = [write(folder.path(), "1.csv", csv), write(folder.path(), "2.ndjson", json)];
        let files: Vec<&str> = files.iter().map(String::as_str).collect();
        // By default, the first batch with a fault is refused, and the error names the rows.
        let output = import(&server, &files, &[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("skip these rows with --skip-rows 2,3,4"), "{}", stderr(&output));
        assert_eq!(devices(&server), Vec::<String>::new());
        let rejects = folder.path().join("rejects.csv");
        let rejects = rejects.to_str().unwrap();
        let output = import(&server, &files, &["--on-fault", "skip", "--rejects", rejects]);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(
            text.starts_with("2 readings: 2 accepted, 0 repeats, 4 rejected, in "),
            "{text} {}",
            stderr(&output)
        );
        // No device is registered without a reading.
        assert_eq!(devices(&server), ["a"]);
        let table = fs::read_to_string(rejects).unwrap();
        let rows: Vec<&str> = table.lines().collect();
        assert_eq!(rows.len(), 5, "{table}");
        assert!(rows[1].contains("1.csv,3,") && rows[1].ends_with(&format!(",b,{time},oops,2,3")), "{table}");
        assert!(rows[2].contains("has no time") && rows[3].contains(",'=c,"), "{table}");
        assert!(rows[4].contains("2.ndjson,2,JSON decode error"), "{table}");
        let corrected = table.replace("oops", "7").replace("inf", "8");
        let corrected =
            write(folder.path(), "corrected.csv", corrected.lines().take(2).collect::<Vec<_>>().join("\n"));
        stdout(&import(&server, &[&corrected], &["--ignore-unknown"]));
        assert_eq!(readings(&server, "b"), ["2026-11-23T10:00:00.000000Z 7.0 2.0 3.0"]);
        // Single rows are skipped without their neighbours.
        let output = import(&server, &files, &["--skip-rows", "2,3,4,6"]);
        assert!(stdout(&output).starts_with("2 readings: 0 accepted, 2 repeats, in "), "{output:?}");
    });
}

/// The options of the first import are not needed, and no row gets the current time.
#[test]
fn rejected_rows_are_imported_with_their_times() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let text = "device_id;timestamp;x;y;z\na;23.11.2026 11:00:00;1,5;2;wrong\na;;1;2;3\na;23.11.2026 11:00:01;1,5;2;3\n";
        let file = write(folder.path(), "a.csv", text);
        let rejects = folder.path().join("rejects.csv");
        let form = ["--time-zone", "Europe/Berlin", "--time-format", "%d.%m.%Y %H:%M:%S", "--decimal", ","];
        let flags = [&form[..], &["--delimiter", ";", "--rejects", rejects.to_str().unwrap()]].concat();
        assert_eq!(import(&server, &[&file], &flags).status.code(), Some(1));
        let table = fs::read_to_string(&rejects).unwrap().replace("wrong", "3");
        assert!(table.contains(",a,2026-11-23T10:00:00.000000Z,\"1,5\",2,3"), "{table}");
        let corrected = write(folder.path(), "corrected.csv", &table);
        let output =
            import(&server, &[&corrected], &["--ignore-unknown", "--on-fault", "skip", "--decimal", ","]);
        assert!(stderr(&output).contains("1 row rejected"), "{}", stderr(&output));
        let untimed = table.lines().filter(|row| !row.contains("2026-11-23T")).collect::<Vec<_>>().join("\n");
        let corrected = write(folder.path(), "untimed.csv", untimed);
        let output = import(&server, &[&corrected], &["--ignore-unknown"]);
        assert!(
            stderr(&output).contains("the row has no time, and the other rows of its file"),
            "{output:?}"
        );
        let expected = ["2026-11-23T10:00:00.000000Z 1.5 2.0 3.0", "2026-11-23T10:00:01.000000Z 1.5 2.0 3.0"];
        assert_eq!(readings(&server, "a"), expected);
        let now = ["--ignore-unknown", "--missing-times", "now", "--output", "json"];
        let summary: Value = serde_json::from_str(&stdout(&import(&server, &[&corrected], &now))).unwrap();
        assert_eq!((&summary["accepted"], &summary["untimed"]), (&1.into(), &1.into()), "{summary}");
        let text =
            stdout(&import(&server, &[&write(folder.path(), "b.csv", "device_id,x,y,z\nb,1,2,3\n")], &[]));
        assert!(text.contains("\n1 reading without a time: stored with the current time\n"), "{text}");
        let local = write(folder.path(), "local.csv", table.replace("10:00:00.000000Z", "10:00:00"));
        let output = import(&server, &[&local], &["--ignore-unknown", "--decimal", ","]);
        assert!(stderr(&output).contains("add Z for UTC, or add --time-zone"), "{output:?}");
        // The rows of an earlier import do not stay in the file.
        let good = write(folder.path(), "good.csv", "device_id,timestamp,x,y,z\na,2026-11-23,1,2,3\n");
        stdout(&import(&server, &[&good], &["--rejects", rejects.to_str().unwrap()]));
        assert_eq!(fs::read_to_string(&rejects).unwrap(), "file,row,reason,device_id,timestamp,x,y,z\n");
        let output = import(&server, &[&good], &["--rejects", "/missing/rejects.csv"]);
        assert!(stderr(&output).contains("cannot write /missing/rejects.csv"), "{output:?}");
    });
}

/// The table was not readable with the options of its source: another delimiter, other columns, another
/// encoding, and numbers with a point beside numbers with a comma.
#[test]
fn rejected_rows_are_imported_with_the_options_of_their_source() {
    over_both_stores(|database| {
        let folder = tempfile::tempdir().unwrap();
        let server = Server::start(&database.url);
        let text = "Ger\u{e4}t;Zeit;AccX;AccY;AccZ;q\nP\u{fc}mp;23.11.2026 11:00:00;1,5;-2,25;falsch;7\n\
                P\u{fc}mp;;0,5;2;3;7\nP\u{fc}mp;bald;4,5;5;6,75;7\n\
                    P\u{fc}mp;23.11.2026 11:00:09;0;0;0;7\n";
        let latin: Vec<u8> = text.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        let file = write(folder.path(), "a.csv", latin);
        let rejects = folder.path().join("rejects.csv");
        let flags = [
            "--map",
            "device_id=Ger\u{e4}t",
            "--map",
            "timestamp=Zeit",
            "--map",
            "x=AccX",
            "--map",
            "y=AccY",
            "--map",
            "z=AccZ",
            "--ignore-unknown",
            "--delimiter",
            ";",
            "--decimal",
            ",",
            "--encoding",
            "latin1",
            "--comment",
            "#",
            "--time-format",
            "%d.%m.%Y %H:%M:%S",
            "--time-zone",
            "Europe/Berlin",
        ];
        let output =
            import(&server, &[&file], &[&flags[..], &["--rejects", rejects.to_str().unwrap()]].concat());
        assert!(stderr(&output).contains("rows rejected"), "{output:?}");
        let table = fs::read_to_string(&rejects).unwrap();
        assert!(
            table.contains(",P\u{fc}mp,2026-11-23T10:00:00.000000Z,\"1,5\",\"'-2,25\",falsch"),
            "{table}"
        );
        assert!(table.contains(",bald,\"4,5\",5,\"6,75\""), "{table}");
        assert!(table.contains(",P\u{fc}mp,,\"0,5\",2,3"), "{table}");
        let table = table.replace(",,\"0,5", ",2026-11-23T10:00:01Z,\"0,5");
        let corrected = table.replace("falsch", "\"3,5\"").replace("bald", "23.11.2026 11:00:02");
        let corrected = write(folder.path(), "corrected.csv", corrected);
        let text = stdout(&import(&server, &[&corrected], &flags));
        assert!(text.starts_with("3 readings: 3 accepted"), "{text}");
        let expected = [
            "2026-11-23T10:00:00.000000Z 1.5 -2.25 3.5",
            "2026-11-23T10:00:01.000000Z 0.5 2.0 3.0",
            "2026-11-23T10:00:02.000000Z 4.5 5.0 6.75",
            "2026-11-23T10:00:09.000000Z 0.0 0.0 0.0",
        ];
        assert_eq!(readings(&server, "P%C3%BCmp"), expected);
        // A point is no decimal mark here: 1.234 may be a thousand.
        let thousand = write(folder.path(), "thousand.csv", table.replace("falsch", "1.234"));
        let words = stderr(&import(&server, &[&thousand], &flags));
        assert!(words.contains("z: Input should be a valid number with a decimal comma"), "{words}");
        // The option for the numbers is proposed, and suffices for corrections in the form of the table.
        let plain = write(
            folder.path(),
            "plain.csv",
            table.replace("falsch", "9").replace("bald", "2026-11-23T10:00:03Z"),
        );
        let words = stderr(&import(&server, &[&plain], &[]));
        assert!(words.contains(&format!("device-stats import {plain} --decimal ,\n")), "{words}");
        let text = stdout(&import(&server, &[&plain], &["--decimal", ","]));
        assert!(text.starts_with("3 readings: 1 accepted, 2 repeats"), "{text}");
        assert_eq!(readings(&server, "P%C3%BCmp")[3], "2026-11-23T10:00:03.000000Z 4.5 5.0 6.75");
    });
}

#[test]
fn the_file_of_rejected_rows_is_no_imported_file() {
    let folder = tempfile::tempdir().unwrap();
    let text = "device_id,x,y,z\na,1,2,wrong\n";
    let file = write(folder.path(), "bad.csv", text);
    let link = folder.path().join("link.csv");
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for rejects in [&file, link.to_str().unwrap(), &format!("{}/./bad.csv", folder.path().display())] {
        for input in [&*file, folder.path().to_str().unwrap()] {
            let output = run(&["import", "--dry-run", input, "--rejects", rejects]);
            assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
            assert!(stderr(&output).contains("--rejects would replace the file"), "{}", stderr(&output));
            assert_eq!(fs::read_to_string(&file).unwrap(), text);
        }
    }
}
