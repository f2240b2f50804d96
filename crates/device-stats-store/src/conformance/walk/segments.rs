//! Steps of a walk with segments.

use device_stats_domain::{Author, DeviceKey, Finite, Window};
use device_stats_segment::{Effort, Row};

use super::side::{Side, position};
use crate::conformance::oracle::Oracle;
use crate::conformance::samples::{cut_segments, read_rows, sealed_rows, segment, values};
use crate::conformance::steps::{Made, Step};
use crate::{
    Deleted, HotDevice, NewestReadings, Piece, PieceKey, Replaced, SegmentEntry, SegmentId, StoreError,
    Visibility,
};

/// A segment that does not exist.
const NONE: SegmentId = SegmentId(1 << 40);

impl Side {
    pub(super) async fn segment_step(
        &mut self,
        step: &Step,
        next_reading: i64,
    ) -> Option<Result<String, StoreError>> {
        Some(match step {
            Step::ListNewest(device, window, count) => {
                let newest = self.store.list_newest(self.key(*device), *window, *count).await;
                newest.map(|NewestReadings { hot, segments }| format!("{hot:?}, {}", self.entries(&segments)))
            }
            Step::FindLatest(devices) => {
                let keys: Vec<DeviceKey> = devices.iter().map(|slot| self.key(*slot)).collect();
                let latest = self.store.find_latest(&keys).await;
                latest.map(|latest| {
                    let latest = latest.iter().map(|found| (&found.hot, self.entries(&found.segments)));
                    format!("{:?}", latest.collect::<Vec<_>>())
                })
            }
            Step::ListHotDevices => self.store.list_all_hot_devices().await.map(|all| {
                let translated =
                    all.into_iter().map(|one| HotDevice { device: self.slot(one.device), ..one });
                format!("{:?}", translated.collect::<Vec<_>>())
            }),
            Step::ListSegments(device) => {
                self.store.list_segments(self.key(*device)).await.map(|all| self.entries(&all))
            }
            Step::Seal { device, count, mask } => self.seal(self.key(*device), *count, *mask).await,
            Step::SealLate { ago, mask } => self.seal_late(*ago, *mask).await,
            Step::Merge { device, skip, count } => self.merge(self.key(*device), *skip, *count).await,
            Step::MergeLate(made) => self.merge_late(made).await,
            Step::AppendSegment(device, numbers) => {
                self.append_segment(self.key(*device), numbers, next_reading).await
            }
            Step::DeleteReadings(device, window) => self.delete(self.key(*device), *window).await,
            Step::DeleteLate(ago) => self.delete_late(*ago).await,
            Step::ReadPieces(parts) => {
                let found = self.store.read_pieces(&self.piece_keys(parts)).await;
                found.map(|found| format!("{found:?}"))
            }
            Step::StoreDerived(ago) => self.store_derived(*ago).await,
            Step::DeleteDerived(ago) => self.delete_derived(*ago).await,
            Step::ReadDerivedPieces(parts) => {
                let found = self.store.read_derived_pieces(&self.piece_keys(parts)).await;
                found.map(|found| format!("{found:?}"))
            }
            _ => return None,
        })
    }

    async fn seal(&mut self, device: DeviceKey, count: u32, mask: u16) -> Result<String, StoreError> {
        let rows = self.store.list_hot_readings(device, count).await?;
        self.reads.push((device, rows.clone()));
        let sealed = self.seal_late(0, mask).await?;
        Ok(format!("{rows:?}, {sealed}"))
    }

    async fn seal_late(&mut self, ago: usize, mask: u16) -> Result<String, StoreError> {
        let Some((device, rows)) = self.reads.iter().rev().nth(ago).cloned() else {
            return Ok("nothing was read".to_owned());
        };
        let rows: Vec<_> = picked(rows, mask);
        if rows.is_empty() {
            return Ok("nothing".to_owned());
        }
        let answer = self.store.seal(device, &sealed_rows(&rows)).await?;
        Ok(self.note(device, rows, answer))
    }

    async fn merge(&mut self, device: DeviceKey, skip: usize, count: usize) -> Result<String, StoreError> {
        let mut all = self.store.list_segments(device).await?;
        let merged: Vec<_> = all.drain(..).skip(skip).take(count).collect();
        if merged.is_empty() {
            return Ok("nothing".to_owned());
        }
        let rows = read_rows(&self.store, device, &merged).await.expect("nobody else merges");
        let ids: Vec<_> = merged.iter().map(|entry| entry.id).collect();
        let answer = self.store.merge(device, &ids, &segment(&rows)).await?;
        Ok(self.note(device, rows, answer))
    }

