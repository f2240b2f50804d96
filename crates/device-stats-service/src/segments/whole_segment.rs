//! Segments read from the store as a whole, to be merged or verified.

use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Segment};
use device_stats_store::{Piece, PieceKey, SegmentEntry, Store, StoreError};

/// The bytes of a segment; `None` where some are not there, which they are not after a merge or the deletion of the
/// device. All but its head is unchecked.
///
/// # Errors
/// Those of the store; [`StoreError::Corrupt`] where the head cannot be read.
pub async fn read_segment(
    store: &dyn Store,
    device: DeviceKey,
    entry: &SegmentEntry,
) -> Result<Option<Segment>, StoreError> {
    let key = |piece| PieceKey { device, segment: entry.id, piece };
    let found = store.read_pieces(&[key(Piece::Head)]).await?;
    let Some(head) = found.into_iter().next().flatten() else { return Ok(None) };
    let opened = Head::open(&head);
    let opened = opened.map_err(|fault| StoreError::Corrupt { device, segment: entry.id, fault })?;
    let blocks = (0..).zip(opened.block_bytes()).map(|(index, _)| key(Piece::Block(index)));
    let blocks = store.read_pieces(&blocks.collect::<Vec<_>>()).await?;
    let blocks: Option<Vec<_>> = blocks.into_iter().collect();
    Ok(blocks.map(|blocks| Segment { head, blocks }))
}
