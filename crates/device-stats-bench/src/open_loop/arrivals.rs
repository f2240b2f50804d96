//! The times and kinds of the requests. They depend only on the arguments, not on the answers of the server.

use std::time::Duration;

use fastrand::Rng;
use serde::Serialize;

use super::arguments::{Arguments, Phase};

/// Kind of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// One reading.
    Single,
    /// A batch of readings of one device.
    Batch,
    /// An analysis of one device.
    Analysis,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Single, Self::Batch, Self::Analysis];
}

/// A request that should be sent at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Arrival {
    /// Index of the phase.
    pub(super) phase: usize,
    pub(super) kind: Kind,
    /// Time after the start.
    pub(super) due: Duration,
}

/// The requests, in the order of their times.
pub(super) struct Arrivals {
    rng: Rng,
    phases: Vec<Phase>,
    batches: u8,
    analyses: u8,
    phase: usize,
    /// Time of the previous request after the start of the phase.
    last: Duration,
    /// Start of the phase after the start of the first one.
    begun: Duration,
}

impl Arrivals {
    pub(super) fn new(arguments: &Arguments) -> Self {
        let Arguments { phases, batches, analyses, seed, .. } = arguments;
        let rng = Rng::with_seed(*seed);
        let (phases, batches, analyses) = (phases.clone(), *batches, *analyses);
        Self { rng, phases, batches, analyses, phase: 0, last: Duration::ZERO, begun: Duration::ZERO }
    }

    /// Returns the next request; `None` after the last phase. `now` is the time after the start, at which a
    /// phase without a rate sends its next request.
    pub(super) fn next(&mut self, now: Duration) -> Option<Arrival> {
        loop {
            let Phase { rate, time } = *self.phases.get(self.phase)?;
            self.last = if rate > 0.0 {
                // Independent clients: the gaps have an exponential distribution.
                let gap = -(1.0 - self.rng.f64()).ln() / rate;
                self.last + Duration::from_secs_f64(gap)
            } else {
                self.last.max(now.saturating_sub(self.begun))
            };
            if self.last < time {
                let due = self.begun + self.last;
                return Some(Arrival { phase: self.phase, kind: self.kind(), due });
            }
            self.phase += 1;
            self.begun += time;
            self.last = Duration::ZERO;
        }
    }

    fn kind(&mut self) -> Kind {
        let place = self.rng.u8(0..100);
        if place < self.batches {
            Kind::Batch
        } else if place - self.batches < self.analyses {
            Kind::Analysis
        } else {
            Kind::Single
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(phases: &[&str]) -> Arguments {
        Arguments {
            address: "127.0.0.1:1".to_owned(),
            phases: phases.iter().map(|phase| phase.parse().unwrap()).collect(),
            connections: 1,
            readings: 1,
            batches: 60,
            analyses: 10,
            prefix: String::new(),
            seed: 1,
        }
    }

    #[test]
    fn requests_arrive_at_the_rate_and_in_the_mix_whatever_the_time() {
        let all = |now| {
            let mut arrivals = Arrivals::new(&arguments(&["1000:4", "100:4"]));
            std::iter::from_fn(move || arrivals.next(now)).collect::<Vec<_>>()
        };
        let arrivals = all(Duration::ZERO);
        assert_eq!(all(Duration::from_secs(100)), arrivals);
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.due));
        let count =
            |is_meant: &dyn Fn(&Arrival) -> bool| arrivals.iter().filter(|each| is_meant(each)).count();
        for (found, expected) in [
            (count(&|each| each.phase == 0), 4_000),
            (count(&|each| each.phase == 1), 400),
            (count(&|each| each.kind == Kind::Batch), 2_640),
            (count(&|each| each.kind == Kind::Single), 1_320),
            (count(&|each| each.kind == Kind::Analysis), 440),
        ] {
            assert!(found.abs_diff(expected) < expected / 5, "{found}, {expected}");
        }
        assert!(arrivals.iter().all(|each| (each.phase == 0) == (each.due < Duration::from_secs(4))));
    }

    #[test]
    fn without_a_rate_requests_arrive_at_once() {
        let mut arrivals = Arrivals::new(&arguments(&["0:2"]));
        for second in [0, 0, 1] {
            let now = Duration::from_secs(second);
            assert_eq!(arrivals.next(now).unwrap().due, now);
        }
        assert_eq!(arrivals.next(Duration::from_secs(2)), None);
    }
}
