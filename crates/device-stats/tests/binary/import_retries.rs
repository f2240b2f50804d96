//! Imports into a scripted server: which requests are sent again, and which are not.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayAccessor, StringArray};
use arrow_ipc::reader::StreamReader;

use crate::killed_servers::wait_until;
use crate::server::run;

/// A server with scripted responses; `None` closes the connection without a response.
struct ScriptedServer {
    url: String,
    /// Bodies of the received batches.
    batches: Arc<Mutex<Vec<Vec<u8>>>>,
    /// Idempotency keys of the received batches.
    keys: Arc<Mutex<Vec<Option<String>>>>,
}

const STORED: Option<&str> = Some("201 Created\r\n\r\n{\"accepted\": 2, \"duplicates\": 0}");
const BUSY: Option<&str> =
    Some("503 Service Unavailable\r\nretry-after: 1\r\n\r\n{\"detail\": \"busy\", \"code\": \"queue_full\"}");
const UNKNOWN: Option<&str> =
    Some("503 Service Unavailable\r\n\r\n{\"detail\": \"lost\", \"code\": \"outcome_unknown\"}");
const UNDER_WAY: Option<&str> =
    Some("409 Conflict\r\n\r\n{\"detail\": \"under way\", \"code\": \"request_under_way\"}");
const FULL: Option<&str> =
    Some("507 Insufficient Storage\r\n\r\n{\"detail\": \"full\", \"code\": \"out_of_space\"}");

impl ScriptedServer {
    /// Starts a server on which every device exists. It answers batches with these responses in turn, and
    /// repeats the last one.
    fn answer_batches(answers: &'static [Option<&'static str>]) -> Self {
        let mut batches = 0;
        Self::start(move |request| {
            if !request.starts_with("POST /api/v1/stats/batch") {
                return Some("200 OK\r\n\r\n{}");
            }
            batches += 1;
            answers[(batches - 1).min(answers.len() - 1)]
        })
    }

    /// Starts a server that answers the head of each request as the function says.
    fn start(mut answer: impl FnMut(&str) -> Option<&'static str> + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let batches = Arc::new(Mutex::new(Vec::new()));
        let keys: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
        let (seen, seen_keys) = (Arc::clone(&batches), Arc::clone(&keys));
        // The thread ends with the process.
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = BufReader::new(connection.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if connection.read_line(&mut head).unwrap() == 0 {
                        break;
                    }
                }
                let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
                connection.read_exact(&mut body).unwrap();
                if head.starts_with("POST /api/v1/stats/batch") {
                    seen.lock().unwrap().push(body);
                    let key = head.lines().find_map(|line| line.strip_prefix("idempotency-key: "));
                    seen_keys.lock().unwrap().push(key.map(str::to_owned));
                }
                if let Some(answer) = answer(&head) {
                    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
                    let length = body.len();
                    let head = format!("HTTP/1.1 {head}\r\nconnection: close\r\ncontent-length: {length}");
                    write!(connection.get_mut(), "{head}\r\n\r\n{body}").unwrap();
                }
            }
        });
        Self { url, batches, keys }
    }

    fn keys(&self) -> Vec<Option<String>> {
        std::mem::take(&mut *self.keys.lock().unwrap())
    }

    /// Also returns the rows of the received batches.
    fn import(&self, file: &Path, flags: &[&str]) -> (Output, Vec<String>) {
        let output = run(&[&["import", file.to_str().unwrap(), "--url", &self.url], flags].concat());
        let batches = std::mem::take(&mut *self.batches.lock().unwrap());
        (output, batches.iter().map(|batch| rows(batch)).collect())
    }
}

