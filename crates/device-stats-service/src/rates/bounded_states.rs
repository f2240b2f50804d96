//! The states of a rate by key, with a maximum number of keys.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;

/// Unused places above which the table is made smaller.
const SPARE_MIN: usize = 1024;

/// The states of up to `keys_max` keys. All further keys share one state. So neither the memory nor the use
/// of further keys is unlimited.
#[derive(Debug)]
pub(super) struct BoundedStates<K> {
    keys_max: usize,
    states: Mutex<States<K>>,
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
        Self { keys_max, states: Mutex::new(States { known: HashMap::new(), shared: None }) }
    }

    fn lock(&self) -> MutexGuard<'_, States<K>> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner)
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
