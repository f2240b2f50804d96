//! The column that names devices. A few texts occur many times, so each text is parsed once.

use std::collections::HashMap;

use arrow_array::ArrayRef;
use device_stats_domain::DeviceId;

use super::ValueFault;
use crate::arrow::TextColumn;
use crate::batch::device_id_bytes;
use crate::json::Json;
use crate::values;

/// A column of device ids.
pub(super) struct DeviceColumn<'a> {
    texts: TextColumn<'a>,
    /// Text and device of the last row.
    last: Option<(&'a str, DeviceId)>,
    /// Devices of all earlier rows, by their text.
    known: HashMap<&'a str, DeviceId>,
    /// Devices of earlier rows by the position of their text in the dictionary; empty if the dictionary is
    /// larger than the column.
    by_position: Vec<Option<DeviceId>>,
}

impl<'a> DeviceColumn<'a> {
    /// Wraps a column; `None` if it does not hold text.
    pub(super) fn new(column: &'a ArrayRef) -> Option<Self> {
        let texts = TextColumn::new(column)?;
        let by_position = match &texts {
            TextColumn::Dictionary { values, .. } if values.len() <= column.len() => vec![None; values.len()],
            _ => Vec::new(),
        };
        Some(Self { texts, last: None, known: HashMap::new(), by_position })
    }

    /// Memory of the texts of all devices read so far, in bytes.
    pub(super) fn text_bytes(&self) -> usize {
        self.known.values().map(device_id_bytes).sum()
    }

    /// Returns the device of a row.
    pub(super) fn read(&mut self, row: usize) -> Result<DeviceId, ValueFault> {
        let position = self.texts.position(row);
        if let Some(Some(device)) = position.and_then(|position| self.by_position.get(position)) {
            return Ok(device.clone());
        }
        let text = self.texts.read(row).ok_or_else(|| Box::new((values::not_a_text(), Json::Null)))?;
        if let Some((_, device)) = self.last.as_ref().filter(|(last, _)| *last == text) {
            return Ok(device.clone());
        }
        let device = if let Some(device) = self.known.get(text) {
            device.clone()
        } else {
            let device = values::device_id_text(text)
                .map_err(|problem| Box::new((problem, Json::String(text.to_owned()))))?;
            self.known.insert(text, device.clone());
            device
        };
        self.last = Some((text, device.clone()));
        if let Some(known) = position.and_then(|position| self.by_position.get_mut(position)) {
            *known = Some(device.clone());
        }
        Ok(device)
    }
}
