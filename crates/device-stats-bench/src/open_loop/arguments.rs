//! Arguments of `open-loop`: the phases, and the mix of the requests.

use std::str::FromStr;
use std::time::Duration;

use anyhow::Context;

/// Arguments of `open-loop`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Connect to this server, HOST:PORT
    #[arg(long)]
    pub(super) address: String,
    /// Send at this rate for this time, RATE:SECONDS with requests per second; rate 0 sends without pause
    #[arg(long = "phase", required = true)]
    pub(super) phases: Vec<Phase>,
    /// Use this number of connections
    #[arg(long, default_value_t = 256)]
    pub(super) connections: u32,
    /// Post this number of readings per batch
    #[arg(long, default_value_t = 1_000)]
    pub(super) readings: u32,
    /// Let this share of the requests be batches, in percent
    #[arg(long, default_value_t = 60)]
    pub(super) batches: u8,
    /// Let this share of the requests be analyses, in percent; the others are single readings
    #[arg(long, default_value_t = 10)]
    pub(super) analyses: u8,
    /// Begin the ids of devices with this text; a device that has readings of an earlier run gets repeats
    #[arg(long, default_value = "open-loop")]
    pub(super) prefix: String,
    /// Use this seed for the times and kinds of the requests
    #[arg(long, default_value_t = 20_261_130)]
    pub(super) seed: u64,
}

/// A time with a constant rate.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Phase {
    /// Requests per second; 0 for as many as the server answers.
    pub(super) rate: f64,
    pub(super) time: Duration,
}

impl FromStr for Phase {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let (rate, seconds) = text.split_once(':').context("not RATE:SECONDS")?;
        Ok(Self { rate: rate.parse()?, time: Duration::try_from_secs_f64(seconds.parse()?)? })
    }
}
