//! The tool for the steps of `make bench` that would be too slow in Python: it fills stores with sealed
//! readings, measures sealing and merging, and sends requests. Each command prints its result as one line of
//! JSON.

mod clients;
mod connection;
mod database;
mod ingest;
mod load;
mod manifest;
mod open_loop;
mod requests;
mod sealing_rates;
mod segment_sizes;

use std::io::Write;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use serde::Serialize;

/// The allocator of the service, because it affects the speed of sealing.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Fill stores and send requests for `make bench`
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
        /// Write to sqlite:PATH or postgres://...
        #[arg(long)]
        database: String,
        /// Read the manifest of the readings from this file
        #[arg(long)]
        manifest: PathBuf,
    },
    /// Count the readings and the bytes of all segments
    Sizes {
        /// Read from sqlite:PATH or postgres://...
        #[arg(long)]
        database: String,
    },
    /// Measure sealing and merging of the first readings of a device on one thread
    Rates {
        /// Read the manifest of the readings from this file
        #[arg(long)]
        manifest: PathBuf,
        /// Seal the readings of this device
        #[arg(long)]
        device_id: String,
    },
    /// Post readings and count the acknowledged ones
    Ingest(ingest::Arguments),
    /// Send a mix of requests at times that are fixed in advance
    OpenLoop(open_loop::Arguments),
    /// Send requests and measure the latency of each response
    Requests(requests::Arguments),
}

fn main() -> anyhow::Result<()> {
    match CommandLine::parse().command {
        Command::Load { database, manifest } => print(&load::load(&database, &manifest)?),
        Command::Sizes { database } => print(&segment_sizes::measure(&database)?),
        Command::Rates { manifest, device_id } => print(&sealing_rates::measure(&manifest, &device_id)?),
        Command::Ingest(arguments) => print(&ingest::post(&arguments)?),
        Command::OpenLoop(arguments) => print(&open_loop::send(&arguments)?),
        Command::Requests(arguments) => print(&requests::send(&arguments)?),
    }
}

fn print(result: &impl Serialize) -> anyhow::Result<()> {
    let mut line = serde_json::to_vec(result)?;
    line.push(b'\n');
    std::io::stdout().lock().write_all(&line)?;
    Ok(())
}
