//! Tests of the service over HTTP. Each case runs against a real listener, over each store. Most cases
//! compare a short form of the response: its status, and the type and location of each fault.
#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "everything here is a test, and clients get back exactly the numbers that they send"
)]

mod analyses;
mod analysis_queries;
mod arrow;
mod audit;
mod batches;
mod bodies;
mod broken_exports;
mod codings;
mod compression;
mod concurrency;
mod conditions;
mod connections;
mod corruption;
mod dashboard;
mod databases;
mod deletions;
mod document;
mod empty_periods;
mod errors;
mod exact_arithmetic;
mod exports;
mod faulty_rows;
mod figures;
mod fleet;
mod histograms;
mod hot_limit;
mod idempotency;
mod ids_and_names;
mod latest;
mod line_protocol;
mod lists;
mod live;
mod magnitude;
mod many_devices;
mod metrics;
mod misnamed;
mod model;
mod ndjson;
mod number_times;
mod numbers;
mod oracle;
mod overload;
mod owned_devices;
mod path;
mod percentiles;
mod query_limits;
mod rates;
mod restoring;
mod rights;
mod sealing;
mod series;
mod server;
mod sessions;
mod telegraf;
mod times;
mod web_pages;
