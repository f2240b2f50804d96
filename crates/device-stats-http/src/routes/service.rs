//! `/service`: the figures of the service, for its operator.

use std::time::Duration;

use axum::Json;
use axum::extract::State;
use device_stats_service::{Administer, DatabaseFigures, NodeFigures, Service};
use serde::Serialize;
use utoipa::ToSchema;

use crate::errors::ApiError;
use crate::extract::{Caller, NoQuery, Parsed};

/// The figures of the service. Totals count since the start of the process. The figures of `readings` except
/// `hot` and `sealed`, and those of `sealing`, `requests`, `queries`, `queue`, `live_streams` and `memory`,
/// are of the node that responds. Rates are those of the last 10 seconds.
#[derive(Serialize, ToSchema)]
#[schema(as = Service)]
pub(crate) struct ServiceResponse {
    /// Version of the service, in semantic versioning.
    #[schema(example = "0.1.0")]
    version: &'static str,
    /// Time of the start of the process, RFC 3339 in UTC.
    #[schema(example = "2026-11-23T10:00:00.250000Z")]
    started_at: String,
    /// Time since the start, in seconds.
    #[schema(example = 3_600.5)]
    uptime_s: f64,
    /// The database: `sqlite` or `postgresql`.
    #[schema(example = "sqlite")]
    store: &'static str,
    /// Version of the database.
    #[schema(example = "3.53.0")]
    store_version: String,
    /// `open` if everybody may do everything; `token` if clients need a token.
    #[schema(example = "token")]
    auth: &'static str,
    /// The readings.
    readings: ReadingCounts,
    /// The segments, which hold the sealed readings.
    segments: SegmentCounts,
    /// The sealing of readings, and the merging of segments.
    sealing: SealingCounts,
    /// The requests.
    requests: RequestCounts,
    /// The queries: analyses, series, histograms, latest readings and lists of readings.
    queries: QueryCounts,
    /// The queue of readings that wait for their commit.
    queue: QueueCounts,
    /// Number of open live streams.
    #[schema(example = 2)]
    live_streams: u64,
    /// The memory of the process.
    memory: MemoryCounts,
    /// The disk of the database.
    disk: DiskCounts,
}

/// Numbers of readings.
#[derive(Serialize, ToSchema)]
struct ReadingCounts {
    /// Number of hot readings in the database. PostgreSQL estimates a number above 4,096.
    #[schema(example = 1_200)]
    hot: u64,
    /// Number of sealed readings in the database, up to 10 seconds ago. PostgreSQL estimates it if there are
    /// more than 10,000 segments.
    #[schema(example = 100_000_000)]
    sealed: u64,
    /// Number of readings that were stored.
    #[schema(example = 5_000_000)]
    accepted_total: u64,
    /// Number of repeats: readings whose device and time were already stored.
    #[schema(example = 120)]
    repeated_total: u64,
    /// Number of repeats with other values than the stored reading.
    #[schema(example = 0)]
    conflicting_total: u64,
    /// Number of faulty rows of batches that were stored without them (`on_fault=skip`).
    #[schema(example = 3)]
    rejected_total: u64,
    /// Number of readings that were stored per second.
    #[schema(example = 120.5)]
    accepted_per_second: f64,
}

/// Numbers of segments.
#[derive(Serialize, ToSchema)]
struct SegmentCounts {
    /// Number of segments in the database, up to 10 seconds ago. PostgreSQL estimates a number above 10,000.
    #[schema(example = 812)]
    count: u64,
    /// Space of the segments in the database, approximately, in bytes.
    #[schema(example = 1_040_000_000)]
    bytes: u64,
    /// Space of a sealed reading, in bytes; `null` if there are none.
    #[schema(example = 10.4)]
    bytes_per_reading: Option<f64>,
}

/// Numbers of sealing.
#[derive(Serialize, ToSchema)]
struct SealingCounts {
    /// Number of hot readings that wait to be sealed, as far as the node knows.
    #[schema(example = 0)]
    backlog_readings: u64,
    /// Time for which the device with the oldest of them has had hot readings, in seconds; `null` if there
    /// are none.
    #[schema(example = 12.5)]
    oldest_hot_s: Option<f64>,
    /// Number of hot readings that were sealed.
    #[schema(example = 4_900_000)]
    sealed_total: u64,
    /// Number of segments that were merged into larger ones.
    #[schema(example = 900)]
    merged_total: u64,
    /// Number of failed attempts to seal or merge a device. They are repeated.
    #[schema(example = 0)]
    failures_total: u64,
}

