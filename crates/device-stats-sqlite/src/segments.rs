//! Segments: each call is a transaction. The modules have the statements about their catalogue, their bytes
//! and their times, the replacement of readings or other segments by a segment, and the deletion of the
//! readings of a window.

pub(crate) mod catalogue;
pub(crate) mod delete;
pub(crate) mod derived;
pub(crate) mod group_commit;
pub(crate) mod pieces;
pub(crate) mod replace;
pub(crate) mod sealed_times;

use async_trait::async_trait;
use device_stats_domain::{AuditEvent, Author, DeviceKey, Window};
use device_stats_segment::Segment;
use device_stats_store::limits::{STORE_PIECES_PER_READER_MAX, STORE_READERS_AT_ONCE};
use device_stats_store::{
    CutSegment, Deleted, PieceKey, Replaced, SealedRows, SegmentEntry, SegmentId, SegmentStore, StoreError,
    Visibility, open_head,
};
use futures_util::future::try_join_all;
use rusqlite::Connection;

use crate::accounts::devices;
use crate::audit;
use crate::limits::GROUP_SEGMENTS_MAX;
use crate::store::SqliteStore;

/// Reads pieces, in the same order.
type ReadPieces = fn(&Connection, &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

impl SqliteStore {
    /// Reads pieces, on several connections if there are many.
    async fn read_in_chunks(
        &self,
        pieces: &[PieceKey],
        read: ReadPieces,
    ) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let read = |pieces: &[PieceKey]| {
            let pieces = pieces.to_vec();
            move |connection: &Connection| read(connection, &pieces)
        };
        if pieces.len() <= STORE_PIECES_PER_READER_MAX {
            return self.connections.read_here(read(pieces)).await;
        }
        let chunks = pieces.chunks(pieces.len().div_ceil(STORE_READERS_AT_ONCE));
        let chunks = chunks.map(|pieces| self.connections.read(read(pieces)));
        Ok(try_join_all(chunks).await?.into_iter().flatten().collect())
    }
}

#[async_trait]
impl SegmentStore for SqliteStore {
    fn seal_concurrency(&self) -> usize {
        GROUP_SEGMENTS_MAX / 2
    }

    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError> {
        let list = move |connection: &Connection| {
            let exists = devices::exists(connection, device)?;
            if exists { catalogue::list(connection, device, Window::ALL) } else { Ok(Vec::new()) }
        };
        self.connections.read(list).await
    }

    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read_in_chunks(pieces, pieces::read).await
    }

    async fn read_derived_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        self.read_in_chunks(pieces, derived::read).await
    }

    async fn store_derived(
        &self,
        device: DeviceKey,
        segment: SegmentId,
        derived: &Segment,
    ) -> Result<(), StoreError> {
        let derived = derived.clone();
        self.connections.write(move |connection| derived::insert(connection, device, segment, &derived)).await
    }

    async fn delete_derived(&self, device: DeviceKey, segment: SegmentId) -> Result<bool, StoreError> {
        self.connections.write(move |connection| derived::delete(connection, device, segment)).await
    }

    async fn seal(&self, device: DeviceKey, sealed: &SealedRows) -> Result<Replaced, StoreError> {
        self.segment_queue.seal(device, sealed).await
    }

    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        let head = Box::new(open_head(segment)?);
        let (merged, segment) = (merged.to_vec(), segment.clone());
        self.connections
            .write(move |connection| replace::merge(connection, device, &merged, &segment, &head))
            .await
    }

    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        self.segment_queue.append(device, segment).await
    }

    async fn delete_readings(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        window: Window,
        cut: &[CutSegment],
    ) -> Result<Deleted, StoreError> {
        let (author, cut) = (*author, cut.to_vec());
        self.write_with_hot(move |connection, hot| {
            let deleted = delete::delete_readings(connection, hot, visible, device, window, &cut)?;
            if let Deleted::Done(readings @ 1..) = deleted {
                audit::note(connection, &author, &[AuditEvent::delete_readings(device, window, readings)])?;
            }
            Ok(deleted)
        })
        .await
    }
}
