//! The extractor of batches: bodies that are read while they arrive.

use axum::extract::{FromRequest, Request};
use device_stats_formats::{BodyReceiver, Faults, MediaType};
use device_stats_service::{BodyPermit, Service};

use super::input::{FromInput, Input, invalid};
use crate::body::{BodyKind, receive};
use crate::errors::ApiError;
use crate::headers::content_type::media_type;

/// A value that is read from a body while the body arrives.
pub(crate) trait FromBody: Sized {
    /// The kind of the body.
    const KIND: BodyKind;
    /// The reader of the body.
    type Reader: BodyReceiver;

    /// Creates the reader for a body of the given format. Reports the faults of parameters that describe the
    /// body.
    fn begin(input: &Input, media_type: MediaType, faults: &mut Faults) -> Self::Reader;

    /// Finishes the value. Returns `None` after reporting a fault.
    ///
    /// # Errors
    /// The body cannot be read at all.
    fn end(reader: Self::Reader, faults: &mut Faults) -> Result<Option<Self>, ApiError>;

    /// Returns the memory held by the value, in bytes.
    fn held_bytes(&self) -> usize;
}

/// An extractor of parts of a request, the value of its body, and the permit for the memory of that value. A
/// request with faults is refused.
pub(crate) struct Streamed<P, B>(pub(crate) P, pub(crate) B, pub(crate) BodyPermit);

impl<P: FromInput + Send, B: FromBody> FromRequest<Service> for Streamed<P, B> {
    type Rejection = ApiError;

    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (mut head, body) = request.into_parts();
        let input = Input::from_head(&mut head, service).await?;
        let mut faults = Faults::default();
        let parts = P::read(&input, &mut faults);
        let reader = B::begin(&input, media_type(&input.headers), &mut faults);
        let permit = service.body_permit();
        let (reader, mut permit) = receive(&input.headers, body, B::KIND, reader, permit).await?;
        match (parts, B::end(reader, &mut faults)?) {
            (Some(parts), Some(value)) if faults.is_empty() => {
                permit.grow_to(value.held_bytes())?;
                Ok(Self(parts, value, permit))
            }
            _ => Err(invalid(faults)),
        }
    }
}
