//! Opening of derived segments. A derived segment that is not stored is computed from its segment and stored,
//! so that the next request finds it.
//!
//! On a node, only one request at a time computes a derived segment; other requests wait for it. The
//! computation is a task of its own. So if a request is cancelled, the derived segments in progress are still
//! stored, and the next request finds them. A task begins when it has its permit, so cancelled requests leave
//! no tasks that wait.
//!
//! If a derived segment is corrupt, it is deleted and computed again.

use std::error::Error;
use std::sync::Arc;

use device_stats_domain::DeviceKey;
use device_stats_segment::{DeriveError, Effort, Head};
use device_stats_store::{Piece, SegmentEntry, SegmentId, StoreError};
use futures_util::{StreamExt, stream};

use super::cache::{Layer, SegmentKey};
use super::reader::{OpenSegments, ReadError};
use super::whole_segment::{read_derived_segment, read_segment};
use crate::compute::Weight;
use crate::error::ServiceError;
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
        let key = SegmentKey { layer: Layer::Magnitudes, device, entry };
        let derive = async {
            let permit = Arc::clone(&self.parts.derivations).acquire_owned();
            let permit = permit.await.map_err(|closed| StoreError::Broken(closed.into()))?;
            let service = self.clone();
            let derive = tokio::spawn(async move {
                let _permit = permit;
                service.find_or_derive(key).await
            });
            derive.await.map_err(|error| StoreError::Broken(error.into()))?
        };
        let head = self.parts.segments.cache().head_or_insert(key, derive).await?;
        head.ok_or_else(|| ReadError::broken("a page is cached in place of a head"))
    }

    async fn find_or_derive(&self, key: SegmentKey) -> Result<Arc<Head>, ReadError> {
        let SegmentKey { device, entry, .. } = key;
        // Another node, or an earlier request, may have stored it in the meantime.
        if let Some(head) = self.stored_derived_head(key).await? {
            return Ok(head);
        }
        let store = self.parts.store.as_ref();
        let segment = read_segment(store, device, &entry).await?.ok_or(ReadError::Gone)?;
        let derive = move || segment.derive(Effort::Fast);
        let derived = self.parts.compute.run(Weight::Heavy, derive).await.map_err(StoreError::Broken)?;
        let derived = derived.map_err(|error| match error {
            DeriveError::Unreadable(fault) => key.piece(Piece::Head).corrupt(fault),
            DeriveError::Encode(_) => StoreError::Broken(error.into()),
        })?;
        store.store_derived(device, entry.id, &derived).await?;
        tracing::debug!(device = device.0, segment = entry.id.0, readings = entry.readings, "derived");
        // Uses the stored bytes, because another node with another version of the compressor may have stored
        // the derived segment first.
        self.stored_derived_head(key).await?.ok_or(ReadError::Gone)
    }

    async fn stored_derived_head(&self, key: SegmentKey) -> Result<Option<Arc<Head>>, ReadError> {
        let head = key.piece(Piece::Head);
        let found = self.parts.store.read_derived_pieces(&[head]).await?.pop().flatten();
        let opened = found.map(|bytes| key.entry.open_derived_head(&bytes)).transpose();
        Ok(opened.map_err(|fault| ReadError::corrupt(key, Piece::Head, fault))?.map(Arc::new))
    }

    /// Deletes a derived segment in which a query has found a fault, so that the next attempt computes it
    /// again. Logs the first such call for a fault: after it, the derived segment is missing or correct.
    pub(crate) async fn discard_derived(
        &self,
        (device, segment): (DeviceKey, SegmentId),
        error: &StoreError,
    ) -> Result<(), ServiceError> {
        // While this call checks the derived segment, no other call on this node deletes or computes one.
        let permits =
            u32::try_from(DERIVED_SEGMENTS_AT_ONCE).map_err(|error| StoreError::Broken(error.into()))?;
        let permits = self.parts.derivations.acquire_many(permits).await;
        let _permits = permits.map_err(|closed| StoreError::Broken(closed.into()))?;
        if !self.is_derived_correct(device, segment).await?
            && self.parts.store.delete_derived(device, segment).await?
        {
            let error = error as &dyn Error;
            let (device, segment) = (device.0, segment.0);
            tracing::warn!(device, segment, error, "deleted corrupt magnitudes; they are computed again");
        }
        self.parts.segments.cache().remove_derived(device, segment);
        Ok(())
    }

    /// Returns whether a derived segment has the magnitudes of its segment; false if it is not stored.
    async fn is_derived_correct(&self, device: DeviceKey, segment: SegmentId) -> Result<bool, ServiceError> {
        let store = self.parts.store.as_ref();
        let entries = store.list_segments(device).await?;
        let Some(entry) = entries.into_iter().find(|entry| entry.id == segment) else { return Ok(false) };
        let derived = match read_derived_segment(store, device, &entry).await {
            Ok(Some(derived)) => derived,
            Ok(None) | Err(StoreError::Corrupt { .. }) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let Some(segment) = read_segment(store, device, &entry).await? else { return Ok(false) };
        let verify = move || segment.verify_derived(&derived).is_ok();
        let verified = self.parts.compute.run(Weight::Heavy, verify).await;
        verified.map_err(ServiceError::ComputationFailed)
    }
}
