//! Sends a list of requests, one connection per client, and measures the latency from the first byte of each
//! request to the last byte of its response.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::clients;
use crate::connection::{Connection, post_head};

/// Arguments of `requests`.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Connect to this server, HOST:PORT
    #[arg(long)]
    address: String,
    /// Read requests from this file, one per line: {"path": ..., "body": ... or null for a GET}
    #[arg(long)]
    requests: PathBuf,
    /// Write the responses to this file, one per line, in the order of the requests
    #[arg(long)]
    answers: PathBuf,
    /// Send this number of requests concurrently
    #[arg(long, default_value_t = 1)]
    clients: u32,
    /// Stop sending after this time
    #[arg(long, default_value_t = 60.0)]
    seconds_max: f64,
}

#[derive(Debug, Deserialize)]
struct Request {
    path: String,
    body: Option<serde_json::Value>,
}

#[derive(Debug, Serialize)]
struct Measured {
    /// Position of the request in its file, from 0.
    request: usize,
    status: u16,
    seconds: f64,
    body: String,
}

/// The result for all requests.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    requests: usize,
    /// Time from the first request to the last response.
    seconds: f64,
}

/// Sends the requests.
///
/// # Errors
/// If a file or a connection fails. A response with an error status is not an error.
pub(crate) fn send(arguments: &Arguments) -> anyhow::Result<Sent> {
    let lines = fs::read_to_string(&arguments.requests).context("the requests cannot be read")?;
    let requests =
        lines.lines().map(|line| format_request(&arguments.address, line)).collect::<Result<Vec<_>, _>>()?;
    let next = AtomicUsize::new(0);
    let time_max = Duration::try_from_secs_f64(arguments.seconds_max)?;
    let connect = |_| Connection::open(&arguments.address);
    let (responses, seconds) = clients::run(arguments.clients, connect, |connection| {
        send_remaining(connection, &requests, &next, time_max)
    })?;
    write_responses(arguments, responses.into_iter().flatten().collect())
        .map(|requests| Sent { requests, seconds })
}

/// Returns the bytes of a request.
fn format_request(address: &str, line: &str) -> anyhow::Result<Vec<u8>> {
    let Request { path, body } = serde_json::from_str(line).context("a line is not a request")?;
    let text = match body {
        None => format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n"),
        Some(body) => {
            let body = body.to_string();
            post_head(address, None, &path, "application/json", body.len()) + &body
        }
    };
    Ok(text.into_bytes())
}

/// Sends requests that no other client has taken.
fn send_remaining(
    mut connection: Connection,
    requests: &[Vec<u8>],
    next: &AtomicUsize,
    time_max: Duration,
) -> anyhow::Result<Vec<Measured>> {
    let start = Instant::now();
    let mut responses = Vec::new();
    while start.elapsed() < time_max {
        let position = next.fetch_add(1, Ordering::Relaxed);
        let Some(request) = requests.get(position) else { break };
        let sent = Instant::now();
        let response = connection.exchange(request)?;
        let seconds = sent.elapsed().as_secs_f64();
        let body = String::from_utf8(response.body).context("a response is not UTF-8")?;
        responses.push(Measured { request: position, status: response.status, seconds, body });
    }
    Ok(responses)
}

fn write_responses(arguments: &Arguments, mut responses: Vec<Measured>) -> anyhow::Result<usize> {
    responses.sort_unstable_by_key(|response| response.request);
    let mut file =
        BufWriter::new(File::create(&arguments.answers).context("the responses cannot be written")?);
    for response in &responses {
        serde_json::to_writer(&mut file, response)?;
        file.write_all(b"\n")?;
    }
    file.flush()?;
    Ok(responses.len())
}
