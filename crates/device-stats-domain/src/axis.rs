//! The three axes of a reading, and a value per axis. The magnitude is a fourth axis of results.

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

/// One `T` per axis: the numbers of a reading, the columns of a segment, the summaries of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Axes<T> {
    /// The value of the first axis.
    pub x: T,
    /// The value of the second axis.
    pub y: T,
    /// The value of the third axis.
    pub z: T,
}

impl<T> Axes<T> {
    /// Applies a function to the value of each axis.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> Axes<U> {
        Axes { x: f(self.x), y: f(self.y), z: f(self.z) }
    }

    /// Returns the value of one axis.
    pub fn get(&self, axis: Axis) -> &T {
        match axis {
            Axis::X => &self.x,
            Axis::Y => &self.y,
            Axis::Z => &self.z,
        }
    }

    /// Borrows the values.
    pub fn as_ref(&self) -> Axes<&T> {
        Axes { x: &self.x, y: &self.y, z: &self.z }
    }

    /// Pairs the value of each axis with the value of the same axis in `other`.
    pub fn zip<U>(self, other: Axes<U>) -> Axes<(T, U)> {
        Axes { x: (self.x, other.x), y: (self.y, other.y), z: (self.z, other.z) }
    }
}

impl<T> Axes<Option<T>> {
    /// Returns all three values, or `None` if one is missing.
    pub fn all(self) -> Option<Axes<T>> {
        Some(Axes { x: self.x?, y: self.y?, z: self.z? })
    }
}

/// The axes of the results of a query.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestedAxes {
    /// The three axes.
    #[default]
    Measured,
    /// The three axes and the magnitude.
    WithMagnitude,
}

/// The result of a query for each axis, and for the magnitude √(x² + y² + z²) on request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AxisResults<T> {
    /// The results of the three axes.
    pub axes: Axes<T>,
    /// The result of the magnitude; `None` if it was not requested.
    pub magnitude: Option<T>,
}

impl<T> AxisResults<T> {
    /// Applies a function to each result.
    pub fn map<U>(self, mut f: impl FnMut(T) -> U) -> AxisResults<U> {
        AxisResults { axes: self.axes.map(&mut f), magnitude: self.magnitude.map(f) }
    }

    /// Borrows the results.
    pub fn as_ref(&self) -> AxisResults<&T> {
        AxisResults { axes: self.axes.as_ref(), magnitude: self.magnitude.as_ref() }
    }
}

impl<T> AxisResults<Option<T>> {
    /// Returns all results, or `None` if one is missing.
    pub fn all(self) -> Option<AxisResults<T>> {
        let magnitude = match self.magnitude {
            Some(magnitude) => Some(magnitude?),
            None => None,
        };
        Some(AxisResults { axes: self.axes.all()?, magnitude })
    }
}
