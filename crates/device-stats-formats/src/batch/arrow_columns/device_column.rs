//! The column that names devices. Few texts are many times there, and each is looked at once.

use std::collections::HashMap;

use arrow_array::ArrayRef;
use device_stats_domain::DeviceId;

use super::{Wrong, wrong};
use crate::arrow::Texts;
use crate::json::Json;
use crate::values;

/// The column.
pub struct Devices<'a> {
    texts: Texts<'a>,
    /// The device of the row before, by its text.
    last: Option<(&'a str, DeviceId)>,
    /// Those of all rows before.
    known: HashMap<&'a str, DeviceId>,
    /// The same by the position of a text, where texts are listed and are not more than rows.
    listed: Vec<Option<DeviceId>>,
}

impl<'a> Devices<'a> {
    /// `None` where it holds no texts.
    pub fn of(column: &'a ArrayRef) -> Option<Self> {
        let texts = Texts::of(column)?;
        let listed = match &texts {
            Texts::Dictionary { values, .. } if values.len() <= column.len() => vec![None; values.len()],
            _ => Vec::new(),
        };
        Some(Self { texts, last: None, known: HashMap::new(), listed })
    }

    /// One of them.
    pub fn read(&mut self, row: usize) -> Result<DeviceId, Wrong> {
        let position = self.texts.position(row);
        if let Some(Some(device)) = position.and_then(|position| self.listed.get(position)) {
            return Ok(device.clone());
        }
        let text = self.texts.read(row).ok_or_else(|| wrong(values::no_text(), Json::Null))?;
        if let Some((_, device)) = self.last.as_ref().filter(|(last, _)| *last == text) {
            return Ok(device.clone());
        }
        let device = if let Some(device) = self.known.get(text) {
            device.clone()
        } else {
            let read = values::device_id_text(text);
            let device = read.map_err(|problem| wrong(problem, Json::String(text.to_owned())))?;
            self.known.insert(text, device.clone());
            device
        };
        self.last = Some((text, device.clone()));
        if let Some(listed) = position.and_then(|position| self.listed.get_mut(position)) {
            *listed = Some(device.clone());
        }
        Ok(device)
    }
}
