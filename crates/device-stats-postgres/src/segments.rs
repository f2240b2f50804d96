//! Segments: each call has a connection and a time limit. The modules have the statements about their
//! catalogue, their bytes and their times, and the replacement of readings or other segments by a segment.

pub(crate) mod catalogue;
pub(crate) mod delete;
pub(crate) mod derived;
pub(crate) mod pieces;
pub(crate) mod replace;
pub(crate) mod sealed_times;
pub(crate) mod spans;

use async_trait::async_trait;
use device_stats_domain::{Author, DeviceKey, Window};
use device_stats_segment::Segment;
use device_stats_store::limits::{STORE_PIECES_PER_READER_MAX, STORE_READERS_AT_ONCE};
use device_stats_store::{
    CutSegment, Deleted, PieceKey, Replaced, SealedRows, SegmentEntry, SegmentId, SegmentStore, StoreError,
    Visibility,
};
use futures_util::future::try_join_all;

use crate::database::connections::{TimeLimit, call};
use crate::limits::STORE_SEALS_AT_ONCE;
use crate::store::PostgresStore;

impl PostgresStore {
    /// Reads pieces on one connection.
    async fn read_chunk(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| pieces::read(client, pieces))
    }

    /// Reads pieces of derived segments on one connection.
    async fn read_derived_chunk(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| derived::read(client, pieces))
    }
}

#[async_trait]
impl SegmentStore for PostgresStore {
    fn seal_concurrency(&self) -> usize {
        STORE_SEALS_AT_ONCE
    }

    async fn list_segments(&self, device: DeviceKey) -> Result<Vec<SegmentEntry>, StoreError> {
        call!(self.connections, TimeLimit::Reads, |client| catalogue::list(client, device))
    }

    async fn read_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if pieces.len() <= STORE_PIECES_PER_READER_MAX {
            return self.read_chunk(pieces).await;
        }
        let chunks = pieces.chunks(pieces.len().div_ceil(STORE_READERS_AT_ONCE));
        Ok(try_join_all(chunks.map(|pieces| self.read_chunk(pieces))).await?.concat())
    }

    async fn read_derived_pieces(&self, pieces: &[PieceKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        if pieces.len() <= STORE_PIECES_PER_READER_MAX {
            return self.read_derived_chunk(pieces).await;
        }
        let chunks = pieces.chunks(pieces.len().div_ceil(STORE_READERS_AT_ONCE));
        Ok(try_join_all(chunks.map(|pieces| self.read_derived_chunk(pieces))).await?.concat())
    }

    async fn store_derived(
        &self,
        device: DeviceKey,
        segment: SegmentId,
        derived: &Segment,
    ) -> Result<(), StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| derived::insert(client, device, segment, derived))
    }

    async fn delete_derived(&self, device: DeviceKey, segment: SegmentId) -> Result<bool, StoreError> {
        call!(self.connections, TimeLimit::Writes, |client| derived::delete(client, device, segment))
    }

    async fn seal(&self, device: DeviceKey, sealed: &SealedRows) -> Result<Replaced, StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| replace::seal(client, device, sealed))
    }

    async fn merge(
        &self,
        device: DeviceKey,
        merged: &[SegmentId],
        segment: &Segment,
    ) -> Result<Replaced, StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| replace::merge(client, device, merged, segment))
    }

    async fn append_segment(&self, device: DeviceKey, segment: &Segment) -> Result<Replaced, StoreError> {
        let reservation = self.reservations.of([])?;
        // The ids of a segment are decoded only if some ids must not be appended. A loss after this check
        // makes the append fail, because the database does not know of `reservation`.
        if self.reservations.has_lost() {
            let rows = segment.rows().map_err(|error| StoreError::Broken(error.into()))?;
            self.reservations.of(rows.iter().map(|row| row.id))?;
        }
        let appended = async {
            call!(self.connections, TimeLimit::Writes, |client| replace::append(
                client,
                device,
                segment,
                reservation
            ))
        };
        self.reservations.checked(reservation, appended.await)
    }

    async fn delete_readings(
        &self,
        author: &Author,
        visible: Visibility,
        device: DeviceKey,
        window: Window,
        cut: &[CutSegment],
    ) -> Result<Deleted, StoreError> {
        call!(self.connections, TimeLimit::Seals, |client| delete::delete_readings(
            client, author, visible, device, window, cut
        ))
    }
}
