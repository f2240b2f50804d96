//! Sends a list of requests, one connection a client, and takes the time from the first byte sent to the last byte of
//! the answer.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use serde::{Deserialize, Serialize};

use crate::connection::Connection;

/// What to send, and where the answers go.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The server, HOST:PORT
    #[arg(long)]
    address: String,
    /// A file of requests, a line each: {"path": ..., "body": ... or null for a GET}
    #[arg(long)]
    requests: PathBuf,
    /// The file to write the answers to, a line each, in order of the requests
    #[arg(long)]
    answers: PathBuf,
    /// How many send at once; each waits for its answer before it sends the next request
    #[arg(long, default_value_t = 1)]
    clients: usize,
    /// After so many seconds no further request is sent
    #[arg(long, default_value_t = 60.0)]
    seconds_max: f64,
}

#[derive(Debug, Deserialize)]
struct Request {
    path: String,
    body: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Answered {
    /// Position of the request in its file, from 0 up.
    request: usize,
    status: u16,
    seconds: f64,
    body: String,
}

/// All requests together.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    requests: usize,
    /// From the first request of all clients to the last answer.
    seconds: f64,
}

/// Sends the requests.
///
/// # Errors
/// Those of the files and the connections. A status is no error.
pub(crate) fn send(arguments: &Arguments) -> anyhow::Result<Sent> {
    let lines = fs::read_to_string(&arguments.requests).context("the requests cannot be read")?;
    let requests =
        lines.lines().map(|line| written(&arguments.address, line)).collect::<Result<Vec<_>, _>>()?;
    let connect = |_| Connection::open(&arguments.address);
    let connections = (0..arguments.clients).map(connect).collect::<Result<Vec<_>, _>>()?;

    let (next, together) = (AtomicUsize::new(0), Barrier::new(arguments.clients + 1));
    let time_max = Duration::try_from_secs_f64(arguments.seconds_max)?;
    let (requests, next, together) = (&requests, &next, &together);
    let (answers, seconds) = thread::scope(|scope| {
        let client = |connection| {
            scope.spawn(move || {
                together.wait();
                send_some(connection, requests, next, time_max)
            })
        };
        let clients: Vec<_> = connections.into_iter().map(client).collect();
        together.wait();
        let start = Instant::now();
        let mut answers = Vec::new();
        for client in clients {
            answers.extend(client.join().map_err(|_| anyhow!("a client has panicked"))??);
        }
        anyhow::Ok((answers, start.elapsed().as_secs_f64()))
    })?;
    write_answers(arguments, answers).map(|requests| Sent { requests, seconds })
}

/// A request as it goes over the wire.
fn written(address: &str, line: &str) -> anyhow::Result<Vec<u8>> {
    let Request { path, body } = serde_json::from_str(line).context("a line is no request")?;
    let text = match body {
        None => format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
        Some(body) => {
            let body = body.to_string();
            let length = body.len();
            format!(
                "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n\r\n{body}"
            )
        }
    };
    Ok(text.into_bytes())
}

/// Sends the requests that no other client has begun.
fn send_some(
    mut connection: Connection,
    requests: &[Vec<u8>],
    next: &AtomicUsize,
    time_max: Duration,
) -> anyhow::Result<Vec<Answered>> {
    let start = Instant::now();
    let mut answers = Vec::new();
    while start.elapsed() < time_max {
        let position = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(position) else { break };
        let sent = Instant::now();
        let answer = connection.exchange(request)?;
        let seconds = sent.elapsed().as_secs_f64();
        let body = String::from_utf8(answer.body).context("an answer is no text")?;
        answers.push(Answered { request: position, status: answer.status, seconds, body });
    }
    Ok(answers)
}

fn write_answers(arguments: &Arguments, mut answers: Vec<Answered>) -> anyhow::Result<usize> {
    answers.sort_unstable_by_key(|answer| answer.request);
    let mut file = BufWriter::new(File::create(&arguments.answers).context("the answers cannot be written")?);
    for answer in &answers {
        serde_json::to_writer(&mut file, answer)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(answers.len())
}
