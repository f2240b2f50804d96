//! The promises of [`Store`](crate::Store) in their plainest form: ordered maps behind one lock. The model
//! forgets everything when it is dropped, so it is durable in name only. Stores are compared with it.

mod accounts;
mod keyed;
mod readings;
mod segments;
mod snapshots;
mod state;

pub use state::Model;
