//! Validates email addresses, with the error messages of the Python library email-validator.
//!
#![doc = include_str!("../README.md")]

mod address;
mod characters;
mod domain;
mod error;
mod label;
mod limits;
mod local;
mod structure;
#[cfg(test)]
mod tests;

pub use address::Email;
pub use error::InvalidEmail;
pub use limits::EMAIL_BYTES_MAX;
