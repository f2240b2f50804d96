//! The promises of [`Store`](crate::Store) in their plainest form: ordered maps under one lock. The model is
//! not durable: its data is lost when it is dropped. Stores are compared with it.

mod accounts;
mod arrivals;
mod audit;
mod keyed;
mod readings;
mod segments;
mod snapshots;
mod state;
mod tokens;

pub use state::Model;
