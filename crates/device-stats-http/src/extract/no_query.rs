//! A query without parameters.

use device_stats_formats::Faults;

use super::input::{FromInput, Input};

/// The query of an operation without parameters. It refuses every parameter.
pub(crate) struct NoQuery;

impl FromInput for NoQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        input.refuse_other_queries(&[], faults);
        Some(Self)
    }
}
