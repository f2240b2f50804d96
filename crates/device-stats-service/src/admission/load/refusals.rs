//! The refusals of each class. Their beginning and end are logged, not each of them.

use tokio::time::Instant;
use tracing::{info, warn};

use super::RequestClass;
use crate::limits::REFUSALS_END;

/// The refusals of each class, in the order of the classes.
#[derive(Debug, Default)]
pub(super) struct Refusals([Option<Period>; RequestClass::ALL.len()]);

/// A period with refusals.
#[derive(Clone, Copy, Debug)]
struct Period {
    begun: Instant,
    latest: Instant,
    count: u64,
}

impl Refusals {
    /// Counts a refusal. Logs the first one of a period.
    pub(super) fn note(&mut self, class: RequestClass, now: Instant) {
        let Some(period) = self.0.get_mut(class as usize) else { return };
        let period = period.get_or_insert_with(|| {
            warn!(
                class = class.name(),
                "the service is overloaded, refusing requests of this class (--overload-wait-ms)"
            );
            Period { begun: now, latest: now, count: 0 }
        });
        period.latest = now;
        period.count += 1;
    }

    /// Returns whether no period lasts.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(Option::is_none)
    }

    /// Logs the end of each period whose latest refusal is long ago.
    pub(super) fn log_ended(&mut self, now: Instant) {
        for (class, period) in RequestClass::ALL.into_iter().zip(&mut self.0) {
            if let Some(ended) = period.take_if(|period| now.duration_since(period.latest) >= REFUSALS_END) {
                let seconds = ended.latest.duration_since(ended.begun).as_secs_f64();
                info!(
                    class = class.name(),
                    refused = ended.count,
                    seconds,
                    "the service is no longer overloaded, accepting requests of this class again"
                );
            }
        }
    }
}
