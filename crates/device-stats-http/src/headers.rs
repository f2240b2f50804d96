//! Headers of requests and responses.

pub(crate) mod content_disposition;
