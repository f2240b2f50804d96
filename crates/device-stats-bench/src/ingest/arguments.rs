//! Arguments of `ingest`: shape and format of the requests.

use clap::ValueEnum;

/// Arguments of `ingest`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Connect to this server, HOST:PORT
    #[arg(long)]
    pub(super) address: String,
    /// Post requests of this shape
    #[arg(long)]
    pub(super) shape: Shape,
    /// Write batches in this format
    #[arg(long, default_value = "csv")]
    pub(super) format: Format,
    /// Post this number of requests concurrently
    #[arg(long, default_value_t = 64)]
    pub(super) clients: u32,
    /// Post for this time
    #[arg(long, default_value_t = 5.0)]
    pub(super) seconds: f64,
    /// Post at most this number of requests per client
    #[arg(long, default_value_t = u64::MAX)]
    pub(super) requests_max: u64,
    /// Begin device ids with this text
    #[arg(long, default_value = "ingest")]
    pub(super) prefix: String,
    /// Post this number of readings per batch
    #[arg(long, default_value_t = 10_000)]
    pub(super) readings: u32,
    /// Spread a batch of many devices over this number of devices
    #[arg(long, default_value_t = 1_000)]
    pub(super) devices: u32,
    /// Create the devices with this token of an administrator, and post with a token of each device
    #[arg(long)]
    pub(super) admin_token: Option<String>,
}

/// The shape of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Shape {
    /// A health check without readings.
    Live,
    /// One reading; each client has a device of its own.
    Single,
    /// A batch of one device; each client has a device of its own.
    OneDevice,
    /// A batch of many devices.
    ManyDevices,
}

/// The format of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// An Arrow IPC stream of one record batch.
    Arrow,
    Csv,
    Json,
    Ndjson,
}

impl Arguments {
    /// Returns the arguments of clients that post single readings.
    pub(crate) fn single(address: &str, clients: u32, prefix: &str) -> Self {
        Self {
            address: address.to_owned(),
            shape: Shape::Single,
            format: Format::Ndjson,
            clients,
            seconds: 0.0,
            requests_max: u64::MAX,
            prefix: prefix.to_owned(),
            readings: 1,
            devices: clients,
            admin_token: None,
        }
    }

    /// Returns the arguments of clients that post batches of one device each as NDJSON.
    pub(crate) fn ndjson(address: &str, clients: u32, prefix: &str, readings: u32) -> Self {
        Self { shape: Shape::OneDevice, readings, ..Self::single(address, clients, prefix) }
    }

    /// Returns the id of a device.
    pub(crate) fn device_id(&self, number: u32) -> String {
        format!("{}-{number}", self.prefix)
    }
}

impl Format {
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Arrow => "application/vnd.apache.arrow.stream",
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}
