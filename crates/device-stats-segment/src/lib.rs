//! Sealed readings of one device as immutable bytes, and exact statistics of many such segments. The crate
//! takes bytes and returns statistics. It has no stores, threads or clocks. The README describes the format
//! byte by byte.
//!
//! ```
//! use std::sync::Arc;
//!
//! use device_stats_domain::{Axes, RequestedStatistics};
//! use device_stats_segment::analysis::{Group, MemoryLimits, Pages, Part, SegmentPage, analyze};
//! use device_stats_segment::{Effort, Fault, Head, Page, Row, Segment};
//!
//! /// One segment in memory. A service reads pages from a cache or a store.
//! struct Memory(Segment, Arc<Head>);
//!
//! impl Pages for Memory {
//!     type Error = Fault;
//!
//!     fn load(&self, wanted: &[SegmentPage]) -> Result<Vec<Arc<Page>>, Fault> {
//!         let read = |wanted: &SegmentPage| {
//!             let range = self.1.block_range(wanted.page)?;
//!             self.1.decode(wanted.page, &self.0.blocks[range.block as usize][range.bytes]).map(Arc::new)
//!         };
//!         wanted.iter().map(read).collect()
//!     }
//!
//!     fn fault(&self, _segment: usize, fault: Fault) -> Fault {
//!         fault
//!     }
//! }
//!
//! let values = |time_us| Axes { x: (time_us % 1000) as f64, y: 0.0, z: 0.1 };
//! let row = |time_us: i64| Row { time_us, id: 0, values: values(time_us) };
//! let segment = Segment::encode(&(0..10_000).map(row).collect::<Vec<_>>(), Effort::Fast)?;
//! let head = Arc::new(Head::open(&segment.head)?);
//! let parts = [Part::new(0, Arc::clone(&head))];
//! let hot = Axes { x: vec![1e9], y: vec![0.0], z: vec![0.1] }; // a reading that is not sealed yet
//!
//! let group = Group { parts: &parts, hot: &hot };
//! let (wanted, limits) = (RequestedStatistics::default(), MemoryLimits::ONE_OF_FOUR);
//! let analysis = analyze(&[group], &wanted, limits, &Memory(segment, head))?;
//! let x = analysis.x.all.unwrap().summary;
//! assert_eq!((x.count, x.median, x.max), (10_001, Some(500.0), 1e9));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod analysis;
mod derived;
mod format;

pub use derived::{DeriveError, MAGNITUDE, hot_magnitudes};
pub use format::codec::Effort;
pub use format::encode_error::EncodeError;
pub use format::fault::{Fault, Section};
pub use format::head::page_directory::BlockRange;
pub use format::head::{Head, Totals};
pub use format::merge::MergeError;
pub use format::page::{Column, DictionaryPage, Page, PageId};
pub use format::page_layout::{READINGS_MAX, ROW_PAGE};
pub use format::row::Row;
pub use format::segment::Segment;

/// Tests the example in the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
