//! Arguments of which a command needs exactly one.

use clap::ArgGroup;

/// Returns the group of alternative arguments. The error for a command line without any of them names all.
pub(super) fn one_of<const N: usize>(id: &'static str, arguments: [&'static str; N]) -> ArgGroup {
    ArgGroup::new(id).args(arguments).required(true)
}
