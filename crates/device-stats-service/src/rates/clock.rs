//! The clock of the rates.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::clock::Clock;

/// The clock of the rates: the time since some moment. It is monotonic. Tests replace it.
#[derive(Clone)]
pub struct RateClock(Arc<dyn Fn() -> Duration + Send + Sync>);

impl RateClock {
    /// Makes a clock of a function that returns the time since some moment.
    pub fn new(elapsed: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(elapsed))
    }
}

impl Default for RateClock {
    /// Returns the monotonic clock of the system.
    fn default() -> Self {
        let start = Instant::now();
        Self::new(move || start.elapsed())
    }
}

impl fmt::Debug for RateClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RateClock").field(&self.now()).finish()
    }
}

impl Clock for RateClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        (self.0)()
    }
}
