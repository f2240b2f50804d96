//! Reading of whole segments as bytes, for merging, derivation and verification.

use device_stats_domain::DeviceKey;
use device_stats_segment::{Head, Segment};
use device_stats_store::{Piece, PieceKey, SegmentEntry, Store, StoreError};

use super::cache::Layer;

/// Reads the bytes of a segment. Returns `None` if a piece is missing, because the segment was merged or its
/// device was deleted. Checks the head, but not the other pieces.
///
/// # Errors
/// The errors of the store; [`StoreError::Corrupt`] if the head cannot be read.
pub async fn read_segment(
    store: &dyn Store,
    device: DeviceKey,
    entry: &SegmentEntry,
) -> Result<Option<Segment>, StoreError> {
    read_layer(store, Layer::Readings, device, entry).await
}

/// Reads the bytes of the derived segment of a segment. Returns `None` if none is stored, or a piece of it is
/// missing. Checks the head, but not the other pieces.
///
/// # Errors
/// As [`read_segment`].
pub async fn read_derived_segment(
    store: &dyn Store,
    device: DeviceKey,
    entry: &SegmentEntry,
) -> Result<Option<Segment>, StoreError> {
    read_layer(store, Layer::Magnitudes, device, entry).await
}

async fn read_layer(
    store: &dyn Store,
    layer: Layer,
    device: DeviceKey,
    entry: &SegmentEntry,
) -> Result<Option<Segment>, StoreError> {
    let read = async |keys: &[PieceKey]| match layer {
        Layer::Readings => store.read_pieces(keys).await,
        Layer::Magnitudes => store.read_derived_pieces(keys).await,
    };
    let key = |piece| PieceKey { device, segment: entry.id, piece };
    let found = read(&[key(Piece::Head)]).await?;
    let Some(head) = found.into_iter().next().flatten() else { return Ok(None) };
    // Not `entry.open_head`: verification compares the head with the entry, and reports both.
    let opened = Head::open(&head).map_err(|fault| key(Piece::Head).corrupt(fault))?;
    let blocks = (0..).zip(opened.block_bytes()).map(|(index, _)| key(Piece::Block(index)));
    let blocks = read(&blocks.collect::<Vec<_>>()).await?;
    let blocks: Option<Vec<_>> = blocks.into_iter().collect();
    Ok(blocks.map(|blocks| Segment { head, blocks }))
}
