//! The metrics of the service, for Prometheus and compatible programs: the [figures](NodeFigures) of the
//! service, and the number and the times of requests and commits.
//!
//! The text is OpenMetrics 1.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>) if the client
//! accepts it, otherwise the text format of Prometheus.

mod figures;
mod text_format;

use std::sync::Arc;
use std::time::Duration;

use device_stats_service::{DatabaseFigures, NodeFigures, Service};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use figures::{ProcessCollector, ServiceCollector};
pub(crate) use text_format::TextFormat;

/// First part of the names of all metrics, except for those that all processes have.
const PREFIX: &str = "device_stats";
/// Upper bounds of the buckets of the times of requests, in seconds.
const REQUEST_SECONDS: [f64; 14] =
    [0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of one node.
#[derive(Clone, Debug)]
pub(crate) struct Metrics(Arc<Kept>);

/// The metrics that are kept between two scrapes.
#[derive(Debug)]
struct Kept {
    registry: Registry,
    requests: Family<AnswerLabels, Counter>,
    request_times: Family<OperationLabels, Histogram>,
}

/// The labels of the number of answers.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabels {
    method: &'static str,
    route: String,
    status: u16,
}

/// The labels of the times of requests.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabels {
    method: &'static str,
    route: String,
}

impl Metrics {
    /// Creates the metrics of a service.
    pub(crate) fn new(service: &Service) -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let requests = Family::default();
        registry.register(
            "http_requests",
            "Answers to requests, by method, route and status",
            requests.clone(),
        );
        let new: fn() -> Histogram = || Histogram::new(REQUEST_SECONDS);
        let request_times = Family::new_with_constructor(new);
        let help = "Time from the head of a request to the beginning of its answer";
        registry.register_with_unit(
            "http_request_duration",
            help,
            Unit::Seconds,
            Family::clone(&request_times),
        );
        let help = "Time of a transaction that stores the readings of one or more requests, with its sync";
        let commits = service.commit_times();
        registry.register_with_unit("commit_duration", help, Unit::Seconds, commits);
        Self(Arc::new(Kept { registry, requests, request_times }))
    }

    /// Counts an answer to a request, with the time until it began.
    pub(crate) fn answered(&self, method: &'static str, route: &str, status: u16, time: Duration) {
        let labels = OperationLabels { method, route: route.to_owned() };
        self.0.request_times.get_or_create(&labels).observe(time.as_secs_f64());
        let OperationLabels { method, route } = labels;
        self.0.requests.get_or_create(&AnswerLabels { method, route, status }).inc();
    }

    /// Returns the text of all metrics. Without `database`, the metrics of the database are left out.
    #[expect(clippy::expect_used, reason = "writing to a string never fails")]
    pub(crate) fn text(
        &self,
        node: NodeFigures,
        database: Option<DatabaseFigures>,
        format: TextFormat,
    ) -> String {
        let mut process = Registry::default();
        process.register_collector(Box::new(ProcessCollector::new(&node)));
        let mut service = Registry::with_prefix(PREFIX);
        service.register_collector(Box::new(ServiceCollector { node, database }));
        let mut text = String::new();
        for registry in [&process, &service, &self.0.registry] {
            encode_registry(&mut text, registry).expect("a writable string");
        }
        encode_eof(&mut text).expect("a writable string");
        format.convert(text)
    }
}
