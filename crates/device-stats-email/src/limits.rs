//! Limits of email addresses.

/// Maximum size of an email address, in bytes (RFC 5321 leaves 254 for an address in a path).
pub const EMAIL_BYTES_MAX: usize = 254;
