//! Opening of derived segments. A derived segment that is not stored is computed from its segment and stored,
//! so that the next request finds it.
//!
//! On a node, only one request at a time computes a derived segment; other requests wait for it. The
//! computation is a task of its own. So if a request is cancelled, the derived segments in progress are still
//! stored, and the next request finds them. A task begins when it has its permit, so cancelled requests leave
//! no tasks that wait.

use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::{DeriveError, Effort, Head};
use device_stats_store::{Piece, SegmentEntry, StoreError};
use futures_util::{StreamExt, stream};

use super::cache::{Layer, SegmentKey};
use super::reader::{OpenSegments, ReadError};
use super::whole_segment::read_segment;
use crate::compute::Weight;
use crate::limits::{DERIVED_READINGS_MIN, DERIVED_SEGMENTS_AT_ONCE};
use crate::service::Service;

impl Service {
    /// Opens segments together with their derived segments, in the order of `entries`. Computes and stores
    /// the derived segments that are missing. Segments with fewer than [`DERIVED_READINGS_MIN`] readings have
    /// none.
    pub(crate) async fn open_with_derived(
        &self,
        entries: &[(DeviceKey, SegmentEntry)],
    ) -> Result<OpenSegments, ReadError> {
        let mut segments = self.parts.segments.open(entries).await?;
        let is_stored = |entry: &SegmentEntry| entry.readings >= DERIVED_READINGS_MIN;
        let stored = entries.iter().enumerate().filter(|(_, (_, entry))| is_stored(entry));
        let (positions, entries): (Vec<usize>, Vec<(DeviceKey, SegmentEntry)>) =
            stored.map(|(position, entry)| (position, *entry)).unzip();
        let heads = self.derived_heads(&entries).await?;
        segments.add_derived(positions.into_iter().zip(heads));
        Ok(segments)
    }

    /// Returns the heads of the derived segments of segments, in the order of `entries`.
    async fn derived_heads(
        &self,
        entries: &[(DeviceKey, SegmentEntry)],
    ) -> Result<Vec<Arc<Head>>, ReadError> {
        let mut heads = self.parts.segments.find_heads(Layer::Magnitudes, entries).await?;
        let missing = heads.iter().zip(entries).enumerate().filter(|(_, (head, _))| head.is_none());
        let missing: Vec<_> = missing.map(|(position, (_, entry))| (position, *entry)).collect();
        let derived = missing.into_iter().map(async |(position, (device, entry))| {
            self.derived_head(device, entry).await.map(|head| (position, head))
        });
        let mut derived = stream::iter(derived).buffer_unordered(DERIVED_SEGMENTS_AT_ONCE);
        while let Some(result) = derived.next().await {
            match result {
                Ok((position, head)) => {
                    if let Some(slot) = heads.get_mut(position) {
                        *slot = Some(head);
                    }
                }
                // Continues with the other segments, because the next snapshot needs their magnitudes.
                Err(ReadError::Gone) => {}
                Err(error) => return Err(error),
            }
        }
        heads.into_iter().collect::<Option<Vec<_>>>().ok_or(ReadError::Gone)
    }

    /// Returns the head of the derived segment of a segment. Computes and stores it if it is missing.
    async fn derived_head(&self, device: DeviceKey, entry: SegmentEntry) -> Result<Arc<Head>, ReadError> {
        let key = SegmentKey { layer: Layer::Magnitudes, device, segment: entry.id };
        let derive = async {
            let permit = Arc::clone(&self.parts.derivations).acquire_owned();
            let permit = permit.await.map_err(|closed| StoreError::Broken(closed.into()))?;
            let service = self.clone();
            let derive = tokio::spawn(async move {
                let _permit = permit;
                service.find_or_derive(key, entry).await
            });
            derive.await.map_err(|error| StoreError::Broken(error.into()))?
        };
        let head = self.parts.segments.cache().head_or_insert(key, derive).await?;
        head.ok_or_else(|| ReadError::broken("a page is cached in place of a head"))
    }

    async fn find_or_derive(&self, key: SegmentKey, entry: SegmentEntry) -> Result<Arc<Head>, ReadError> {
        // Another node, or an earlier request, may have stored it in the meantime.
        if let Some(head) = self.stored_derived_head(key, &entry).await? {
            return Ok(head);
        }
        let store = self.parts.store.as_ref();
        let segment = read_segment(store, key.device, &entry).await?.ok_or(ReadError::Gone)?;
        let derive = move || segment.derive(Effort::Fast);
        let derived = self.parts.compute.run(Weight::Heavy, derive).await.map_err(StoreError::Broken)?;
        let derived = derived.map_err(|error| match error {
            DeriveError::Unreadable(fault) => key.piece(Piece::Head).corrupt(fault),
            DeriveError::Encode(_) => StoreError::Broken(error.into()),
        })?;
        store.store_derived(key.device, key.segment, &derived).await?;
        tracing::debug!(device = key.device.0, segment = key.segment.0, readings = entry.readings, "derived");
        // Uses the stored bytes, because another node with another version of the compressor may have stored
        // the derived segment first.
        self.stored_derived_head(key, &entry).await?.ok_or(ReadError::Gone)
    }

    async fn stored_derived_head(
        &self,
        key: SegmentKey,
        entry: &SegmentEntry,
    ) -> Result<Option<Arc<Head>>, ReadError> {
        let head = key.piece(Piece::Head);
        let found = self.parts.store.read_derived_pieces(&[head]).await?.pop().flatten();
        let opened = found.map(|bytes| entry.open_derived_head(&bytes)).transpose();
        Ok(opened.map_err(|fault| head.corrupt(fault))?.map(Arc::new))
    }
}
