//! Posts readings over persistent connections, as fast as the server answers, and counts the acknowledged
//! ones.

mod arguments;
mod arrow_batch;
mod request_template;
mod sensor_values;

use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use serde::{Deserialize, Serialize};

use crate::clients;
use crate::connection::{Connection, post_head};
pub(crate) use arguments::Arguments;
use arguments::Shape;
pub(crate) use request_template::RequestTemplate;

/// The result of all clients.
#[derive(Debug, Serialize)]
pub(crate) struct Posted {
    /// Number of acknowledged requests.
    requests: u64,
    /// Number of readings in the acknowledged requests.
    readings: u64,
    /// Number of requests that were answered with 503. They are not retried.
    refused: u64,
    /// Time from the first request to the last response.
    seconds: f64,
    /// Median of the latencies.
    median_seconds: f64,
    /// 99th percentile of the latencies.
    p99_seconds: f64,
}

/// The responses to one client.
#[derive(Default)]
struct Responses {
    refused: u64,
    /// Latencies of the acknowledged requests.
    latencies: Vec<f64>,
}

/// Creates the devices and posts readings.
///
/// # Errors
/// If a connection fails, or a response is neither a success nor 503.
pub(crate) fn post(arguments: &Arguments) -> anyhow::Result<Posted> {
    let tokens = create_devices(arguments)?;
    let until = Duration::try_from_secs_f64(arguments.seconds)?;
    let prepare = |number: u32| {
        let token = tokens.get(number as usize).map(String::as_str);
        Ok((Connection::open(&arguments.address)?, RequestTemplate::new(arguments, token, number)?))
    };
    let (responses, seconds) = clients::run(arguments.clients, prepare, |(connection, template)| {
        post_until(connection, template, until, arguments.requests_max)
    })?;
    let mut latencies: Vec<f64> =
        responses.iter().flat_map(|responses| responses.latencies.iter().copied()).collect();
    latencies.sort_unstable_by(f64::total_cmp);
    // The nearest rank, as in `bench/goals.py`.
    let percentile = |percent: usize| {
        let rank = (latencies.len() * percent).div_ceil(100);
        rank.checked_sub(1).and_then(|index| latencies.get(index)).copied().unwrap_or(0.0)
    };
    let readings = match arguments.shape {
        Shape::Live => 0,
        Shape::Single => 1,
        Shape::OneDevice | Shape::ManyDevices => u64::from(arguments.readings),
    };
    let requests = latencies.len() as u64;
    Ok(Posted {
        requests,
        readings: requests * readings,
        refused: responses.iter().map(|responses| responses.refused).sum(),
        seconds,
        median_seconds: percentile(50),
        p99_seconds: percentile(99),
    })
}

/// Creates the devices. Returns a token of each device, if the service needs tokens.
fn create_devices(arguments: &Arguments) -> anyhow::Result<Vec<String>> {
    let devices = match arguments.shape {
        Shape::Live => 0,
        Shape::Single | Shape::OneDevice => arguments.clients,
        Shape::ManyDevices => arguments.devices,
    };
    let mut connection = Connection::open(&arguments.address)?;
    let admin_token = arguments.admin_token.as_deref();
    let mut post = |path: &str, body: String| {
        let head = post_head(&arguments.address, admin_token, path, "application/json", body.len());
        let response = connection.exchange((head + &body).as_bytes())?;
        // 400: the device exists.
        ensure!([201, 400].contains(&response.status), "{}", String::from_utf8_lossy(&response.body));
        anyhow::Ok(response.body)
    };
    let mut tokens = Vec::new();
    for number in 0..devices {
        let id = arguments.device_id(number);
        post("/api/v1/devices/", format!(r#"{{"device_id":"{id}"}}"#))?;
        if admin_token.is_some() {
            let created = format!(r#"{{"for":{{"device_id":"{id}"}},"scopes":["ingest"]}}"#);
            let created: CreatedToken = serde_json::from_slice(&post("/api/v1/tokens", created)?)?;
            tokens.push(created.token);
        }
    }
    Ok(tokens)
}

/// The part of the response to a new token that is used.
#[derive(Deserialize)]
struct CreatedToken {
    token: String,
}

fn post_until(
    mut connection: Connection,
    mut template: RequestTemplate,
    time_max: Duration,
    requests_max: u64,
) -> anyhow::Result<Responses> {
    let start = Instant::now();
    let mut responses = Responses::default();
    for _ in 0..requests_max {
        if start.elapsed() >= time_max {
            break;
        }
        let request = template.next().context("no later time can be represented")?;
        let sent = Instant::now();
        let response = connection.exchange(request)?;
        match response.status {
            200 | 201 | 204 => responses.latencies.push(sent.elapsed().as_secs_f64()),
            503 => responses.refused += 1,
            status => return Err(anyhow!("{status}: {}", String::from_utf8_lossy(&response.body))),
        }
    }
    Ok(responses)
}
