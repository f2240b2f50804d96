//! HTTP client of the commands that connect to a server: requests and retries. The commands read files and
//! print tables.

pub mod limits;

mod analyses;
mod batches;
mod client;
mod connection_fault;
mod deletions;
mod devices;
mod error;
mod event_parser;
mod exports;
mod histograms;
mod live;
mod pages;
mod path_segment;
mod readings;
mod retry;
mod scope;
mod series;
mod user_choice;
mod users;

pub use analyses::{
    AxisSummaries, AxisSummary, DeviceAnalysis, OptionalStatistics, Percentile, UserAnalysis,
};
pub use batches::BatchOutcome;
pub use client::{Client, Server};
pub use connection_fault::ConnectionFault;
pub use deletions::ReadingsToDelete;
pub use devices::{Device, DeviceChange, DeviceFilter, NewDevice, Registration};
pub use error::{ClientError, Fault};
pub use exports::ExportStream;
pub use histograms::{Bins, Histogram, Histograms};
pub use live::LiveStream;
pub use readings::{LatestReading, LatestScope, Reading};
pub use retry::{Backoff, RequestFailure, RetryPolicy};
pub use scope::{Period, Scope};
pub use series::{Bucket, Division, Series};
pub use user_choice::UserChoice;
pub use users::{User, UserChange, UserWithDevices};
