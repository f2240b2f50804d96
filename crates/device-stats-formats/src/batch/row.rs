//! Rows of a batch: readings of one device, or of many devices. This file defines the parts of a row; each
//! format has a file of its own.

use device_stats_domain::{Axes, DeviceId, Measurement};

use super::csv_cells::CsvCells;
use super::plain_object::PlainObject;
use crate::column_names::ColumnNames;
use crate::csv::formula;
use crate::json::Json;
use crate::members::Members;
use crate::reading_times::ReadingTimes;
use crate::values;

/// A row of a batch: a [`Measurement`] of the device that the request names, or a [`Measurement`] with the
/// [`DeviceId`] of its device.
pub trait Row: Sized + Send {
    /// Columns of a table of such rows, which are also the members of a JSON object.
    const COLUMNS: ColumnNames;

    /// Reads a JSON object; `None` if a fault has been noted.
    fn from_members(members: &mut Members<'_>, times: &mut ReadingTimes) -> Option<Self>;

    /// Converts a plain JSON object; `None` if a member is missing or not allowed.
    fn from_plain_object(plain: PlainObject) -> Option<Self>;

    /// Reads a CSV record; `None` if a fault has been noted.
    fn from_cells(cells: &mut CsvCells<'_>, times: &mut ReadingTimes) -> Option<Self>;

    /// Memory of the texts of this row alone, in bytes.
    fn text_bytes(&self) -> usize {
        0
    }

    /// Combines the values of columns; `None` if a device id is missing or not allowed.
    fn from_parts(device: Option<DeviceId>, measurement: Measurement) -> Option<Self>;
}

impl Row for Measurement {
    const COLUMNS: ColumnNames = ColumnNames { required: &["x", "y", "z"], optional: &["timestamp"] };

    fn from_members(members: &mut Members<'_>, times: &mut ReadingTimes) -> Option<Self> {
        let x = members.required("x", values::finite);
        let y = members.required("y", values::finite);
        let z = members.required("z", values::finite);
        let time = members.optional("timestamp", |json| match json {
            Json::Null => Ok(None),
            time => times.read(time).map(Some),
        });
        Some(Self { time: time?.flatten(), values: Axes { x, y, z }.all()? })
    }

    fn from_plain_object(plain: PlainObject) -> Option<Self> {
        let PlainObject { device_id: None, values, time } = plain else { return None };
        Some(Self { time, values: values.all()? })
    }

    fn from_cells(cells: &mut CsvCells<'_>, times: &mut ReadingTimes) -> Option<Self> {
        let mut number = |name| cells.read(name, |text| values::finite_text(text.trim()));
        let axes = Axes { x: number("x"), y: number("y"), z: number("z") };
        let time = match cells.text("timestamp") {
            None | Some("") => Some(None),
            Some(_) => cells.read("timestamp", |text| times.read_text(text)).map(Some),
        };
        Some(Self { time: time?, values: axes.all()? })
    }

    fn from_parts(device: Option<DeviceId>, measurement: Measurement) -> Option<Self> {
        device.is_none().then_some(measurement)
    }
}

impl Row for (DeviceId, Measurement) {
    const COLUMNS: ColumnNames =
        ColumnNames { required: &["device_id", "x", "y", "z"], optional: &["timestamp"] };

    fn from_members(members: &mut Members<'_>, times: &mut ReadingTimes) -> Option<Self> {
        let device = members.required("device_id", values::device_id);
        let measurement = Measurement::from_members(members, times);
        Some((device?, measurement?))
    }

    fn from_plain_object(mut plain: PlainObject) -> Option<Self> {
        let device = plain.device_id.take()?;
        Some((device, Measurement::from_plain_object(plain)?))
    }

    fn from_cells(cells: &mut CsvCells<'_>, times: &mut ReadingTimes) -> Option<Self> {
        let device = cells.read("device_id", |cell| values::device_id_text(formula::unescape(cell)));
        let measurement = Measurement::from_cells(cells, times);
        Some((device?, measurement?))
    }

    fn text_bytes(&self) -> usize {
        device_id_bytes(&self.0)
    }

    fn from_parts(device: Option<DeviceId>, measurement: Measurement) -> Option<Self> {
        Some((device?, measurement))
    }
}

/// Returns the memory of a device id that no other row shares, in bytes: its text, two counts, and the
/// rounding of the allocator.
pub(crate) fn device_id_bytes(id: &DeviceId) -> usize {
    (2 * size_of::<usize>() + id.as_str().len()).next_multiple_of(16)
}
