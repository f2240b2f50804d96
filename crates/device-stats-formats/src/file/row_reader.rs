//! Reads the values of a row with the rules of the server, and combines them.

use std::collections::HashMap;

use device_stats_domain::{Axes, DeviceId, Finite, Measurement, Timestamp};

use super::column_map::Target;
use super::file_batch::{FileBatch, FileRow, RejectedRow, RowFault, RowPosition};
use super::file_options::{DecimalMark, FileOptions};
use super::file_times::FileTimes;
use crate::faults::Problem;
use crate::values;

/// Maximum number of device ids in the cache.
const KNOWN_DEVICES_MAX: usize = 100_000;

/// Reads the values of the rows of one file.
pub(super) struct RowReader {
    pub(super) times: FileTimes,
    pub(super) decimal_mark: DecimalMark,
    /// The device of all rows, if the file has no column for it.
    device: Option<DeviceId>,
    /// Devices of earlier rows. Their texts are shared.
    known: HashMap<String, DeviceId>,
    next_index: u64,
}

/// The values of a row, or the rules that they break.
pub(super) struct RowValues {
    pub(super) device: Result<DeviceId, Problem>,
    pub(super) time: Result<Option<Timestamp>, Problem>,
    pub(super) axes: Axes<Result<Finite, Problem>>,
}

impl RowValues {
    /// Replaces the text of a readable time by RFC 3339. So the table of rejected rows does not depend on the
    /// time zone, form and unit of the times in the file. Readable numbers get the stated decimal mark, also
    /// if the file has numbers that are no texts. So the whole table can be read with this mark.
    pub(super) fn normalize(&self, mut texts: [String; 5], mark: DecimalMark) -> [String; 5] {
        let [_, time_text, axis_texts @ ..] = &mut texts;
        if let Ok(Some(time)) = &self.time {
            *time_text = time.to_string();
        }
        let Axes { x, y, z } = &self.axes;
        for (text, number) in axis_texts.iter_mut().zip([x, y, z]) {
            if number.is_ok() && mark == DecimalMark::Comma {
                *text = text.replacen('.', ",", 1);
            }
        }
        texts
    }
}

impl RowReader {
    pub(super) fn new(options: &FileOptions) -> Self {
        Self {
            times: FileTimes::new(&options.times),
            decimal_mark: options.decimal_mark,
            device: options.device.clone(),
            known: HashMap::new(),
            next_index: 0,
        }
    }

    /// Returns the device of all rows, if the file has no column for it.
    pub(super) fn only_device(&self) -> Option<&DeviceId> {
        self.device.as_ref()
    }

    /// Returns whether values are read by the rules of a request.
    pub(super) fn is_plain(&self) -> bool {
        self.device.is_none() && self.decimal_mark == DecimalMark::Point && self.times.are_plain()
    }

    /// Reads the text of a number.
    pub(super) fn number(&self, text: &str) -> Result<Finite, Problem> {
        let text = text.trim();
        match self.decimal_mark {
            DecimalMark::Point => values::finite_text(text),
            DecimalMark::Comma if text.contains('.') => {
                let msg = "Input should be a valid number with a decimal comma, without a point";
                Err(Problem::new("float_parsing", msg))
            }
            DecimalMark::Comma => values::finite_text(&text.replacen(',', ".", 1)),
        }
    }

    /// Reads the id of a device.
    pub(super) fn device(&mut self, text: &str) -> Result<DeviceId, Problem> {
        if let Some(known) = self.known.get(text) {
            return Ok(known.clone());
        }
        let device = values::device_id_text(text)?;
        if self.known.len() >= KNOWN_DEVICES_MAX {
            self.known.clear();
        }
        self.known.insert(text.to_owned(), device.clone());
        Ok(device)
    }

    /// Adds the next row of the file to a batch. `number` is its line or row number, and `texts` returns its
    /// values as texts.
    pub(super) fn add(
        &mut self,
        number: u64,
        row: RowValues,
        texts: impl FnOnce() -> [String; 5],
        batch: &mut FileBatch,
    ) {
        let position = self.next_position(number);
        match row {
            RowValues { device: Ok(device), time: Ok(time), axes: Axes { x: Ok(x), y: Ok(y), z: Ok(z) } } => {
                let measurement = Measurement { time, values: Axes { x, y, z } };
                batch.rows.push(FileRow { position, device, measurement });
            }
            values => {
                let texts = values.normalize(texts(), self.decimal_mark);
                let RowValues { device, time, axes: Axes { x, y, z } } = values;
                let problems = [
                    (Target::DeviceId, device.err()),
                    (Target::Timestamp, time.err()),
                    (Target::X, x.err()),
                    (Target::Y, y.err()),
                    (Target::Z, z.err()),
                ];
                let faults = problems
                    .into_iter()
                    .filter_map(|(target, problem)| Some(RowFault::of(target, problem?.msg)))
                    .collect();
                batch.rejected.push(RejectedRow { position, values: texts, faults });
            }
        }
    }

    /// Adds the next row of the file as a rejected row. Either its values cannot be read, or it
    /// has other faults, too.
    pub(super) fn reject(
        &mut self,
        number: u64,
        values: [String; 5],
        faults: Vec<RowFault>,
        batch: &mut FileBatch,
    ) {
        let position = self.next_position(number);
        batch.rejected.push(RejectedRow { position, values, faults });
    }

    fn next_position(&mut self, number: u64) -> RowPosition {
        let index = self.next_index;
        self.next_index += 1;
        RowPosition { index, number }
    }
}
