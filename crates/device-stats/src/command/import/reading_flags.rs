//! Flags that state how files are read.

use device_stats_domain::{DeviceId, RepeatedClock, TimeUnit, Zone};
use device_stats_formats::file::{
    ColumnChoice, ColumnMap, CommentMark, DecimalMark, Delimiter, FileFormat, FileOptions, TextEncoding,
    TimeFormat, TimeOptions,
};

use crate::command::usage::UsageError;

/// The flags.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct ReadingFlags {
    /// Read a value from a column with another name: timestamp=Time, 'x=AccX [g]', timestamp=Date+Time
    #[arg(long, value_name = "NAME=COLUMN")]
    map: Vec<ColumnChoice>,
    /// Set the device of all rows, for files without a column for it
    #[arg(long, value_name = "DEVICE", value_parser = parse_device)]
    device: Option<DeviceId>,
    /// Ignore other columns
    #[arg(long)]
    ignore_unknown: bool,
    /// Set the format, for example csv.gz [default: the end of the name of each file]
    #[arg(long, value_name = "FORMAT")]
    format: Option<FileFormat>,
    /// Set the delimiter of CSV: one character, or tab [default: recognized in the header]
    #[arg(long, value_name = "CHARACTER")]
    delimiter: Option<Delimiter>,
    /// Ignore the lines of CSV that begin with this character, for example '#'
    #[arg(long, value_name = "CHARACTER")]
    comment: Option<CommentMark>,
    /// Set the decimal mark of numbers in texts: . or ,
    #[arg(long, value_name = "MARK", default_value = ".")]
    decimal: DecimalMark,
    /// Set the encoding of text files [default: utf-8, or the one of the byte order mark]
    #[arg(long, value_name = "NAME")]
    encoding: Option<TextEncoding>,
    /// Set the unit of numeric times [default: inferred, for 1990 to 2100 only]
    #[arg(long, value_name = "UNIT", value_parser = parse_unit)]
    precision: Option<TimeUnit>,
    /// Set the form of times: '%d.%m.%Y %H:%M:%S%.f', or excel for day numbers [default: RFC 3339]
    #[arg(long, value_name = "PATTERN")]
    time_format: Option<TimeFormat>,
    /// Read times without an offset as clock times in this IANA zone [default: UTC]
    #[arg(long, visible_alias = "timezone", value_name = "ZONE", value_parser = parse_zone)]
    time_zone: Option<Zone>,
    /// Choose the moment of clock times that occur twice because clocks are set back
    #[arg(long, value_name = "CHOICE", default_value = "refuse")]
    repeated_times: RepeatedTimes,
}

/// The moment of a clock time that occurs twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum RepeatedTimes {
    // These comments are no documentation, because clap would show the long form of the help for it.
    // Treats such times as faulty.
    Refuse,
    // The first moment.
    Earlier,
    // The second moment.
    Later,
}

impl ReadingFlags {
    /// Returns the stated format.
    pub(super) fn format(&self) -> Option<FileFormat> {
        self.format
    }

    /// Returns the options of the reader.
    ///
    /// # Errors
    /// If flags contradict each other.
    pub(super) fn file_options(&self) -> Result<FileOptions, UsageError> {
        let columns = ColumnMap::new(self.map.clone())
            .map_err(|target| UsageError(format!("--map names two columns for {}", target.name())))?;
        if self.device.is_some() && columns.column(device_stats_formats::file::Target::DeviceId).is_some() {
            return Err(UsageError("give --device or --map device_id=COLUMN, not both".to_owned()));
        }
        let repeated = match self.repeated_times {
            RepeatedTimes::Refuse => RepeatedClock::Refuse,
            RepeatedTimes::Earlier => RepeatedClock::Earlier,
            RepeatedTimes::Later => RepeatedClock::Later,
        };
        Ok(FileOptions {
            columns,
            delimiter: self.delimiter,
            comment: self.comment,
            decimal_mark: self.decimal,
            times: TimeOptions {
                unit: self.precision,
                format: self.time_format.clone(),
                zone: self.time_zone.clone(),
                repeated,
            },
            encoding: self.encoding,
            device: self.device.clone(),
            ignores_unknown: self.ignore_unknown,
            ignores_times: false,
        })
    }
}

fn parse_device(text: &str) -> Result<DeviceId, String> {
    DeviceId::new(text).map_err(|error| format!("the device id {error}"))
}

fn parse_zone(text: &str) -> Result<Zone, String> {
    Zone::from_name(text).map_err(|error| error.to_string())
}

fn parse_unit(text: &str) -> Result<TimeUnit, &'static str> {
    match text {
        "s" => Ok(TimeUnit::Seconds),
        "ms" => Ok(TimeUnit::Milliseconds),
        "us" => Ok(TimeUnit::Microseconds),
        "ns" => Ok(TimeUnit::Nanoseconds),
        _ => Err("the unit is s, ms, us or ns"),
    }
}
