//! Limits of email addresses and of their parts.

/// Maximum size of an email address, in bytes (RFC 5321 allows 256 for a path, which includes two angle
/// brackets).
pub const EMAIL_BYTES_MAX: usize = 254;
/// Maximum size of the input, in characters, including the display name and white space.
pub(crate) const INPUT_CHARS_MAX: usize = 2048;
/// Maximum size of a domain in its ASCII form, in bytes (RFC 1035), without the period of the root.
pub(crate) const DOMAIN_BYTES_MAX: usize = 253;
/// Maximum size of a label of a domain in its ASCII form, in bytes (RFC 1035).
pub(crate) const LABEL_BYTES_MAX: usize = 63;
