//! Synthetic values of a 16-bit sensor.

/// Returns the values x, y and z of a reading.
pub(super) fn sensor_values(seed: u32) -> [f64; 3] {
    [7_919, 104_729, 1_299_709].map(|factor| f64::from(seed.wrapping_mul(factor) % 65_536) / 2_048.0 - 16.0)
}
