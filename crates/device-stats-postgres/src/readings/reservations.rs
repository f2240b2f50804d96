//! The reading ids that this node has reserved, and the check that the database still knows of them.
//!
//! The database records the last reservation of each node, under a random number of the node. Each append
//! checks this record in its transaction, and so does each further reservation. The record is missing, or
//! older, if an older copy of the database has replaced it: a restored backup, or a replica that lacked the
//! last commits. In such a copy, another node may get the ids of this node. So this node stops appending,
//! forgets its ids, and reserves others: under a new number, and above all ids that it knows.

use std::sync::{Mutex, MutexGuard, PoisonError};

use deadpool_postgres::GenericClient;
use device_stats_store::StoreError;

use crate::database::errors::Failure;

/// A reservation that the database must know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reservation {
    /// Random number of the node.
    pub(crate) node: i64,
    /// The first id after the reserved ones.
    pub(crate) until: i64,
}

/// The reservations of this node.
#[derive(Debug, Default)]
pub(crate) struct Reservations(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    /// The last reservation; `None` if nothing has been reserved yet, or it is lost.
    last: Option<Reservation>,
    /// Whether the last reservation is lost, and no other has been made since.
    is_lost: bool,
    /// The first id after all ids that this node has ever reserved.
    known_until: i64,
    /// The first id after all lost ids; `None` if none are lost.
    lost_until: Option<i64>,
    /// Number of losses.
    losses: u64,
}

impl Reservations {
    /// Returns the reservation that an append must check; `None` if nothing has been reserved.
    ///
    /// # Errors
    /// [`StoreError::Restored`] if the reservation is lost, or the ids belong to a lost one.
    pub(crate) fn of(&self, ids: impl IntoIterator<Item = i64>) -> Result<Option<Reservation>, StoreError> {
        let state = self.lock();
        let are_lost = state.lost_until.is_some_and(|until| ids.into_iter().any(|id| id < until));
        if state.is_lost || are_lost { Err(StoreError::Restored) } else { Ok(state.last) }
    }

    /// Returns whether an earlier reservation is lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.lock().lost_until.is_some()
    }

    /// Returns the last reservation, or a new number of this node and `None`; and the first id that this node
    /// does not know.
    pub(crate) fn next(&self) -> (i64, Option<Reservation>, i64) {
        let state = self.lock();
        let node = state.last.map_or_else(|| fastrand::i64(..), |last| last.node);
        (node, state.last, state.known_until)
    }

    /// Notes a new reservation.
    pub(crate) fn note(&self, reservation: Reservation) {
        let mut state = self.lock();
        state.known_until = state.known_until.max(reservation.until);
        state.last = Some(reservation);
        state.is_lost = false;
    }

    /// Returns the number of losses that were noted.
    pub(crate) fn losses(&self) -> u64 {
        self.lock().losses
    }

    /// Returns the answer to a call that needed the reservation `used`. If it is [`StoreError::Restored`],
    /// notes the loss of all reservations, and logs it. Each loss is noted once: a call that began before the
    /// loss was noted may be answered after this node has made a new reservation, which is not lost.
    pub(crate) fn checked<T>(
        &self,
        used: Option<Reservation>,
        answer: Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if matches!(answer, Err(StoreError::Restored)) {
            let mut state = self.lock();
            // After a loss, a new reservation has another node number.
            let node = |of: Option<Reservation>| of.map(|reservation| reservation.node);
            if state.last.is_some() && node(state.last) == node(used) {
                state.last = None;
                state.is_lost = true;
                state.lost_until = Some(state.known_until);
                state.losses += 1;
                tracing::error!(
                    "the database was replaced by an older copy; readings that were acknowledged since that \
                     copy are lost. Restart all nodes"
                );
            }
        }
        answer
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Fails with [`StoreError::Restored`] if the database does not know of the reservation.
pub(crate) async fn require(
    client: &impl GenericClient,
    reservation: Option<Reservation>,
) -> Result<(), Failure> {
    let Some(Reservation { node, until }) = reservation else { return Ok(()) };
    let require = client.prepare_cached("SELECT require_reservation($1, $2)").await?;
    client.query(&require, &[&node, &until]).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refuse(reservations: &Reservations, used: Reservation) {
        let answer = reservations.checked::<()>(Some(used), Err(StoreError::Restored));
        assert!(matches!(answer, Err(StoreError::Restored)));
    }

    /// Two appends began before the database was replaced. The answer to the second one arrived after the
    /// node had reserved other ids, and made the node forget these ids, too.
    #[test]
    fn a_loss_that_is_reported_late_is_no_second_loss() {
        let reservations = Reservations::default();
        let old = Reservation { node: reservations.next().0, until: 100 };
        reservations.note(old);
        assert_eq!(reservations.of([1]).unwrap(), Some(old));
        refuse(&reservations, old);
        assert!(matches!(reservations.of([1]), Err(StoreError::Restored)));
        let (node, last, known_until) = reservations.next();
        assert!(node != old.node && last.is_none() && known_until == 100);
        let new = Reservation { node, until: 200 };
        reservations.note(new);
        refuse(&reservations, old);
        assert_eq!(reservations.losses(), 1);
        assert_eq!(reservations.of([100]).unwrap(), Some(new));
        assert!(matches!(reservations.of([99]), Err(StoreError::Restored)));
        refuse(&reservations, new);
        assert_eq!(reservations.losses(), 2);
        assert!(matches!(reservations.of([100]), Err(StoreError::Restored)));
    }
}
