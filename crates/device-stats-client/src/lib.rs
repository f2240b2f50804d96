//! HTTP client for the commands `import`, `export`, `analyze`, `bench load` and `health`: requests and
//! retries. The commands themselves read files and print tables.

pub mod limits;

mod analyses;
mod batches;
mod client;
mod deletions;
mod devices;
mod error;
mod exports;
mod path_segment;
mod retry;
mod scope;
mod users;

pub use analyses::{Analysis, AxisSummary, DeviceAnalysis, UserAnalysis};
pub use batches::BatchOutcome;
pub use client::Client;
pub use deletions::ReadingsToDelete;
pub use devices::Registration;
pub use error::{ClientError, Fault};
pub use exports::ExportStream;
pub use retry::{Backoff, RequestFailure, RetryPolicy};
pub use scope::{Period, Scope};
pub use users::User;