/// Describes the rows of a body: device, time in seconds, and x.
fn rows(body: &[u8]) -> String {
    let mut text = String::new();
    for batch in StreamReader::try_new(body, None).unwrap() {
        let batch = batch.unwrap();
        let devices = batch["device_id"].as_dictionary::<Int32Type>();
        let devices = devices.downcast_dict::<StringArray>().unwrap();
        let times = batch["timestamp"].as_primitive::<TimestampMicrosecondType>();
        let numbers = batch["x"].as_primitive::<Float64Type>();
        for row in 0..batch.num_rows() {
            let seconds = times.is_valid(row).then(|| times.value(row) / 1_000_000);
            let time = seconds.map(|seconds| seconds.to_string()).unwrap_or_default();
            writeln!(text, "{},{time},{}", devices.value(row), numbers.value(row)).unwrap();
        }
    }
    text
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const TIMED: &str = "device_id,timestamp,x,y,z\nd,1795428001,1,2,3\nd,1795428002,1,2,3\n";
const UNTIMED: &str = "device_id,timestamp,x,y,z\nd,,1,2,3\nd,,1,2,3\n";

fn file(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("rows.csv");
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn a_batch_with_times_is_sent_until_it_is_stored() {
    let folder = tempfile::tempdir().unwrap();
    let server = ScriptedServer::answer_batches(&[None, BUSY, UNKNOWN, FULL, STORED]);
    let (output, batches) = server.import(&file(folder.path(), TIMED), &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("2 readings: 2 accepted"));
    assert_eq!(batches, vec!["d,1795428001,1\nd,1795428002,1\n"; 5]);
}

/// Each batch has a key of its own, so a retry does not store it twice.
#[test]
fn a_batch_without_times_is_sent_again_under_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), UNTIMED);
    let server = ScriptedServer::answer_batches(&[None, BUSY, UNKNOWN, UNDER_WAY, FULL, STORED]);
    let (output, batches) = server.import(&file, &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(batches, vec!["d,,1\nd,,1\n"; 6]);
    let keys = server.keys();
    assert!(keys.len() == 6 && keys[0].is_some() && keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    // Another import uses another key.
    server.import(&file, &[]);
    assert_ne!(server.keys()[0], keys[0]);
    let server = ScriptedServer::answer_batches(&[STORED]);
    server.import(&self::file(folder.path(), TIMED), &[]);
    assert_eq!(server.keys(), [None]);
}

#[test]
fn an_unknown_outcome_is_reported() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), UNTIMED);
    for answers in [&[None] as &[_], &[UNKNOWN], &[UNDER_WAY]] {
        let (output, _) = ScriptedServer::answer_batches(answers).import(&file, &["--retry-for", "0"]);
        assert_eq!(output.status.code(), Some(4));
        let message = stderr(&output);
        for part in ["lines 2 to 3", "--skip 2 if they are,", "--skip 0 if they are not"] {
            assert!(message.contains(part), "{message}");
        }
    }
    let (output, _) = ScriptedServer::answer_batches(&[BUSY]).import(&file, &["--retry-for", "0"]);
    assert!(!stderr(&output).contains("--skip"), "{}", stderr(&output));
}

/// An import considered its last attempt only: a batch whose last attempt was refused counted as not stored.
#[test]
fn an_unknown_outcome_stays_unknown_after_a_refusal() {
    let folder = tempfile::tempdir().unwrap();
    let rows = "d,,1,2,3\n".repeat(5_002);
    let file = file(folder.path(), &format!("device_id,timestamp,x,y,z\n{rows}"));
    let stored = Some("201 Created\r\n\r\n{\"accepted\": 5000, \"duplicates\": 0}");
    for first in [None, UNKNOWN] {
        let answers: &'static [_] = Box::leak(Box::new([stored, first, BUSY]));
        let (output, batches) = ScriptedServer::answer_batches(answers).import(&file, &["--retry-for", "2s"]);
        assert_eq!(output.status.code(), Some(4));
        assert!(batches.len() > 2, "{}", batches.len());
        let message = stderr(&output);
        for part in ["busy", "lines 5002 to 5003", "--skip 5002 if they are,", "stopped after 5000 readings"]
        {
            assert!(message.contains(part), "{message}");
        }
        assert!(!message.contains("rows with a timestamp may be sent again"), "{message}");
    }
}

