//! JSON as it was sent, and its parser.

mod parser;
mod value;

pub use parser::JsonError;
pub use value::Json;
