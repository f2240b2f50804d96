//! `device-stats import`: reads files, checks their rows, registers missing devices, and sends the readings
//! in batches.

mod batch;
mod faults;
mod guessed_command;
mod missing_times;
mod preview;
mod reading_flags;
mod registration;
mod rejects;
mod row_selection;
mod sender;
mod sources;
mod summary;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Instant;

use clap::builder::ArgPredicate;
use device_stats_client::Client;
use device_stats_formats::file::{FileBatch, FileOptions};
use futures_util::future::OptionFuture;

use super::number_flags::whole;
use super::progress::{Progress, Unit};
use super::retry_flags::RetryFlags;
use super::stop_signal::{StopSignal, stop_signal};
use crate::limits::{IMPORT_REQUESTS, IMPORT_REQUESTS_MAX};
use crate::settings::Settings;
use batch::Batch;
use faults::report_faults;
use missing_times::{MissingTimes, MissingTimesPolicy};
use preview::Preview;
use reading_flags::ReadingFlags;
use registration::Owner;
use rejects::Rejects;
use row_selection::{RowSelection, row_number};
use sender::Sender;
use sources::Source;
use summary::Summary;

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Read these files, and all files in these folders: .csv, .tsv, .ndjson, .jsonl, .json, .arrows, .arrow
    /// or .feather, each also with .gz or .zst, or .parquet; - reads standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    reading: ReadingFlags,
    /// Skip this number of rows, to continue a stopped import
    #[arg(long, value_name = "ROWS", default_value_t = 0, value_parser = whole::<u64>("rows", 0..=u64::MAX))]
    skip: u64,
    /// Skip these rows, by the numbers in the errors of an import: 17,23
    #[arg(long, value_name = "ROW,...", value_delimiter = ',', value_parser = row_number)]
    skip_rows: Vec<u64>,
    /// Stop at a faulty row, or store the other rows
    #[arg(
        long,
        value_name = "CHOICE",
        default_value = "refuse",
        default_value_if("rejects", ArgPredicate::IsPresent, "skip")
    )]
    on_fault: OnFault,
    /// Write rejected rows and their faults to this CSV file; implies --on-fault skip
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
    /// Refuse rows without a time if other rows have one, or store them with the current time
    #[arg(long, value_name = "CHOICE", default_value = "refuse")]
    missing_times: MissingTimesPolicy,
    /// Show the readings that would be stored, without a server
    #[arg(long)]
    dry_run: bool,
    /// Send up to this number of requests at once
    #[arg(long, value_name = "REQUESTS", default_value_t = IMPORT_REQUESTS,
          value_parser = whole::<u16>("requests", 1..=u64::from(IMPORT_REQUESTS_MAX)))]
    parallel: u16,
    #[command(flatten)]
    retry: RetryFlags,
    /// Register missing devices for this user [default: without a user]
    #[arg(long, value_name = "NAME_OR_ID")]
    user: Option<String>,
    /// Register --user with this email address if it is missing
    #[arg(long, value_name = "ADDRESS", requires = "user")]
    email: Option<String>,
}

/// Treatment of faulty rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum OnFault {
    // These comments are no documentation, because clap would show the long form of the help for it.
    // Stops with an error.
    Refuse,
    // Stores the other rows.
    Skip,
}

/// Reads files, sends their readings, and prints a summary.
///
/// # Errors
/// [`faults::FaultsFound`] for faulty rows; a
/// [`FileError`](device_stats_formats::file::FileError) for a file that cannot be read; a
/// [`ClientError`](device_stats_client::ClientError) in the chain of causes for the server. Earlier batches
/// stay stored.
pub(super) async fn import(arguments: &Arguments, settings: &Settings) -> anyhow::Result<()> {
    let started = Instant::now();
    let ignores_times = arguments.missing_times == MissingTimesPolicy::Now;
    let options = FileOptions { ignores_times, ..arguments.reading.file_options()? };
    let sources = sources::find(&arguments.files, arguments.reading.format())?;
    let rejects = Rejects::new(arguments.rejects.as_deref(), &sources)?;
    let progress = Progress::new(Unit::Readings);
    progress.expect(sources.iter().map(Source::bytes).sum());
    let target = if arguments.dry_run {
        Target::Preview(Preview::default())
    } else {
        let client = Client::new(&settings.server, arguments.retry.policy())?;
        let owner = Owner { user: arguments.user.clone(), email: arguments.email.clone() };
        Target::Server(Box::new(Sender::new(
            client,
            owner,
            arguments.parallel,
            arguments.on_fault,
            arguments.skip,
        )))
    };
    let mut import = Import {
        arguments,
        options: &options,
        progress: &progress,
        selection: RowSelection::new(arguments.skip, &arguments.skip_rows),
        rejects,
        target,
        rows_before: 0,
    };
    // A dry run has nothing to finish, and a signal ends it only if it is not caught.
    let stop = if arguments.dry_run { None } else { Some(stop_signal()?) };
    let result = tokio::select! {
        result = import.run(&sources) => result,
        Some(signal) = OptionFuture::from(stop) => Err(signal.into()),
    };
    progress.finish();
    let result = import.finish(result).await;
    import.rejects.finish()?;
    let summary = result.map_err(|error| guessed_command::explain(error, &arguments.files))?;
    summary.print(settings.output, started.elapsed())?;
    summary.check_rejected(arguments.rejects.as_deref())
}

