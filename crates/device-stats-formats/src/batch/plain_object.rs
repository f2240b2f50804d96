//! A row as most clients write it, read without building a tree of it: numbers are numbers, a time is good, each member is
//! there once, and there is no other. What is unusual in any way is left to the general reader, which also tells faults.

use device_stats_domain::{Axes, DeviceId, Finite, Timestamp};
use jiter::{Jiter, Peek};

use crate::values;

/// The members of such a row, as far as they are there.
#[derive(Debug, Default)]
pub struct Plain {
    pub device_id: Option<DeviceId>,
    pub values: Axes<Option<Finite>>,
    pub time: Option<Timestamp>,
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
    fn named(name: &str) -> Option<Self> {
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

/// Reads one JSON object that fills the line; `None` where it is unusual or at fault.
pub fn read(line: &str) -> Option<Plain> {
    let mut reader = Jiter::new(line.as_bytes());
    let mut plain = Plain::default();
    let mut next = reader.next_object().ok()?.map(Member::named);
    while let Some(member) = next {
        match member? {
            Member::DeviceId => set(&mut plain.device_id, DeviceId::new(reader.next_str().ok()?).ok()?)?,
            Member::X => set(&mut plain.values.x, number(&mut reader)?)?,
            Member::Y => set(&mut plain.values.y, number(&mut reader)?)?,
            Member::Z => set(&mut plain.values.z, number(&mut reader)?)?,
            Member::Time => set(&mut plain.time, time(&mut reader)?)?,
        }
        next = reader.next_key().ok()?.map(Member::named);
    }
    reader.finish().ok()?;
    Some(plain)
}

/// Sets a member that has not been there before.
fn set<T>(member: &mut Option<T>, value: T) -> Option<()> {
    member.replace(value).is_none().then_some(())
}

/// The text of a number; it is read as any other text of a number is, which is correctly rounded.
fn digits<'a>(reader: &'a mut Jiter<'_>) -> Option<&'a str> {
    std::str::from_utf8(reader.next_number_bytes().ok()?).ok()
}

fn number(reader: &mut Jiter<'_>) -> Option<Finite> {
    values::finite_text(digits(reader)?).ok()
}

fn time(reader: &mut Jiter<'_>) -> Option<Timestamp> {
    match reader.peek().ok()? {
        Peek::String => values::timestamp_text(reader.known_str().ok()?).ok(),
        _ => values::timestamp_number(digits(reader)?).ok(),
    }
}
