//! The figures of the service as metrics. They are collected when a program asks for them.

use std::fmt;
use std::time::Duration;

use device_stats_service::{DatabaseFigures, NodeFigures, ProcessFigures};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Unit;

/// The figures of the service.
#[derive(Debug)]
pub(super) struct ServiceCollector {
    pub(super) node: NodeFigures,
    pub(super) database: Option<DatabaseFigures>,
}

/// The figures of the process, which have the names that all processes use.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    start_s: f64,
    process: Option<ProcessFigures>,
}

impl ProcessCollector {
    pub(super) fn new(figures: &NodeFigures) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "microseconds of this century")]
        let start_s = figures.started_at.micros() as f64 / 1e6;
        Self { start_s, process: figures.process }
    }
}

/// Encodes metrics one after the other.
struct Encoder<'e>(DescriptorEncoder<'e>);

impl Encoder<'_> {
    fn metric(
        &mut self,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        metric: &impl EncodeMetric,
    ) -> fmt::Result {
        metric.encode(self.0.encode_descriptor(name, help, unit, metric.metric_type())?)
    }

    /// Encodes a counter.
    fn total(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, None, &ConstCounter::new(value))
    }

    fn number(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, None, &ConstGauge::new(value))
    }

    fn bytes(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, Some(&Unit::Bytes), &ConstGauge::new(value))
    }

    fn seconds(&mut self, name: &str, help: &str, value: Duration) -> fmt::Result {
        self.metric(name, help, Some(&Unit::Seconds), &ConstGauge::new(value.as_secs_f64()))
    }
}

impl Collector for ServiceCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut encoder = Encoder(encoder);
        encode_readings(&mut encoder, &self.node)?;
        encode_sealing(&mut encoder, &self.node)?;
        encode_queries(&mut encoder, &self.node)?;
        let help = "Whether the database answered; 1 or 0. Without an answer, its other metrics are missing";
        encoder.number("database_up", help, self.database.is_some().into())?;
        self.database.as_ref().map_or(Ok(()), |database| encode_database(&mut encoder, database))
    }
}

fn encode_database(encoder: &mut Encoder<'_>, database: &DatabaseFigures) -> fmt::Result {
    let DatabaseFigures { store, hot_readings } = database;
    let labels = [
        ("version", env!("CARGO_PKG_VERSION")),
        ("store", store.database),
        ("store_version", &store.version),
    ];
    let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
    encoder.metric(
        "build",
        "Versions of the service and of its database",
        None,
        &Info::new(labels.to_vec()),
    )?;
    let help = "Hot readings in the database: those that are not sealed yet";
    encoder.number("hot_readings", help, *hot_readings)?;
    encoder.number("sealed_readings", "Sealed readings in the database", store.sealed_readings)?;
    encoder.number("segments", "Segments in the database", store.segments)?;
    encoder.bytes("segment", "Space of the segments in the database", store.segment_bytes)?;
    encoder.bytes("database", "Size of the database with everything in it", store.database_bytes)?;
    let Some(free) = store.free_bytes else { return Ok(()) };
    encoder.bytes("disk_free", "Free space of the disk of the database", free)
}

fn encode_readings(encoder: &mut Encoder<'_>, figures: &NodeFigures) -> fmt::Result {
    let readings = &figures.readings;
    encoder.total("readings_accepted", "Readings that were stored", readings.accepted)?;
    let help = "Readings whose device and time were already stored";
    encoder.total("readings_repeated", help, readings.repeated)?;
    let help = "Repeated readings with other values than the stored ones";
    encoder.total("readings_conflicting", help, readings.conflicting)?;
    let help = "Faulty rows that were left out when their batch was stored";
    encoder.total("rows_rejected", help, readings.rejected)?;
    let help = "Readings that wait for their commit or are being committed";
    encoder.number("queue_readings", help, figures.queued_readings)?;
    let help = "Time for which requests wait for their commit, without short waits";
    encoder.seconds("queue_wait", help, figures.queue_wait)
}

fn encode_sealing(encoder: &mut Encoder<'_>, figures: &NodeFigures) -> fmt::Result {
    let sealing = &figures.sealing;
    let help = "Hot readings that this node knows of";
    encoder.number("sealing_backlog_readings", help, sealing.backlog_readings)?;
    let help = "Longest time for which a device has had hot readings";
    encoder.seconds("sealing_backlog_age", help, sealing.oldest_hot.unwrap_or_default())?;
    encoder.total("readings_sealed", "Readings that were sealed", sealing.sealed)?;
    encoder.total("segments_merged", "Segments that were merged into larger ones", sealing.merged)?;
    let help = "Failed attempts to seal or merge a device; they are repeated";
    encoder.total("sealing_failures", help, sealing.failures)
}

fn encode_queries(encoder: &mut Encoder<'_>, figures: &NodeFigures) -> fmt::Result {
    let in_progress = figures.requests.in_progress;
    encoder.number("http_requests_in_progress", "Requests whose answer has not begun", in_progress)?;
    encoder.number("queries_running", "Queries that run or wait for a thread", figures.queries)?;
    let help = "Queries that were refused because of the limits on number and memory";
    encoder.total("queries_refused", help, figures.queries_refused)?;
    encoder.number("live_streams", "Open live streams", figures.live_streams)?;
    encoder.bytes("cache", "Memory of the cached pages", figures.cache_bytes)?;
    encoder.bytes("cache_max", "Maximum memory of the cached pages", figures.cache_bytes_max)?;
    encoder.total("cache_hits", "Lookups that found the page in the cache", figures.cache_hits)?;
    encoder.total("cache_misses", "Lookups that did not find the page in the cache", figures.cache_misses)
}

impl Collector for ProcessCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let mut encoder = Encoder(encoder);
        let start = ConstGauge::new(self.start_s);
        let help = "Time of the start of the process, since 1970";
        encoder.metric("process_start_time", help, Some(&Unit::Seconds), &start)?;
        let Some(process) = self.process else { return Ok(()) };
        let cpu = ConstCounter::new(process.cpu.as_secs_f64());
        let help = "Processor time of the process";
        encoder.metric("process_cpu", help, Some(&Unit::Seconds), &cpu)?;
        encoder.bytes("process_resident_memory", "Resident memory of the process", process.resident_bytes)?;
        encoder.number(
            "process_open_fds",
            "Open files and connections of the process",
            process.open_files,
        )?;
        encoder.number("process_threads", "Threads of the process", process.threads)
    }
}
