//! Reads a row in its most common form, without building a JSON tree. In this form, numbers are JSON numbers,
//! the time is valid, and no member is repeated or unknown. The general reader reads all other rows, and
//! notes their faults.

use device_stats_domain::{Axes, DeviceId, Finite, Timestamp};
use jiter::{Jiter, Peek};

use crate::reading_times::ReadingTimes;
use crate::values;

/// The members of a plain object.
#[derive(Debug, Default)]
pub struct PlainObject {
    pub(super) device_id: Option<DeviceId>,
    pub(super) values: Axes<Option<Finite>>,
    pub(super) time: Option<Timestamp>,
}

#[derive(Clone, Copy)]
enum Member {
    DeviceId,
    X,
    Y,
    Z,
    Time,
}

impl Member {
    fn from_name(name: &str) -> Option<Self> {
        match name {
            "device_id" => Some(Self::DeviceId),
            "x" => Some(Self::X),
            "y" => Some(Self::Y),
            "z" => Some(Self::Z),
            "timestamp" => Some(Self::Time),
            _ => None,
        }
    }
}

/// Reads one JSON object that fills the line; `None` if it is not plain or not valid.
pub(crate) fn read(line: &str, times: &mut ReadingTimes) -> Option<PlainObject> {
    let mut own_times = *times;
    let (plain, rest) = read_first(line, &mut own_times)?;
    if !rest.trim_start_matches([' ', '\t', '\r', '\n']).is_empty() {
        return None;
    }
    *times = own_times;
    Some(plain)
}

/// Reads one JSON object at the beginning of a text. Returns it with the text after it; `None` if it is not
/// plain or not valid, or if its end is not in the text.
pub(super) fn read_first<'t>(text: &'t str, times: &mut ReadingTimes) -> Option<(PlainObject, &'t str)> {
    // The general reader may ignore the time of an object that is not plain.
    let mut own_times = *times;
    let mut reader = Jiter::new(text.as_bytes());
    let mut plain = PlainObject::default();
    let mut next = reader.next_object().ok()?.map(Member::from_name);
    while let Some(member) = next {
        match member? {
            Member::DeviceId => set(&mut plain.device_id, DeviceId::new(reader.next_str().ok()?).ok()?)?,
            Member::X => set(&mut plain.values.x, number(&mut reader)?)?,
            Member::Y => set(&mut plain.values.y, number(&mut reader)?)?,
            Member::Z => set(&mut plain.values.z, number(&mut reader)?)?,
            Member::Time => set(&mut plain.time, time(&mut reader, &mut own_times)?)?,
        }
        next = reader.next_key().ok()?.map(Member::from_name);
    }
    let rest = text.get(reader.current_index()..)?;
    *times = own_times;
    Some((plain, rest))
}

/// Sets a member; `None` if it is repeated.
fn set<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

/// Returns the text of a number. It is parsed like the text of any other number, correctly rounded.
fn number_text<'a>(reader: &'a mut Jiter<'_>) -> Option<&'a str> {
    std::str::from_utf8(reader.next_number_bytes().ok()?).ok()
}

fn number(reader: &mut Jiter<'_>) -> Option<Finite> {
    values::finite_text(number_text(reader)?).ok()
}

fn time(reader: &mut Jiter<'_>, times: &mut ReadingTimes) -> Option<Timestamp> {
    match reader.peek().ok()? {
        Peek::String => times.read_text(reader.known_str().ok()?).ok(),
        _ => times.read_number(number_text(reader)?).ok(),
    }
}
