//! Details of an event.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Details of an event. Each action has only some of them. Stores keep them as JSON, and clients get them as
/// JSON. They contain no secret, no email address and no reading.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AuditDetails {
    /// Names of the changed fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<String>,
    /// Id of the owner after a change of the owner; `Some(None)` if the device has none now.
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "present")]
    pub owner: Option<Option<i64>>,
    /// Name of a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Beginning of a token, by which people recognize it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    /// Scopes of a token.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<String>,
    /// Time from which a token is not accepted, RFC 3339 in UTC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Start of a window, RFC 3339 in UTC; missing if the window has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// End of a window, which is not part of it, RFC 3339 in UTC; missing if the window has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<String>,
    /// Number of deleted readings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub readings: Option<u64>,
    /// Number of dropped entries of the journal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entries: Option<u64>,
    /// Method and route of a refused request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Code of the error of a refused request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Number of equal requests that were refused since the last entry about them, usually in one minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// Version of the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Settings that differ from their defaults, with secrets hidden.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
}

/// Reads a member that can be null, so that `null` differs from a missing member.
#[expect(clippy::option_option, reason = "a missing owner, no owner and an owner are three facts")]
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Option<i64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}
