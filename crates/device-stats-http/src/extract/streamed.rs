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
pub(crate) trait RowReader: BodyReceiver + Sized + 'static {
    /// A row of the body.
    type Row: Send + 'static;

    /// Creates the reader for a body of the given format. Reports the faults of parameters that describe the
    /// body.
    fn begin(input: &Input, media_type: MediaType, on_fault: OnFault, faults: &mut Faults) -> Self;

    /// Returns all rows. Returns `None` after reporting a fault. Reserves memory before it is allocated.
    ///
    /// # Errors
    /// The body cannot be read at all, or all bodies together hold too much memory.
    fn end(
        self,
        faults: &mut Faults,
        permit: &mut BodyPermit,
    ) -> Result<Option<BatchRows<Self::Row>>, BodyError>;
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
        let (input, body) = Input::from_request(request, service).await?;
        let mut faults = Faults::default();
        let parts = P::read(&input, &mut faults);
        let options = BatchOptions::read(&input, &mut faults);
        let on_fault = options.unwrap_or_default().on_fault;
        let reader = T::begin(&input, media_type(&input.headers), on_fault, &mut faults);
        let end = move |reader: T, permit: &mut BodyPermit| {
            let rows = reader.end(&mut faults, permit);
            (rows, faults)
        };
        let ((rows, faults), mut permit) =
            receive(service, &input.headers, body, BodyKind::Batch, reader, end).await?;
        match (parts, options, rows?) {
            (Some(parts), Some(options), Some(rows)) if faults.is_empty() => {
                permit.grow_to(rows.held_bytes())?;
                Ok(Self(parts, options, rows, permit))
            }
            _ => Err(invalid(faults)),
        }
    }
}
