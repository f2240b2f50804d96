//! The states of a rate by key, with a maximum number of keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// Unused places above which the table is made smaller.
pub(super) const SPARE_MIN: usize = 1024;

/// The states of up to `keys_max` keys. All further keys share one state. So neither the memory nor the use
/// of further keys is unlimited. Clones share the states.
#[derive(Clone, Debug)]
pub(super) struct BoundedStates<K> {
    keys_max: usize,
    states: Arc<Mutex<States<K>>>,
    charges: Charges,
}

/// Whether charges change the states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charges {
    AreMade,
    AreTried,
}

#[derive(Debug)]
struct States<K> {
    known: HashMap<K, Nanos>,
    /// The state that all other keys share while `known` is full.
    shared: Option<Nanos>,
}

impl<K> BoundedStates<K> {
    /// Creates states of up to `keys_max` keys.
    pub(super) fn new(keys_max: usize) -> Self {
        let states = Arc::new(Mutex::new(States { known: HashMap::new(), shared: None }));
        Self { keys_max, states, charges: Charges::AreMade }
    }

    /// Returns the number of keys for which memory is allocated.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.lock().known.capacity()
    }

    fn lock(&self) -> MutexGuard<'_, States<K>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq + Clone> BoundedStates<K> {
    /// Returns the same states for charges that are only tried: they change nothing.
    pub(super) fn for_trials(&self) -> Self {
        Self { charges: Charges::AreTried, ..self.clone() }
    }

    /// Adds a time to the state of a key that was just charged.
    pub(super) fn add(&self, key: &K, time: Nanos) {
        let mut states = self.lock();
        let States { known, shared } = &mut *states;
        if let Some(state) = known.get_mut(key).or(shared.as_mut()) {
            *state = *state + time;
        }
    }
}

impl<K: Hash + Eq + Clone> StateStore for BoundedStates<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, key: &K, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let mut states = self.lock();
        let States { known, shared } = &mut *states;
        let is_full = known.len() >= self.keys_max;
        if self.charges == Charges::AreTried {
            let state = known.get(key).copied().or(if is_full { *shared } else { None });
            return measure(state).map(|(outcome, _)| outcome);
        }
        if let Some(state) = known.get_mut(key) {
            let (outcome, new) = measure(Some(*state))?;
            *state = new;
            Ok(outcome)
        } else if is_full {
            let (outcome, new) = measure(*shared)?;
            *shared = Some(new);
            Ok(outcome)
        } else {
            let (outcome, new) = measure(None)?;
            known.insert(key.clone(), new);
            Ok(outcome)
        }
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for BoundedStates<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.lock().known.retain(|_, state| *state > drop_below);
    }

    fn shrink_to_fit(&self) {
        let mut states = self.lock();
        let len = states.known.len();
        // Leaves room, so that the table does not grow and shrink all the time.
        if states.known.capacity() > 4 * len + SPARE_MIN {
            states.known.shrink_to(2 * len);
        }
    }

    fn len(&self) -> usize {
        self.lock().known.len()
    }

    fn is_empty(&self) -> bool {
        self.lock().known.is_empty()
    }
}
