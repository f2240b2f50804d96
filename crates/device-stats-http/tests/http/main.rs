//! The service over HTTP: each case runs against a real listener, over each store. Answers are compared in brief: the
//! status, and the kind and place of every fault.
#![allow(
    clippy::expect_used,
    clippy::float_cmp,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "everything here is a test; what a client gets back has to be the very number it sent"
)]

mod analyses;
mod arrow;
mod batches;
mod bodies;
mod codings;
mod connections;
mod corruption;
mod crowd;
mod databases;
mod document;
mod errors;
mod exact;
mod export_breaks;
mod exports;
mod histograms;
mod idempotency;
mod ids;
mod line_protocol;
mod live;
mod model;
mod ndjson;
mod numbers;
mod percentiles;
mod sealing;
mod series;
mod served;
mod times;
mod together;
mod truth;
