//! `device-stats export`: writes the readings of a device or a user to a file.

mod format;
mod output;
mod received;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use device_stats_client::{Backoff, Client, ClientError, ExportStream, Period, Scope};
use futures_util::future::OptionFuture;

use super::alternatives::one_of;
use super::progress::{Progress, Unit};
use super::readings_flags::ReadingsFlags;
use super::results;
use super::retry_flags::RetryFlags;
use super::stop_signal::stop_signal;
use super::usage::UsageError;
use crate::settings::Settings;
use format::Format;
use output::Output;
use received::Received;

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(group = one_of("device_or_user", ["device", "user"]))]
pub(super) struct Arguments {
    /// Export this device
    #[arg(long, value_name = "ID", conflicts_with = "user")]
    device: Option<String>,
    #[command(flatten)]
    readings: ReadingsFlags,
    /// Write this format [default: by the extension of --output; csv for stdout]
    #[arg(long)]
    format: Option<Format>,
    /// Replace this file when the export is complete; - is stdout
    #[arg(long, value_name = "FILE", default_value = STDOUT)]
    output: PathBuf,
    #[command(flatten)]
    retry: RetryFlags,
}

/// Name of stdout as `--output`.
const STDOUT: &str = "-";

/// Writes the readings, and prints their number.
///
/// # Errors
/// If the server is unreachable, the device or user unknown, the file not writable, the export incomplete, or
/// a signal stops the export to a file. Then no new file exists, and an existing one is unchanged.
pub(super) async fn export(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let started = Instant::now();
    let file = Some(arguments.output.as_path()).filter(|file| *file != Path::new(STDOUT));
    let format = choose_format(arguments.format, file)?;
    let client = Client::for_exports(&settings.server, arguments.retry.policy())?;
    let scope = arguments.readings.find_scope(&client, arguments.device.as_deref()).await?;
    let request = ExportRequest { client, scope, period: arguments.readings.period(), format };
    let mut progress =
        if file.is_some() { Progress::new(format.unit()) } else { Progress::hidden(format.unit()) };
    if !progress.is_hidden()
        && format.unit() == Unit::Readings
        && let Ok(count) = request.client.count(&request.scope, &request.period).await
    {
        progress.expect(count);
    }
    let stream = request.send().await?;
    // Writing to stdout or to a pipe may block, and a signal ends it only if it is not caught.
    let stop = file.filter(|file| !output::is_special(file)).map(|_| stop_signal()).transpose()?;
    let mut output = Output::create(file)?;
    let mut received = Received::new(format);
    let result = tokio::select! {
        result = request.receive(stream, &mut output, &mut received, &mut progress) => result,
        Some(signal) = OptionFuture::from(stop) => Err(signal.into()),
    };
    progress.finish();
    result.with_context(|| format!("stopped after {received}"))?;
    output.finish()?;
    match file {
        Some(_) => {
            let seconds = started.elapsed().as_secs_f64();
            results::print(settings.output, &received.to_json(seconds), || Ok(received.summary(seconds)))
        }
        None => Ok(()),
    }
}

fn choose_format(format: Option<Format>, file: Option<&Path>) -> anyhow::Result<Format> {
    match (format, file) {
        (Some(format), _) => Ok(format),
        (None, None) => Ok(Format::Csv),
        (None, Some(file)) => Format::from_extension(file).ok_or_else(|| {
            let file = file.display();
            UsageError(format!("the extension of {file} is not a known format; give --format")).into()
        }),
    }
}

/// The request for an export.
struct ExportRequest {
    client: Client,
    scope: Scope,
    period: Period,
    format: Format,
}

impl ExportRequest {
    async fn send(&self) -> Result<ExportStream, ClientError> {
        self.client.export(&self.scope, &self.period, self.format.name()).await
    }

    /// Writes the export. An interrupted export starts again from its beginning, because the stored readings
    /// may have changed. A second interruption at the same byte has a permanent cause, such as
    /// a corrupt segment.
    async fn receive(
        &self,
        mut stream: ExportStream,
        output: &mut Output,
        received: &mut Received,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let mut backoff = Backoff::new(self.client.retry_policy());
        let mut interrupted_at = Vec::new();
        loop {
            let Err(error) = write(stream, output, received, progress).await? else { return Ok(()) };
            let position = received.bytes();
            if interrupted_at.iter().max().is_some_and(|furthest| *furthest < position) {
                backoff.reset();
            }
            let is_new = !interrupted_at.contains(&position);
            interrupted_at.push(position);
            if !(is_new && output.can_restart() && backoff.wait(&error).await) {
                return Err(error.into());
            }
            stream = self.send().await?;
            output.restart()?;
            *received = Received::new(self.format);
            progress.restart();
        }
    }
}

/// Writes a stream to its end. The inner error is an interruption of the stream.
async fn write(
    mut stream: ExportStream,
    output: &mut Output,
    received: &mut Received,
    progress: &Progress,
) -> anyhow::Result<Result<(), ClientError>> {
    loop {
        let bytes = match stream.next().await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        if output.write(&bytes)?.is_break() {
            return Ok(Ok(()));
        }
        received.add(&bytes);
        progress.set_position(received.amount());
        progress.set_amount(received.amount());
    }
}