    async fn merge_late(&mut self, made: &[Made]) -> Result<String, StoreError> {
        let mut named: Vec<_> =
            made.iter().filter_map(|ago| self.segments.len().checked_sub(ago + 1)).collect();
        named.sort_unstable();
        named.dedup();
        let merged: Vec<_> = named.into_iter().map(|n| &self.segments[n]).collect();
        let Some(&&(device, ..)) = merged.first() else {
            return Ok("nothing was made".to_owned());
        };
        let ids: Vec<_> = merged.iter().map(|(_, id, _)| *id).collect();
        let mut rows: Vec<Row> = merged.iter().flat_map(|(.., rows)| rows.iter().copied()).collect();
        rows.sort_by_key(|row| row.time_us);
        // A merged segment repeats readings of existing ones, and segments of two devices can share times.
        rows.dedup_by_key(|row| row.time_us);
        let answer = self.store.merge(device, &ids, &segment(&rows)).await?;
        Ok(self.note(device, rows, answer))
    }

    async fn append_segment(
        &mut self,
        device: DeviceKey,
        numbers: &[(i64, f64)],
        next_reading: i64,
    ) -> Result<String, StoreError> {
        let rows = (next_reading..).zip(numbers).map(|(id, (us, x))| {
            let values = values(*x, -*x, *x / 3.0).map(Finite::get);
            Row { time_us: *us, id, values }
        });
        let mut rows: Vec<_> = rows.collect();
        rows.sort_by_key(|row| row.time_us);
        rows.dedup_by_key(|row| row.time_us);
        let answer = self.store.append_segment(device, &segment(&rows)).await?;
        Ok(self.note(device, rows, answer))
    }

    async fn delete(&mut self, device: DeviceKey, window: Window) -> Result<String, StoreError> {
        let cut = cut_segments(&self.store, device, window).await.expect("nobody else merges");
        self.cuts.push((device, window, cut));
        self.delete_late(0).await
    }

    async fn delete_late(&mut self, ago: usize) -> Result<String, StoreError> {
        let Some((device, window, cut)) = self.cuts.iter().rev().nth(ago) else {
            return Ok("nothing was cut".to_owned());
        };
        let answer: Deleted =
            self.store.delete_readings(&Author::SERVICE, Visibility::All, *device, *window, cut).await?;
        Ok(format!("{answer:?}"))
    }

    async fn store_derived(&self, ago: Made) -> Result<String, StoreError> {
        let Some((device, id, rows)) = self.segments.iter().rev().nth(ago) else {
            return Ok("nothing was made".to_owned());
        };
        let derived = segment(rows).derive(Effort::Fast).expect("finite numbers have magnitudes");
        self.store.store_derived(*device, *id, &derived).await?;
        Ok("derived".to_owned())
    }

    async fn delete_derived(&self, ago: Made) -> Result<String, StoreError> {
        let Some((device, id, _)) = self.segments.iter().rev().nth(ago) else {
            return Ok("nothing was made".to_owned());
        };
        self.store.delete_derived(*device, *id).await.map(|deleted| format!("{deleted}"))
    }

    fn piece_keys(&self, parts: &[(Made, u32)]) -> Vec<PieceKey> {
        let asked = parts.iter().map(|(ago, part)| {
            let made = self.segments.iter().rev().nth(*ago);
            let (device, segment) =
                made.map_or((self.key(usize::MAX), NONE), |(device, id, _)| (*device, *id));
            let piece = part.checked_sub(1).map_or(Piece::Head, Piece::Block);
            PieceKey { device, segment, piece }
        });
        asked.collect()
    }

    /// Remembers a new segment, and formats the outcome.
    fn note(&mut self, device: DeviceKey, rows: Vec<Row>, answer: Replaced) -> String {
        match answer {
            Replaced::Done(id) => {
                self.segments.push((device, id, rows));
                "done".to_owned()
            }
            Replaced::Stale => "stale".to_owned(),
        }
    }

    /// Formats entries; each id becomes the position at which the segment was made.
    fn entries(&self, entries: &[SegmentEntry]) -> String {
        let made: Vec<_> = self.segments.iter().map(|(_, id, _)| *id).collect();
        let translated =
            entries.iter().map(|one| SegmentEntry { id: SegmentId(position(&made, &one.id)), ..*one });
        format!("{:?}", translated.collect::<Vec<_>>())
    }
}

/// Returns the rows whose bit is set.
fn picked(rows: Vec<Row>, mask: u16) -> Vec<Row> {
    let picked = rows.into_iter().zip(0_u32..).filter(|(_, n)| mask >> (n % u16::BITS) & 1 == 1);
    picked.map(|(row, _)| row).collect()
}
