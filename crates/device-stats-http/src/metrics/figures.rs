//! The figures of the service as metrics. They are collected when a program asks for them.

use std::fmt;
use std::time::Duration;

use device_stats_service::{ProcessFigures, ServiceFigures};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Unit;

/// The figures of the service.
#[derive(Debug)]
pub(super) struct ServiceCollector(pub(super) ServiceFigures);

/// The figures of the process, which have the names that all processes use.
#[derive(Debug)]
pub(super) struct ProcessCollector {
    start_s: f64,
    process: Option<ProcessFigures>,
}

impl ProcessCollector {
    pub(super) fn new(figures: &ServiceFigures) -> Self {
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

    /// A number that only grows while the process runs.
    fn total(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, None, &ConstCounter::new(value))
    }

    fn number(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, None, &gauge(value))
    }

    fn bytes(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.metric(name, help, Some(&Unit::Bytes), &gauge(value))
    }

    fn seconds(&mut self, name: &str, help: &str, value: Duration) -> fmt::Result {
        self.metric(name, help, Some(&Unit::Seconds), &ConstGauge::new(value.as_secs_f64()))
    }
}

/// A gauge of whole numbers; the format has no larger ones.
fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

impl Collector for ServiceCollector {
    fn encode(&self, encoder: DescriptorEncoder) -> fmt::Result {
        let ServiceFigures { store, readings, sealing, requests, .. } = &self.0;
        let figures = &self.0;
        let mut encoder = Encoder(encoder);
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("store", store.database),
            ("store_version", store.version.as_str()),
        ];
        let labels: Vec<(String, String)> =
            labels.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        encoder.metric("build", "Versions of the service and of its database", None, &Info::new(labels))?;

        encoder.total("readings_accepted", "Readings that were stored", readings.accepted)?;
        encoder.total(
            "readings_repeated",
            "Readings whose device and time were already stored",
            readings.repeated,
        )?;
        encoder.total(
            "readings_conflicting",
            "Repeated readings with other values than the stored ones",
            readings.conflicting,
        )?;
        encoder.total(
            "rows_rejected",
            "Faulty rows of batches that were stored without them",
            readings.rejected,
        )?;
        encoder.number(
            "queue_readings",
            "Readings that wait for their commit or are being committed",
            figures.queued_readings,
        )?;
        encoder.seconds(
            "queue_wait",
            "Time for which requests wait for their commit, without short waits",
            figures.queue_wait,
        )?;

        encoder.number(
            "hot_readings",
            "Hot readings in the database: those that are not sealed yet",
            figures.hot_readings,
        )?;
        encoder.number("sealed_readings", "Sealed readings in the database", store.sealed_readings)?;
        encoder.number("segments", "Segments in the database", store.segments)?;
        encoder.bytes("segment", "Space of the segments in the database", store.segment_bytes)?;
        encoder.number(
            "sealing_backlog_readings",
            "Hot readings that this node is to seal",
            sealing.backlog_readings,
        )?;
        encoder.seconds(
            "sealing_backlog_age",
            "Time for which the oldest of them have waited; 0 without any",
            sealing.oldest_hot.unwrap_or_default(),
        )?;
        encoder.total("readings_sealed", "Readings that were sealed", sealing.sealed)?;
        encoder.total("segments_merged", "Segments that were merged into larger ones", sealing.merged)?;
        encoder.total(
            "sealing_failures",
            "Failed attempts to seal or merge a device; they are repeated",
            sealing.failures,
        )?;

        encoder.number(
            "http_requests_in_progress",
            "Requests whose answer has not begun",
            requests.in_progress,
        )?;
        encoder.number("queries_running", "Queries that run or wait for a thread", figures.queries)?;
        encoder.total(
            "queries_refused",
            "Queries that were refused because of a limit",
            figures.queries_refused,
        )?;
        encoder.number("live_streams", "Open live streams", figures.live_streams)?;
        encoder.bytes("cache", "Memory of the cached segments", figures.cache_bytes)?;
        encoder.bytes("cache_max", "Maximum memory of the cached segments", figures.cache_bytes_max)?;
        encoder.total("cache_hits", "Lookups of pages that were in the cache", figures.cache_hits)?;
        encoder.total("cache_misses", "Lookups of pages that were not in the cache", figures.cache_misses)?;
        encoder.bytes("database", "Size of the database with everything in it", store.database_bytes)?;
        if let Some(free) = store.free_bytes {
            encoder.bytes("disk_free", "Free space of the disk of the database", free)?;
        }
        Ok(())
    }
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
