//! The extractor of the address of a client.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr};

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use device_stats_service::ClientAddress;

/// The address of the client. The listener has stored it in the request.
pub(crate) struct Client(pub(crate) ClientAddress);

impl<S: Send + Sync> FromRequestParts<S> for Client {
    type Rejection = Infallible;

    async fn from_request_parts(head: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let address = head.extensions.get().copied();
        Ok(Self(address.unwrap_or_else(|| IpAddr::from(Ipv4Addr::UNSPECIFIED).into())))
    }
}
