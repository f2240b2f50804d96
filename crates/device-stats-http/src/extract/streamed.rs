//! The extractor of batches: bodies whose rows are read while they arrive.

use axum::extract::{FromRequest, Request};
use device_stats_formats::{BatchRows, BodyError, BodyReceiver, Faults, MediaType, OnFault};
use device_stats_service::{BodyPermit, Service};

use super::batch_options::BatchOptions;
use super::input::{FromInput, Input, invalid};
use crate::body::{BodyKind, receive};
use crate::errors::ApiError;
use crate::headers::content_type::media_type;

/// A reader of the rows of a body.
pub(crate) trait RowReader: BodyReceiver + Sized {
    /// A row of the body.
    type Row;

    /// Creates the reader for a body of the given format. Reports the faults of parameters that describe the
    /// body.
    fn begin(input: &Input, media_type: MediaType, on_fault: OnFault, faults: &mut Faults) -> Self;

    /// Returns all rows. Returns `None` after reporting a fault.
    ///
    /// # Errors
    /// The body cannot be read at all.
    fn end(self, faults: &mut Faults) -> Result<Option<BatchRows<Self::Row>>, BodyError>;
}

/// An extractor of parts of a request, the options of a batch, the rows of its body, and the permit for the
/// memory of these rows. A request with faults is refused.
pub(crate) struct Streamed<P, T: RowReader>(
    pub(crate) P,
    pub(crate) BatchOptions,
    pub(crate) BatchRows<T::Row>,
    pub(crate) BodyPermit,
);

impl<P: FromInput + Send, T: RowReader> FromRequest<Service> for Streamed<P, T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, service: &Service) -> Result<Self, ApiError> {
        let (mut head, body) = request.into_parts();
        let input = Input::from_head(&mut head, service).await?;
        let mut faults = Faults::default();
        let parts = P::read(&input, &mut faults);
        let options = BatchOptions::read(&input, &mut faults);
        let on_fault = options.unwrap_or_default().on_fault;
        let reader = T::begin(&input, media_type(&input.headers), on_fault, &mut faults);
        let permit = service.body_permit();
        let (reader, mut permit) = receive(&input.headers, body, BodyKind::Batch, reader, permit).await?;
        match (parts, options, reader.end(&mut faults)?) {
            (Some(parts), Some(options), Some(rows)) if faults.is_empty() => {
                permit.grow_to(rows.held_bytes())?;
                Ok(Self(parts, options, rows, permit))
            }
            _ => Err(invalid(faults)),
        }
    }
}
