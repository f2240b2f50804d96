//! Readings in InfluxDB's line protocol, `sensors,device=pump-7 x=1.5,y=-0.25,z=9.81 1795428000000000000`:
//! the tag `device` names the device, and the fields `x`, `y` and `z` are its numbers. The measurement and
//! all other tags and fields are ignored.
//!
//! The grammar is that of the
//! [reference](https://docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol/) of InfluxDB.

mod line_splitter;
mod point_reader;
mod scanner;
#[cfg(test)]
mod scanner_tests;
#[cfg(test)]
mod split_body_tests;

pub use point_reader::PointReader;