/// The response to a batch whose second row has a device that does not exist.
const FAULTY: Option<&str> = Some(
    "422 Unprocessable Entity\r\n\r\n{\"code\": \"invalid_request\", \"detail\": [{\"type\": \"device_not_found\", \
     \"loc\": [\"body\", 1, \"device_id\"], \"msg\": \"Device not found\", \"input\": \"d\"}]}",
);

#[test]
fn rows_that_the_server_refuses_are_rejected_and_the_others_stored() {
    let folder = tempfile::tempdir().unwrap();
    let rejects = folder.path().join("rejects.csv");
    let stored = Some("201 Created\r\n\r\n{\"accepted\": 1, \"duplicates\": 0}");
    for (text, times) in [(TIMED, ["1795428001", "1795428002"]), (UNTIMED, ["", ""])] {
        let answers: &'static [_] = Box::leak(Box::new([BUSY, FAULTY, stored]));
        let server = ScriptedServer::answer_batches(answers);
        let (output, batches) =
            server.import(&file(folder.path(), text), &["--rejects", rejects.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        let summary = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(summary.starts_with("1 reading: 1 accepted, 0 repeats, 1 rejected"), "{summary}");
        let (one, both) = (format!("d,{},1\n", times[0]), format!("d,{},1\nd,{},1\n", times[0], times[1]));
        assert_eq!(batches, [both.clone(), both, one]);
        let table = std::fs::read_to_string(&rejects).unwrap();
        assert!(table.contains("rows.csv,3,device_id: Device not found,d,"), "{table}");
    }
}

/// Ctrl-C left no number with which the import could continue.
#[test]
fn a_stopped_import_states_how_to_continue() {
    let folder = tempfile::tempdir().unwrap();
    let rows = |range: std::ops::Range<u32>| -> String {
        let row = |row| format!("d,{},1,2,3\n", 1_795_428_000 + row);
        std::iter::once("device_id,timestamp,x,y,z\n".to_owned()).chain(range.map(row)).collect()
    };
    let stored = Some("201 Created\r\n\r\n{\"accepted\": 5000, \"duplicates\": 0}");
    let unavailable: &'static [_] = Box::leak(Box::new([stored, BUSY]));
    for (signal, exit_code, flags, message) in [
        (
            "INT",
            130,
            &["--parallel", "1"] as &[&str],
            "stopped after 5000 readings, which stay stored: 5000 accepted, 0 repeats; continue with --skip 5000 (",
        ),
        ("TERM", 143, &["--parallel", "1", "--skip", "7000"], "stopped after 3000 readings"),
    ] {
        let stored = Some("201 Created\r\n\r\n{\"accepted\": 3000, \"duplicates\": 0}");
        let answers = if signal == "INT" { unavailable } else { Box::leak(Box::new([stored, BUSY])) };
        let server = ScriptedServer::answer_batches(answers);
        let file = file(folder.path(), &rows(0..20_000));
        let arguments = [&["import", file.to_str().unwrap(), "--url", &server.url], flags].concat();
        let import = crate::server::device_stats(&arguments).stderr(Stdio::piped()).spawn().unwrap();
        wait_until(|| server.batches.lock().unwrap().len() >= 2);
        let kill = Command::new("kill").args([format!("-{signal}"), import.id().to_string()]).status();
        assert!(kill.unwrap().success());
        let output = import.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(exit_code), "{}", stderr(&output));
        assert!(stderr(&output).contains(message), "{}", stderr(&output));
        assert!(signal == "INT" || stderr(&output).contains("--skip 10000 ("), "{}", stderr(&output));
    }
}

/// A device was deleted after the batch was stored and before it was sent again.
#[test]
fn an_unknown_outcome_stays_unknown_after_faults() {
    let folder = tempfile::tempdir().unwrap();
    for (rows, first, is_unknown) in [(UNTIMED, None, true), (UNTIMED, BUSY, false), (TIMED, None, false)] {
        let answers: &'static [_] = Box::leak(Box::new([first, FAULTY]));
        let (output, batches) =
            ScriptedServer::answer_batches(answers).import(&file(folder.path(), rows), &[]);
        assert_eq!((output.status.code(), batches.len()), (Some(1), 2));
        let message = stderr(&output);
        assert!(message.contains("Device not found") && message.contains("found 1 fault"), "{message}");
        assert_eq!(message.contains("--skip 2 if they are,"), is_unknown, "{message}");
    }
}

/// Any of the attempts may have registered the user.
#[test]
fn a_user_is_registered_once_by_an_unreliable_server() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), TIMED);
    let flags = ["--user", "ann", "--email", "ann@example.com"];
    let created = Some("201 Created\r\n\r\n{\"id\": 7, \"username\": \"ann\"}");
    let taken = Some("400 Bad Request\r\n\r\n{\"detail\": \"taken\", \"code\": \"email_taken\"}");
    // Whether the attempt without a response registers the user, and the response to the next attempt.
    for (is_registered, last, code) in [(false, created, 0), (true, taken, 0), (false, taken, 3)] {
        let mut attempts = [BUSY, None, last].into_iter();
        let server = ScriptedServer::start(move |request| {
            if request.starts_with("POST /api/v1/users/") {
                return attempts.next().unwrap();
            }
            match request {
                _ if request.starts_with("POST") => STORED,
                _ if !request.starts_with("GET /api/v1/users/") => Some("200 OK\r\n\r\n{}"),
                _ if is_registered && attempts.len() < 2 => {
                    Some("200 OK\r\n\r\n[{\"id\": 7, \"username\": \"ann\"}]")
                }
                _ => Some("200 OK\r\n\r\n[]"),
            }
        });
        let (output, _) = server.import(&file, &flags);
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        assert!(code == 0 || stderr(&output).contains("the user \"ann\" cannot be registered"));
    }
}

