//! `device-stats export`: all readings of a device or a user from a server to a file.

mod output;
mod progress;

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, bail};
use clap::ValueEnum;

use super::readings_flags;
use super::retry_flags::Retrying;
use device_stats_client::{Arriving, Client, ClientError, Subject, Waits, Window};
use output::Target;
use progress::{Progress, Unit};

/// What to export.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Device whose readings are exported
    #[arg(long, value_name = "ID", required_unless_present = "user", conflicts_with = "user")]
    device: Option<String>,
    /// User whose devices are exported: an id, or a name
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// First time of the window, such as 2026-11-23T10:00:00Z [default: open]
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Last time of the window [default: open]
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// How readings are written [default: what the name of the file ends with; csv where it is -]
    #[arg(long)]
    format: Option<Format>,
    /// File that is written, once all has arrived, in the place of what is there; - for stdout
    #[arg(long, value_name = "FILE", default_value = STDOUT)]
    output: PathBuf,
    #[command(flatten)]
    retrying: Retrying,
}

/// The file that is none.
const STDOUT: &str = "-";

/// How readings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table with a header
    Csv,
    /// A JSON object on each line
    Ndjson,
    /// An Arrow IPC stream
    Arrow,
    /// A Parquet file
    Parquet,
}

impl Format {
    /// As a request names it.
    fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Ndjson => "ndjson",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
        }
    }

    /// What the end of a file's name says.
    fn of(file: &Path) -> Option<Self> {
        let extension = file.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "arrows" => Some(Self::Arrow),
            "parquet" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// What can be counted while it arrives.
    fn unit(self) -> Unit {
        match self {
            Self::Csv => Unit::Readings { header_lines: 1 },
            Self::Ndjson => Unit::Readings { header_lines: 0 },
            Self::Arrow | Self::Parquet => Unit::Bytes,
        }
    }
}

/// Writes the readings, and prints how much that was.
///
/// # Errors
/// Where there is nobody of that name, no server, the file cannot be written, or what arrives has no end; then no file is
/// left behind, and one that was there stays.
pub(super) async fn export(arguments: &Arguments, url: &str) -> anyhow::Result<()> {
    let started = Instant::now();
    let output = Some(arguments.output.as_path()).filter(|output| *output != Path::new(STDOUT));
    let format = match (arguments.format, output) {
        (Some(format), _) => format,
        (None, None) => Format::Csv,
        (None, Some(file)) => match Format::of(file) {
            Some(format) => format,
            None => bail!("the name of {} does not say which format; give --format", file.display()),
        },
    };
    let client = Client::for_exports(url, arguments.retrying.patience())?;
    let subject = readings_flags::find(&client, arguments.device.as_ref(), arguments.user.as_ref()).await?;
    let window = Window { start_time: arguments.from.clone(), end_time: arguments.until.clone() };
    let asked = Asked { client, subject, window, format };
    let mut progress = Progress::new(output.is_some(), format.unit());
    if progress.can_show_end()
        && let Ok(count) = asked.client.count(&asked.subject, &asked.window).await
    {
        progress.expect(count);
    }
    let arriving = asked.again().await?;
    let mut target = Target::create(output)?;
    let received = asked.receive(arriving, &mut target, &mut progress).await;
    progress.finish();
    received.with_context(|| format!("stopped after {}", progress.count()))?;
    target.finish()?;
    match output {
        Some(_) => super::print(&progress.summary(started.elapsed().as_secs_f64())),
        None => Ok(()),
    }
}

/// What is asked of the server.
struct Asked {
    client: Client,
    subject: Subject,
    window: Window,
    format: Format,
}

impl Asked {
    async fn again(&self) -> Result<Arriving, ClientError> {
        self.client.export(&self.subject, &self.window, self.format.name()).await
    }

    /// Writes what arrives. Where it breaks off, everything is asked for anew and written anew, since the server may go on
    /// with other readings than those it began with; but not where it breaks off twice at one place, which is no outage.
    async fn receive(
        &self,
        mut arriving: Arriving,
        target: &mut Target,
        progress: &mut Progress,
    ) -> anyhow::Result<()> {
        let mut waits = Waits::new(self.client.patience());
        let mut broken_at = Vec::new();
        loop {
            let error = match write(arriving, target, progress).await? {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            let place = progress.bytes();
            if broken_at.iter().max().is_some_and(|furthest| *furthest < place) {
                waits.forget();
            }
            let is_new = !broken_at.contains(&place);
            broken_at.push(place);
            if !(is_new && target.can_begin_anew() && waits.wait(&error).await) {
                return Err(error.into());
            }
            arriving = self.again().await?;
            target.begin_anew()?;
            progress.begin_anew();
        }
    }
}

/// Writes what arrives, to its end or to where it breaks off.
async fn write(
    mut arriving: Arriving,
    target: &mut Target,
    progress: &mut Progress,
) -> anyhow::Result<Result<(), ClientError>> {
    loop {
        match arriving.next().await {
            Ok(Some(bytes)) => {
                if target.write(&bytes)?.is_break() {
                    return Ok(Ok(()));
                }
                progress.advance(&bytes);
            }
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        }
    }
}
