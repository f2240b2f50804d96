//! The command line of the service: settings, logging, choice of the database, and one file for each command.

pub mod limits;

mod command;
mod database;
mod logging;
mod settings;

pub use command::run;