/// The import continues after the stored rows and sends no row twice.
#[test]
fn skip_continues_a_stopped_import() {
    let folder = tempfile::tempdir().unwrap();
    let rows = (0..5_002).fold(String::new(), |rows, row| format!("{rows}d,,{row},2,3\n"));
    let file = file(folder.path(), &format!("device_id,timestamp,x,y,z\n{rows}"));
    let stored = Some("201 Created\r\n\r\n{\"accepted\": 5000, \"duplicates\": 0}");
    let answers: &'static [_] = Box::leak(Box::new([stored, None]));
    let (output, _) = ScriptedServer::answer_batches(answers).import(&file, &["--retry-for", "0"]);
    let message = stderr(&output);
    assert!(message.contains("lines 5002 to 5003") && message.contains("--skip 5000 if"), "{message}");
    assert!(message.contains("stopped after 5000 readings"), "{message}");
    let (output, batches) = ScriptedServer::answer_batches(&[STORED]).import(&file, &["--skip", "5000"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(batches, ["d,,5000\nd,,5001\n"]);
}

#[test]
fn an_import_gives_up_after_the_retry_time() {
    let folder = tempfile::tempdir().unwrap();
    let file = file(folder.path(), TIMED);
    for (flags, least) in [(["--retry-for", "0"], 1), (["--retry-for", "1s"], 2)] {
        let (output, batches) = ScriptedServer::answer_batches(&[None]).import(&file, &flags);
        assert_eq!(output.status.code(), Some(4));
        assert!(stderr(&output).contains("no answer from the server"), "{}", stderr(&output));
        assert!((least..=least * 2).contains(&batches.len()), "{}", batches.len());
    }
    let output = run(&["import", file.to_str().unwrap(), "--retry-for", "soon"]);
    assert_eq!(output.status.code(), Some(2));
}
