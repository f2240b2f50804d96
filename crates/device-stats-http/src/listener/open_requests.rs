//! The limits on the requests that are open at the same time, over HTTP/1.1 and HTTP/2 together: for all
//! clients, and for each client address. A request is open until its response is complete.
//!
//! A refused request needs little memory, but its client can leave the answer unread. So refused requests
//! have limits of their own, and a request above these is ended without an answer. Checks of the health share
//! the limits of the refused requests, so that a busy client address or node still answers them.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use device_stats_service::{ClientAddress, ClientLimit, ClientPermit, LimitScope};
use http_body::{Frame, SizeHint};

use crate::errors::TooManyOpenRequests;
use crate::limits::OPEN_REQUESTS_MAX;
use crate::routes::is_health_path;

/// The limits on open requests.
pub(super) struct OpenRequests {
    admitted: ClientLimit,
    /// Refused requests, and checks of the health.
    spare: ClientLimit,
    /// Maximum number of open requests of one client address.
    address_max: usize,
}

/// Error of a request that gets no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many requests are open")]
pub(super) struct NoAnswer;

impl OpenRequests {
    /// Creates a limit of `address_max` open requests of one client address; `None` for no such limit.
    pub(super) fn new(address_max: Option<usize>) -> Self {
        let address_max = address_max.unwrap_or(OPEN_REQUESTS_MAX);
        let limit = || ClientLimit::new(OPEN_REQUESTS_MAX, address_max);
        Self { admitted: limit(), spare: limit(), address_max }
    }

    /// Admits a request, or marks it as refused, so that the application answers it with an error. The permit
    /// must be held until the response is complete.
    ///
    /// # Errors
    /// [`NoAnswer`] if too many refused requests are open, too.
    pub(super) fn admit(
        &self,
        client: ClientAddress,
        request: &mut Request,
    ) -> Result<ClientPermit, NoAnswer> {
        if !is_health_path(request.uri().path()) {
            match self.admitted.admit(client) {
                Ok(permit) => return Ok(permit),
                Err(scope) => {
                    let max = match scope {
                        LimitScope::Node => OPEN_REQUESTS_MAX,
                        LimitScope::Address => self.address_max,
                    };
                    request.extensions_mut().insert(TooManyOpenRequests { scope, max });
                }
            }
        }
        self.spare.admit(client).map_err(|_| NoAnswer)
    }
}

/// The body of a response. It holds the permit of its request until it is dropped, which is when it is sent.
pub(super) struct Held {
    body: Body,
    _permit: Option<ClientPermit>,
}

impl Held {
    /// Returns a response that holds a permit.
    pub(super) fn hold(response: Response, permit: Option<ClientPermit>) -> axum::http::Response<Self> {
        response.map(|body| Self { body, _permit: permit })
    }
}

impl HttpBody for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    fn request(path: &str) -> Request {
        Request::get(path).body(Body::empty()).unwrap()
    }

    /// A client with many connections over HTTP/2 could open 25,600 requests.
    #[test]
    fn an_address_gets_its_requests_and_a_bounded_number_of_refusals() {
        let open = OpenRequests::new(Some(2));
        let admit = |address: &str, path: &str| {
            let client = address.parse::<IpAddr>().unwrap().into();
            let mut request = request(path);
            let permit = open.admit(client, &mut request)?;
            Ok::<_, NoAnswer>((permit, request.extensions_mut().remove::<TooManyOpenRequests>()))
        };
        let outcome = |admitted: &Result<(ClientPermit, Option<TooManyOpenRequests>), NoAnswer>| {
            admitted.as_ref().map(|(_, refused)| *refused).map_err(|error| *error)
        };
        let mut held = vec![admit("192.0.2.1", "/a"), admit("::ffff:192.0.2.1", "/b")];
        assert!(held.iter().all(|admitted| outcome(admitted) == Ok(None)));
        held.push(admit("192.0.2.1", "/a"));
        assert_eq!(outcome(&held[2]), Ok(Some(TooManyOpenRequests { scope: LimitScope::Address, max: 2 })));
        // A check of the health is answered although the address has its requests.
        held.push(admit("192.0.2.1", "/health/live"));
        assert_eq!(outcome(&held[3]), Ok(None));
        for path in ["/a", "/health/live"] {
            assert_eq!(outcome(&admit("192.0.2.1", path)), Err(NoAnswer), "{path}");
            assert_eq!(outcome(&admit("192.0.2.2", path)), Ok(None), "{path}");
        }
        held.remove(0).unwrap();
        assert_eq!(outcome(&admit("192.0.2.1", "/a")), Ok(None));
    }

    #[test]
    fn a_node_has_a_limit_although_addresses_have_none() {
        let open = OpenRequests::new(None);
        let client = |n: usize| IpAddr::from([10, 0, 0, u8::try_from(n % 200).unwrap()]).into();
        let admit = |n| {
            let mut request = request("/");
            let permit = open.admit(client(n), &mut request).unwrap();
            (permit, request.extensions_mut().remove::<TooManyOpenRequests>())
        };
        let held: Vec<_> = (0..OPEN_REQUESTS_MAX).map(|_| admit(1)).collect();
        assert!(held.iter().all(|(_, refused)| refused.is_none()));
        assert_eq!(admit(2).1, Some(TooManyOpenRequests { scope: LimitScope::Node, max: OPEN_REQUESTS_MAX }));
        drop(held);
        assert_eq!(admit(2).1, None);
    }
}
