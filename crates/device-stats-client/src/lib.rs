//! The HTTP interface from the outside: what `import`, `export`, `analyze` and `health` ask a server. Knows nothing of files and
//! tables.

mod analyses;
mod batches;
mod client;
mod devices;
mod error;
mod exports;
mod retry;
mod users;

pub use analyses::{Analysis, AxisSummary, Subject, UserAnalysis, Window};
pub use client::Client;
pub use devices::Registered;
pub use error::{ClientError, Fault};
pub use exports::Arriving;
pub use retry::{GivenUp, Patience, Waits};
