//! The idempotency key of a request.

use device_stats_domain::IdempotencyKey;
use device_stats_formats::Faults;
use utoipa::IntoParams;

use super::input::{FromInput, Input};
use crate::headers::idempotency_key;

/// `Idempotency-Key`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes `KeyHeader`")]
pub(crate) struct KeyParam {
    /// A key that the client chooses for this request: 1 to 255 printable ASCII characters, preferably a
    /// UUID. It makes a retry safe: if the same readings arrive with the same key within 24 hours (a
    /// setting), the response is that of the first request, and nothing is stored twice. The same key with
    /// other readings is refused (422). A failed request uses up no key.
    #[param(rename = "Idempotency-Key", example = "8e03978e-40d5-43dd-bc93-6894a57f9324")]
    key: Option<String>,
}

/// The idempotency key of a request, if it has one.
pub(crate) struct KeyHeader(pub(crate) Option<IdempotencyKey>);

impl FromInput for KeyHeader {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        idempotency_key::read(&input.headers, faults).map(Self)
    }
}
