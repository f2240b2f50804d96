//! The three axes of a reading, and a value for each of them.

use std::fmt;

/// One axis of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Axis {
    /// The first axis.
    X,
    /// The second axis.
    Y,
    /// The third axis.
    Z,
}

impl Axis {
    /// All axes, in order.
    pub const ALL: [Self; 3] = [Self::X, Self::Y, Self::Z];
}

impl fmt::Display for Axis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X => "x",
            Self::Y => "y",
            Self::Z => "z",
        })
    }
}

/// One `T` for each axis: the numbers of a reading, the columns of a device, the summaries of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Axes<T> {
    /// What belongs to the first axis.
    pub x: T,
    /// What belongs to the second axis.
    pub y: T,
    /// What belongs to the third axis.
    pub z: T,
}

impl<T> Axes<T> {
    /// Makes another value from each axis.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Axes<U> {
        Axes { x: f(self.x), y: f(self.y), z: f(self.z) }
    }

    /// What belongs to one axis.
    pub fn get(&self, axis: Axis) -> &T {
        match axis {
            Axis::X => &self.x,
            Axis::Y => &self.y,
            Axis::Z => &self.z,
        }
    }

    /// The same values, borrowed.
    pub fn as_ref(&self) -> Axes<&T> {
        Axes { x: &self.x, y: &self.y, z: &self.z }
    }

    /// The same values, borrowed to be changed.
    pub fn as_mut(&mut self) -> Axes<&mut T> {
        Axes { x: &mut self.x, y: &mut self.y, z: &mut self.z }
    }

    /// Pairs each axis with that of `other`.
    pub fn zip<U>(self, other: Axes<U>) -> Axes<(T, U)> {
        Axes { x: (self.x, other.x), y: (self.y, other.y), z: (self.z, other.z) }
    }
}

impl<T> Axes<Option<T>> {
    /// All three, or nothing where one is missing.
    pub fn all(self) -> Option<Axes<T>> {
        Some(Axes { x: self.x?, y: self.y?, z: self.z? })
    }
}
