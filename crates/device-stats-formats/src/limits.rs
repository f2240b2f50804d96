//! Limits of the formats: batches, JSON, faults, Parquet.

/// Maximum size of a batch, in bytes, after decompression.
pub const BATCH_BYTES_MAX: usize = 10 * 1024 * 1024;
/// Maximum number of readings of a batch, faulty ones included. A reading may take only a few bytes of a
/// body.
pub const BATCH_READINGS_MAX: usize = 1024 * 1024;
/// Maximum number of columns of a batch. Every column that a reading does not have is a fault.
pub const COLUMNS_MAX: usize = 1_000;
/// Maximum size of the header of a CSV batch, in bytes.
pub const CSV_HEADER_BYTES_MAX: usize = 64 * 1024;
/// Maximum number of tags of a point in line protocol, and of its fields.
pub const POINT_KEYS_MAX: usize = 1_000;
/// Maximum nesting depth of arrays and objects in a JSON body.
pub const JSON_DEPTH_MAX: usize = 64;
/// Maximum number of values in one JSON value: an element of a batch array, a line of NDJSON, or another
/// body.
pub const JSON_VALUES_MAX: usize = 64 * 1024;
/// Maximum number of faults in one response. The search for faults ends at this number.
pub const FAULTS_MAX: usize = 100;
/// Maximum size of a faulty value that a response repeats, in bytes.
pub const ECHO_BYTES_MAX: usize = 8 * 1024;
/// Number of readings of a Parquet row group. A row group is held in memory until it is full.
pub const EXPORT_ROW_GROUP_READINGS: usize = 262_144;
