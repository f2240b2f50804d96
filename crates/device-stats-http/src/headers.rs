//! Headers of requests and responses: reading and writing their values.

pub(crate) mod accept;
pub(crate) mod content_disposition;
pub(crate) mod content_type;
pub(crate) mod credentials;
pub(crate) mod entity_tag;
pub(crate) mod rate_limit;
pub(crate) mod request_id;
pub(crate) mod session_cookie;
