//! JSON as it was sent, and its parser.

mod element_end;
mod parser;
mod value;

pub(crate) use element_end::ElementEnd;
pub use parser::JsonError;
pub use value::Json;
