//! Limits of email addresses and of their parts.

/// Maximum size of an email address, in bytes (RFC 5321 leaves 254 for an address in a path).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Maximum size of the input, in characters; a display name and white space count.
pub(crate) const INPUT_CHARS_MAX: usize = 2048;
/// Maximum size of a domain in its ASCII form, in bytes (RFC 1035, without the root).
pub(crate) const DOMAIN_BYTES_MAX: usize = 253;
/// Maximum size of a label of a domain in its ASCII form, in bytes (RFC 1035).
pub(crate) const LABEL_BYTES_MAX: usize = 63;
