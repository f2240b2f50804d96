//! Posts readings as fast as they are answered, over kept connections, and counts what was acknowledged.

mod arrow_batch;
mod request_template;

use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use clap::ValueEnum;
use request_template::Bodies;
use serde::Serialize;

use crate::connection::Connection;

/// What to post, and how.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The server, HOST:PORT
    #[arg(long)]
    address: String,
    /// What a request has
    #[arg(long)]
    shape: Shape,
    /// How batches are written
    #[arg(long, default_value = "csv")]
    format: Format,
    /// How many post at once; each waits for its answer before it posts again
    #[arg(long, default_value_t = 64)]
    clients: u32,
    /// For so many seconds
    #[arg(long, default_value_t = 5.0)]
    seconds: f64,
    /// At most so many requests of each client
    #[arg(long, default_value_t = u64::MAX)]
    requests_max: u64,
    /// What the ids of the devices begin with
    #[arg(long, default_value = "ingest")]
    prefix: String,
    /// Readings of a batch
    #[arg(long, default_value_t = 10_000)]
    readings: u32,
    /// Devices among which the readings of a batch of many devices are spread
    #[arg(long, default_value_t = 1_000)]
    devices: u32,
}

/// What a request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Shape {
    /// Nothing: it asks whether the server lives.
    Live,
    /// One reading; each client has a device of its own.
    Single,
    /// A batch of one device; each client has its own.
    OneDevice,
    /// A batch of many devices.
    ManyDevices,
}

/// How a batch is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// An Arrow IPC stream of one record batch.
    Arrow,
    Csv,
    Json,
    Ndjson,
}

impl Arguments {
    /// The name of a device.
    fn device_id(&self, number: u32) -> String {
        format!("{}-{number}", self.prefix)
    }
}

/// What was acknowledged.
#[derive(Debug, Serialize)]
pub(crate) struct Posted {
    requests: u64,
    readings: u64,
    /// Requests that were answered with 503, which were not repeated.
    refused: u64,
    /// From the first request of all clients to the last answer.
    seconds: f64,
    /// Of the time from a request to its answer.
    median_seconds: f64,
    p99_seconds: f64,
}

/// What one client has done.
#[derive(Default)]
struct Count {
    refused: u64,
    seconds: Vec<f64>,
}

/// Creates the devices and posts.
///
/// # Errors
/// Those of the connections, and any answer that is neither a success nor 503.
pub(crate) fn post(arguments: &Arguments) -> anyhow::Result<Posted> {
    create_devices(arguments)?;
    let until = Duration::try_from_secs_f64(arguments.seconds)?;
    let together = Barrier::new(arguments.clients as usize + 1);
    let together = &together;
    let (counts, seconds) = thread::scope(|scope| {
        let client = |number| {
            scope.spawn(move || {
                let prepared = Connection::open(&arguments.address)
                    .and_then(|connection| Ok((connection, Bodies::of(arguments, number)?)));
                // Even if it failed: the others wait here.
                together.wait();
                let (connection, bodies) = prepared?;
                post_until(connection, bodies, until, arguments.requests_max)
            })
        };
        let clients: Vec<_> = (0..arguments.clients).map(client).collect();
        together.wait();
        let start = Instant::now();
        let mut counts = Vec::new();
        for client in clients {
            counts.push(client.join().map_err(|_| anyhow!("a client has panicked"))??);
        }
        anyhow::Ok((counts, start.elapsed().as_secs_f64()))
    })?;
    let mut each: Vec<f64> = counts.iter().flat_map(|count| count.seconds.iter().copied()).collect();
    each.sort_unstable_by(f64::total_cmp);
    let at = |part: usize| each.get(each.len() * part / 100).copied().unwrap_or(0.0);
    let readings = match arguments.shape {
        Shape::Live => 0,
        Shape::Single => 1,
        Shape::OneDevice | Shape::ManyDevices => u64::from(arguments.readings),
    };
    let requests = each.len() as u64;
    Ok(Posted {
        requests,
        readings: requests * readings,
        refused: counts.iter().map(|count| count.refused).sum(),
        seconds,
        median_seconds: at(50),
        p99_seconds: at(99),
    })
}

fn create_devices(arguments: &Arguments) -> anyhow::Result<()> {
    let devices = match arguments.shape {
        Shape::Live => 0,
        Shape::Single | Shape::OneDevice => arguments.clients,
        Shape::ManyDevices => arguments.devices,
    };
    let mut connection = Connection::open(&arguments.address)?;
    for number in 0..devices {
        let body = format!(r#"{{"device_id":"{}"}}"#, arguments.device_id(number));
        let request = format!(
            "POST /api/v1/devices/ HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            arguments.address,
            body.len()
        );
        let answer = connection.exchange(request.as_bytes())?;
        // 400: it exists already.
        ensure!([201, 400].contains(&answer.status), "{}", String::from_utf8_lossy(&answer.body));
    }
    Ok(())
}

fn post_until(
    mut connection: Connection,
    mut bodies: Bodies,
    time_max: Duration,
    requests_max: u64,
) -> anyhow::Result<Count> {
    let start = Instant::now();
    let mut count = Count::default();
    for _ in 0..requests_max {
        if start.elapsed() >= time_max {
            break;
        }
        let request = bodies.next().context("time has come to its end")?;
        let sent = Instant::now();
        let answer = connection.exchange(request)?;
        match answer.status {
            200 | 201 | 204 => count.seconds.push(sent.elapsed().as_secs_f64()),
            503 => count.refused += 1,
            status => return Err(anyhow!("{status}: {}", String::from_utf8_lossy(&answer.body))),
        }
    }
    Ok(count)
}
