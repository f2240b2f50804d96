//! A client that sends requests of all kinds over one connection.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::Instant;

use super::arguments::Arguments;
use super::arrivals::Kind;
use crate::connection::{Connection, post_head, read_head};
use crate::ingest::{Arguments as IngestArguments, RequestTemplate};

/// The device that is analyzed.
const ANALYZED: &str = "analyzed";
/// Size of a read, in bytes.
const READ_BYTES: usize = 4 * 1024;
/// Time after which an idle connection is replaced. The service closes it after 10 s.
const IDLE_MAX: Duration = Duration::from_secs(5);

/// A connection, and a request of each kind.
pub(super) struct MixedClient {
    address: String,
    responses: Responses,
    requests: OwnedWriteHalf,
    /// Time of the end of the last exchange.
    used: Instant,
    single: RequestTemplate,
    batch: RequestTemplate,
    analysis: Vec<u8>,
}

/// The receiving half of a connection.
struct Responses {
    stream: OwnedReadHalf,
    received: Vec<u8>,
}

/// The status of a response, and the times of the exchange.
#[derive(Clone, Copy, Debug)]
pub(super) struct Exchanged {
    pub(super) status: u16,
    /// Time of the last byte of the response.
    pub(super) answered: Instant,
    /// Time at which the connection is free: the response is read, and the request is sent.
    pub(super) ended: Instant,
}

/// Creates the devices of all clients, and the device that is analyzed, with readings.
///
/// # Errors
/// If a connection fails, or a request is refused.
pub(super) fn prepare(arguments: &Arguments) -> anyhow::Result<()> {
    let mut connection = Connection::open(&arguments.address)?;
    let devices = [single(arguments), batch(arguments)];
    let ids = devices.iter().flat_map(|each| (0..arguments.connections).map(|number| each.device_id(number)));
    for id in ids.chain([ANALYZED.to_owned()]) {
        let body = format!(r#"{{"device_id":"{id}"}}"#);
        let head = post_head(&arguments.address, None, "/api/v1/devices/", "application/json", body.len());
        let response = connection.exchange((head + &body).as_bytes())?;
        // 400: the device exists.
        ensure!([201, 400].contains(&response.status), "{}", String::from_utf8_lossy(&response.body));
    }
    let mut body = "timestamp,x,y,z\n".to_owned();
    for number in 0..100_000 {
        let (time, [x, y, z]) = (1_577_836_800 + number, [997, 89, 7].map(|range| number % range));
        writeln!(body, "{time},{x},{y},{z}")?;
    }
    let path = format!("/api/v1/stats/devices/{ANALYZED}/batch?precision=s");
    let head = post_head(&arguments.address, None, &path, "text/csv", body.len());
    let response = connection.exchange((head + &body).as_bytes())?;
    ensure!(response.status == 201, "{}", String::from_utf8_lossy(&response.body));
    Ok(())
}

fn single(arguments: &Arguments) -> IngestArguments {
    let prefix = format!("{}-single", arguments.prefix);
    IngestArguments::single(&arguments.address, arguments.connections, &prefix)
}

fn batch(arguments: &Arguments) -> IngestArguments {
    let prefix = format!("{}-batch", arguments.prefix);
    IngestArguments::ndjson(&arguments.address, arguments.connections, &prefix, arguments.readings)
}

impl MixedClient {
    /// Connects.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) async fn open(arguments: &Arguments, number: u32) -> anyhow::Result<Self> {
        let address = arguments.address.clone();
        let (responses, requests) = connect(&address).await?;
        let analysis =
            format!("GET /api/v1/stats/devices/{ANALYZED}/analysis HTTP/1.1\r\nhost: {address}\r\n\r\n");
        Ok(Self {
            address,
            responses,
            requests,
            used: Instant::now(),
            single: RequestTemplate::new(&single(arguments), None, number)?,
            batch: RequestTemplate::new(&batch(arguments), None, number)?,
            analysis: analysis.into_bytes(),
        })
    }

    /// Connects again if the connection was idle for long.
    ///
    /// # Errors
    /// If the connection fails.
    pub(super) async fn reconnect_if_idle(&mut self) -> anyhow::Result<()> {
        if self.used.elapsed() > IDLE_MAX {
            (self.responses, self.requests) = connect(&self.address).await?;
        }
        Ok(())
    }

    /// Sends a request while reading its response, which must be a success or 503. A refusal may arrive
    /// before the body is sent.
    ///
    /// # Errors
    /// If the connection fails, or the response has another status.
    pub(super) async fn exchange(&mut self, kind: Kind) -> anyhow::Result<Exchanged> {
        let request = match kind {
            Kind::Single => self.single.next(),
            Kind::Batch => self.batch.next(),
            Kind::Analysis => Some(self.analysis.as_slice()),
        };
        let request = request.context("no later time can be represented")?;
        let send = async { self.requests.write_all(request).await.context("cannot send the request") };
        let receive = async {
            let status = self.responses.next().await?;
            Ok((status, Instant::now()))
        };
        let ((), (status, answered)) = tokio::try_join!(send, receive)?;
        self.used = Instant::now();
        Ok(Exchanged { status, answered, ended: self.used })
    }
}

async fn connect(address: &str) -> anyhow::Result<(Responses, OwnedWriteHalf)> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("cannot connect to {address}"))?;
    stream.set_nodelay(true)?;
    let (stream, requests) = stream.into_split();
    Ok((Responses { stream, received: Vec::with_capacity(READ_BYTES) }, requests))
}

impl Responses {
    /// Reads a response, and returns its status.
    async fn next(&mut self) -> anyhow::Result<u16> {
        self.received.clear();
        let head_end = loop {
            if let Some(position) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break position + 4;
            }
            self.read_more().await?;
        };
        let head = self.received.get(..head_end).and_then(|head| str::from_utf8(head).ok());
        let head = head.context("the head of the response is not UTF-8")?;
        let (status, length) = read_head(head)?;
        let has_retry_after = head.contains("\r\nretry-after: ");
        while self.received.len() < head_end + length {
            self.read_more().await?;
        }
        ensure!(status < 300 || status == 503, "{}", String::from_utf8_lossy(&self.received));
        ensure!(status != 503 || has_retry_after, "a refusal has no Retry-After");
        Ok(status)
    }

    async fn read_more(&mut self) -> anyhow::Result<()> {
        let count = self.stream.read_buf(&mut self.received).await.context("cannot read the response")?;
        ensure!(count > 0, "the server has closed the connection");
        Ok(())
    }
}