/// Numbers of requests, including those to `/health`.
#[derive(Serialize, ToSchema)]
struct RequestCounts {
    /// Number of requests whose response has not begun. This request is one of them.
    #[schema(example = 3)]
    in_progress: u64,
    /// Number of answers per second.
    #[schema(example = 130.2)]
    per_second: f64,
    /// Number of answers with 429 or 503: the service refused the request because of a limit, or could not
    /// answer it.
    #[schema(example = 0)]
    refused_total: u64,
    /// Number of other answers with 4xx.
    #[schema(example = 17)]
    client_errors_total: u64,
    /// Number of other answers with 5xx.
    #[schema(example = 0)]
    server_errors_total: u64,
}

/// Numbers of queries.
#[derive(Serialize, ToSchema)]
struct QueryCounts {
    /// Number of queries that run or wait for a thread.
    #[schema(example = 1)]
    running: u64,
    /// Number of queries that were refused because of a limit on queries.
    #[schema(example = 0)]
    refused_total: u64,
}

/// Numbers of the queue of readings.
#[derive(Serialize, ToSchema)]
struct QueueCounts {
    /// Number of readings that wait for their commit or are being committed.
    #[schema(example = 0)]
    readings: u64,
    /// Time for which requests wait for their commit, in seconds. Short waits are left out.
    #[schema(example = 0.001)]
    wait_s: f64,
}

/// Sizes of memory.
#[derive(Serialize, ToSchema)]
struct MemoryCounts {
    /// Resident memory of the process, in bytes; `null` if the operating system does not state it.
    #[schema(example = 210_000_000)]
    resident_bytes: Option<u64>,
    /// Memory of the cached segments, in bytes.
    #[schema(example = 96_000_000)]
    cache_bytes: u64,
    /// Maximum of this memory, in bytes.
    #[schema(example = 268_435_456)]
    cache_bytes_max: u64,
}

/// Sizes on the disk.
#[derive(Serialize, ToSchema)]
struct DiskCounts {
    /// Size of the database with everything in it, up to 10 seconds ago, in bytes.
    #[schema(example = 1_200_000_000)]
    database_bytes: u64,
    /// Free space of the disk, in bytes; `null` if it is unknown, as with PostgreSQL.
    #[schema(example = 52_000_000_000_u64)]
    free_bytes: Option<u64>,
}

impl ServiceResponse {
    fn new(figures: &NodeFigures, DatabaseFigures { store, hot_readings }: DatabaseFigures) -> Self {
        let NodeFigures { readings, sealing, requests, .. } = figures;
        Self {
            version: env!("CARGO_PKG_VERSION"),
            started_at: figures.started_at.to_string(),
            uptime_s: figures.uptime.as_secs_f64(),
            store: store.database,
            store_version: store.version.clone(),
            auth: figures.auth.name(),
            readings: ReadingCounts {
                hot: hot_readings,
                sealed: store.sealed_readings,
                accepted_total: readings.accepted,
                repeated_total: readings.repeated,
                conflicting_total: readings.conflicting,
                rejected_total: readings.rejected,
                accepted_per_second: readings.accepted_per_second,
            },
            segments: SegmentCounts {
                count: store.segments,
                bytes: store.segment_bytes,
                bytes_per_reading: store.bytes_per_reading(),
            },
            sealing: SealingCounts {
                backlog_readings: sealing.backlog_readings,
                oldest_hot_s: sealing.oldest_hot.as_ref().map(Duration::as_secs_f64),
                sealed_total: sealing.sealed,
                merged_total: sealing.merged,
                failures_total: sealing.failures,
            },
            requests: RequestCounts {
                in_progress: requests.in_progress,
                per_second: requests.per_second,
                refused_total: requests.refused,
                client_errors_total: requests.client_errors,
                server_errors_total: requests.server_errors,
            },
            queries: QueryCounts { running: figures.queries, refused_total: figures.queries_refused },
            queue: QueueCounts {
                readings: figures.queued_readings,
                wait_s: figures.queue_wait.as_secs_f64(),
            },
            live_streams: figures.live_streams,
            memory: MemoryCounts {
                resident_bytes: figures.process.map(|process| process.resident_bytes),
                cache_bytes: figures.cache_bytes,
                cache_bytes_max: figures.cache_bytes_max,
            },
            disk: DiskCounts { database_bytes: store.database_bytes, free_bytes: store.free_bytes },
        }
    }
}

/// Show the figures of the service
///
/// Returns the state of the node that responds and of the database: its readings, the sealing, the load, the
/// memory and the disk.
#[utoipa::path(
    get, path = "/api/v1/service", tag = "service",
    responses((status = 200, description = "The figures.", body = ServiceResponse)),
)]
pub(super) async fn show_service(
    State(service): State<Service>,
    Caller(granted): Caller<Administer>,
    Parsed(NoQuery): Parsed<NoQuery>,
) -> Result<Json<ServiceResponse>, ApiError> {
    let database = service.show_database(granted).await?;
    Ok(Json(ServiceResponse::new(&service.show_node(granted), database)))
}
