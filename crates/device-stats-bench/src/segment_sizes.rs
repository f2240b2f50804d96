//! Measures the size of the segments of a store.

use anyhow::Context;
use device_stats_domain::{DeviceKey, ListPage};
use device_stats_segment::Head;
use device_stats_store::{Piece, PieceKey, SegmentEntry, Store, Visibility};
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::database;

/// The sizes of all segments.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Sizes {
    devices: i64,
    segments: u64,
    /// Number of sealed readings.
    readings: u64,
    /// Number of hot readings.
    hot_readings: u64,
    head_bytes: u64,
    block_bytes: u64,
}

/// Adds up the sizes of all segments in a database.
///
/// # Errors
/// If the store cannot be read, or a head is corrupt.
pub(crate) fn measure(database: &str) -> anyhow::Result<Sizes> {
    Runtime::new().context("the runtime cannot start")?.block_on(async {
        let store = database::open(database).await?;
        let mut sizes = Sizes::default();
        loop {
            let devices = store
                .list_devices(Visibility::All, ListPage { skip: sizes.devices, ..ListPage::LARGEST })
                .await?;
            if devices.is_empty() {
                break;
            }
            for device in devices {
                sizes.devices += 1;
                for entry in store.list_segments(device.key).await? {
                    add_segment(store.as_ref(), device.key, &entry, &mut sizes).await?;
                }
            }
        }
        sizes.hot_readings = store.count_hot_readings().await?;
        Ok(sizes)
    })
}

async fn add_segment(
    store: &dyn Store,
    device: DeviceKey,
    entry: &SegmentEntry,
    sizes: &mut Sizes,
) -> anyhow::Result<()> {
    let head = PieceKey { device, segment: entry.id, piece: Piece::Head };
    let head = store.read_pieces(&[head]).await?.pop().flatten().context("a segment was merged meanwhile")?;
    sizes.segments += 1;
    sizes.readings += u64::from(entry.readings);
    sizes.head_bytes += u64::try_from(head.len())?;
    sizes.block_bytes += Head::open(&head)?.block_bytes().iter().map(|bytes| u64::from(*bytes)).sum::<u64>();
    Ok(())
}
