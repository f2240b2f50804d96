//! What `make bench` needs and Python is too slow for: it fills stores with sealed readings, measures sealing and
//! merging, and sends requests. Not a part of the service; each command prints what it found as one line of JSON.

mod connection;
mod database;
mod ingest;
mod load;
mod manifest;
mod requests;
mod sealing_rates;
mod segment_sizes;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde::Serialize;

/// As in the service, since it decides how fast segments are written.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// The part of `make bench` that is not Python
#[derive(Debug, Parser)]
#[command(name = "device-stats-bench", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Create a user with devices, and append their readings as segments
    Load {
        /// The database: sqlite:PATH or postgres://...
        #[arg(long)]
        database: String,
        /// The readings
        #[arg(long)]
        manifest: PathBuf,
    },
    /// Count the readings and the bytes of all segments
    Sizes {
        /// The database: sqlite:PATH or postgres://...
        #[arg(long)]
        database: String,
    },
    /// Seal and merge the first readings of a device on one thread
    Rates {
        /// The readings
        #[arg(long)]
        manifest: PathBuf,
        /// The device
        #[arg(long)]
        device_id: String,
    },
    /// Post readings and count what is acknowledged
    Ingest(ingest::Arguments),
    /// Send requests and take the time of each answer
    Requests(requests::Arguments),
}

fn main() -> anyhow::Result<()> {
    match CommandLine::parse().command {
        Command::Load { database, manifest } => print(&load::load(&database, &manifest)?),
        Command::Sizes { database } => print(&segment_sizes::sizes(&database)?),
        Command::Rates { manifest, device_id } => print(&sealing_rates::rates(&manifest, &device_id)?),
        Command::Ingest(arguments) => print(&ingest::post(&arguments)?),
        Command::Requests(arguments) => print(&requests::send(&arguments)?),
    }
}

fn print(found: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(found)?;
    line.push(b'\n');
    std::io::stdout().lock().write_all(&line)?;
    Ok(())
}
