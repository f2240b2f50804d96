//! The sizes of the store. They are kept for a while, because a store reads a part of its catalogue for them.

use device_stats_store::{Store, StoreError, StoreFigures};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::limits::STORE_FIGURES_KEPT;

/// The last figures of a store, with the time at which it was asked. Locked while the store is asked, so that
/// it is asked once for concurrent callers.
#[derive(Debug, Default)]
pub(crate) struct KeptStoreFigures(Mutex<Option<(Instant, StoreFigures)>>);

impl KeptStoreFigures {
    /// Returns the figures of a store. They are at most [`STORE_FIGURES_KEPT`] old.
    ///
    /// # Errors
    /// The errors of [`Store::figures`].
    pub(super) async fn get(&self, store: &dyn Store) -> Result<StoreFigures, StoreError> {
        let mut kept = self.0.lock().await;
        if let Some((_, figures)) = kept.as_ref().filter(|(at, _)| at.elapsed() < STORE_FIGURES_KEPT) {
            return Ok(figures.clone());
        }
        let asked = Instant::now();
        let figures = store.figures().await?;
        *kept = Some((asked, figures.clone()));
        Ok(figures)
    }
}

#[cfg(test)]
mod tests {
    use device_stats_domain::{Author, DeviceId, NewDevice};
    use device_stats_segment::{Effort, Row, Segment};
    use device_stats_store::{AccountStore, Model, SegmentStore};
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_store_is_asked_again_when_its_figures_are_old() {
        let (store, kept) = (Model::default(), KeptStoreFigures::default());
        let device_id = DeviceId::new("d").unwrap();
        let device = NewDevice::new(device_id);
        let device = store.create_device(&Author::SERVICE, device, None).await.unwrap();
        assert_eq!(kept.get(&store).await.unwrap().segments, 0);
        let row = Row { time_us: 1, id: 1, values: device_stats_domain::Axes { x: 1.0, y: 2.0, z: 3.0 } };
        let segment = Segment::encode(&[row], Effort::Fast).unwrap();
        store.append_segment(device.key, &segment).await.unwrap();
        advance(STORE_FIGURES_KEPT / 2).await;
        assert_eq!(kept.get(&store).await.unwrap().segments, 0);
        advance(STORE_FIGURES_KEPT).await;
        assert_eq!(kept.get(&store).await.unwrap().segments, 1);
    }
}