/// Destination of the readings.
enum Target {
    Server(Box<Sender>),
    Preview(Preview),
}

/// An import in progress.
struct Import<'a> {
    arguments: &'a Arguments,
    options: &'a FileOptions,
    progress: &'a Progress,
    selection: RowSelection,
    rejects: Rejects,
    target: Target,
    /// Number of rows in the files before the current one.
    rows_before: u64,
}

impl Import<'_> {
    /// Reads all files and sends their rows.
    async fn run(&mut self, sources: &[Source]) -> anyhow::Result<()> {
        // All headers are checked before any reading is stored.
        for source in sources.iter().skip(1) {
            source.open(self.options)?;
        }
        for source in sources {
            let rows = self.read(source).await?;
            self.rows_before += rows;
        }
        Ok(())
    }

    /// Reads a file and sends its rows; returns their number.
    async fn read(&mut self, source: &Source) -> anyhow::Result<u64> {
        let mut reader = source.open_tracked(self.options, self.progress)?;
        for note in reader.notes() {
            faults::print_note(source.path(), note)?;
        }
        let mut missing_times = MissingTimes::new(self.arguments.missing_times, &reader);
        // For a file that is not read in order, the bar advances by the rows that have been read.
        let (mut rows, mut shown_bytes) = (0, 0);
        while let Some(mut batch) = reader.next_batch()? {
            let count = batch.len() as u64;
            missing_times.check(&mut batch, source, self.options, reader.numbering())?;
            self.selection.apply(&mut batch, self.rows_before);
            let begin = self.rows_before + rows;
            let FileBatch { rows: readings, rejected } = batch;
            let file = source.path_shared();
            let batch = Batch {
                file,
                numbering: reader.numbering(),
                decimal_mark: self.options.decimal_mark,
                rows_before: self.rows_before,
                rows: readings,
                rejected,
                begin: self.selection.first(begin),
                end: begin + count,
            };
            self.receive(batch).await?;
            // A signal is noticed also if no request was sent.
            tokio::task::yield_now().await;
            rows += count;
            self.progress.set_amount(self.readings());
            if let Some(all) = reader.row_count() {
                let bytes = source.bytes_of_rows(rows, all);
                self.progress.advance(bytes - shown_bytes);
                shown_bytes = bytes;
            }
        }
        if rows == 0 {
            faults::print_note(source.path(), "the file has no rows")?;
        }
        if !source.moves_bar() {
            self.progress.advance(source.bytes() - shown_bytes);
        }
        Ok(rows)
    }

    async fn receive(&mut self, mut batch: Batch) -> anyhow::Result<()> {
        if !batch.rejected.is_empty() {
            if self.arguments.on_fault == OnFault::Refuse {
                return Err(report_faults(&batch)?.into());
            }
            self.rejects.write(&batch.file, &batch.rejected)?;
            batch.rejected.clear();
        }
        match &mut self.target {
            Target::Preview(preview) => preview.add(&batch),
            Target::Server(sender) => {
                sender.send(batch).await?;
                for (file, rows) in sender.take_rejected() {
                    self.rejects.write(&file, &rows)?;
                }
            }
        }
        Ok(())
    }

    /// Returns the number of readings that have been stored or shown.
    fn readings(&self) -> u64 {
        match &self.target {
            Target::Server(sender) => sender.stored().readings(),
            Target::Preview(preview) => preview.readings(),
        }
    }

    /// Waits for the responses to all requests. Returns the summary, or the first error with a description of
    /// how to continue.
    async fn finish(&mut self, result: anyhow::Result<()>) -> anyhow::Result<Summary> {
        let Target::Server(sender) = &mut self.target else {
            result?;
            let Target::Preview(preview) = &mut self.target else {
                unreachable!("the target does not change")
            };
            return Ok(Summary::DryRun { preview: std::mem::take(preview), rejected: self.rejects.count() });
        };
        let signal = result.as_ref().err().and_then(|error| error.downcast_ref::<StopSignal>().copied());
        let (result, sent) = match signal {
            Some(signal) => (Err(sender.stop(signal).await), Ok(())),
            None => (result, sender.finish().await),
        };
        for (file, rows) in sender.take_rejected() {
            self.rejects.write(&file, &rows)?;
        }
        if let Err(error) = result.and(sent) {
            return Err(sender.explain(error));
        }
        Ok(Summary::Stored {
            stored: sender.stored(),
            devices: sender.device_count(),
            registered: sender.registered_count(),
            rejected: self.rejects.count(),
        })
    }
}
