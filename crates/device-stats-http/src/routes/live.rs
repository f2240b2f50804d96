//! `/stats/.../live`: readings as they are committed, as server-sent events (WHATWG HTML, "Server-sent
//! events").

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use device_stats_formats::export::write_ndjson;
use device_stats_formats::values;
use device_stats_formats::{Faults, Json, Problem};
use device_stats_service::limits::{LIVE_RATE_DEFAULT, LIVE_RATE_MAX};
use device_stats_service::{LiveReading, LiveReadings, Position, Read, Service};
use futures_util::StreamExt;
use futures_util::stream::{once, unfold};
use serde_json::json;
use utoipa::IntoParams;

use super::user_operation::UserOperation;
use crate::errors::{ApiError, ErrorResponse};
use crate::extract::{Caller, Client, DeviceIdParam, FromInput, Input, Parsed, PathReadingSource};
use crate::limits::LIVE_KEEPALIVE_INTERVAL;

/// Name of the events.
const READING: &str = "reading";
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// Pause that the service proposes to a client before it reconnects.
const RECONNECT_PAUSE: Duration = Duration::from_secs(1);
/// Tells nginx to forward each event at once.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// `rate`.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes `LiveQuery`")]
pub(crate) struct LiveParams {
    /// Maximum number of readings that are sent per second for each device: above 0, up to 1,000. If a device
    /// commits readings faster, the stream leaves out all but the newest one.
    #[param(example = 10, exclusive_minimum = 0, maximum = 1000, default = 10)]
    rate: Option<f64>,
}

/// `Last-Event-ID`.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes `LiveQuery`")]
pub(crate) struct LastEventParam {
    /// The `id` of the last event that the client received. Browsers send it when they reconnect. A value
    /// that is not such an id is ignored: the stream starts with the next reading.
    #[param(rename = "Last-Event-ID", example = "9f3c27-1041-1795428000250000")]
    last_event_id: Option<String>,
}

/// The query of a live stream.
pub(crate) struct LiveQuery {
    rate: f64,
    since: Option<Position>,
}

impl FromInput for LiveQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let rate = input.query("rate", faults, rate);
        input.refuse_other_queries(&["rate"], faults);
        Some(Self { rate: rate?.unwrap_or(LIVE_RATE_DEFAULT), since: last_event_id(&input.headers) })
    }
}

fn rate(value: &Json) -> Result<f64, Problem> {
    let rate = values::finite(value)?.get();
    if rate <= 0.0 {
        let problem = Problem::new("greater_than", "Input should be greater than 0");
        Err(problem.with(json!({ "gt": 0 })))
    } else if rate > LIVE_RATE_MAX {
        let problem =
            Problem::new("less_than_equal", format!("Input should be less than or equal to {LIVE_RATE_MAX}"));
        Err(problem.with(json!({ "le": LIVE_RATE_MAX })))
    } else {
        Ok(rate)
    }
}

/// Reads the position of a reconnecting client; `None` if the request has none. A malformed position counts
/// as none: after an error, a browser would never reconnect.
fn last_event_id(headers: &HeaderMap) -> Option<Position> {
    headers.get(LAST_EVENT_ID)?.to_str().ok()?.parse().ok()
}

pub(super) const WATCH_USER: UserOperation = UserOperation {
    id: "watch_user",
    summary: "Watch the readings of all devices of a user",
    description: "Sends the readings of all devices of a user; `rate` applies to each device. A device that is added to \
        the user or removed from it is added to the stream or removed from it within seconds.\n\n\
        A client that reconnects after more than a minute, or to another node, gets up to 10,000 readings. It does not get \
        a reading whose time is before the time of the last event that it received.",
    schema: None,
};

/// Watch the readings of a device
///
/// Sends each new reading as a server-sent event `reading`, in the order in which the readings are committed
/// on any node. The data of an event is a line of an NDJSON export.
///
/// A client that reconnects with `Last-Event-ID`, as browsers do, gets the readings that it missed. Within a
/// minute, and from the same node, it gets all of them; otherwise it gets up to 1,000 readings whose times
/// are after the time of the last event that it received. The service ends the stream of a client that does
/// not read; the client may reconnect. The stream also ends when the device is deleted.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/live", tag = "statistics", operation_id = "watch_device",
    params(DeviceIdParam, LiveParams, LastEventParam),
    responses(
        (status = 200, description = "The events.", content_type = "text/event-stream", body = String,
            example = "event: reading\nid: 9f3c27-1041-1795428000250000\ndata: {\"device_id\":\"pump-7\",\"timestamp\":\"2026-11-23T10:00:00.250000Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n\n"),
        (status = 404, description = "`Device not found`.", body = ErrorResponse),
    ),
)]
pub(super) async fn watch_readings(
    State(service): State<Service>,
    Caller(granted): Caller<Read>,
    Client(client): Client,
    Parsed(input): Parsed<(PathReadingSource, LiveQuery)>,
) -> Result<Response, ApiError> {
    let (source, LiveQuery { rate, since }) = input;
    let source = source.find(&service, granted).await?;
    Ok(stream_events(service.watch(source, rate, since, client).await?))
}

fn stream_events(readings: LiveReadings) -> Response {
    // A block without data is not an event, but it sets the client's last event id.
    let start = Event::default().retry(RECONNECT_PAUSE).id(readings.start().to_string());
    let events = unfold(readings, async |mut readings| Some((event(&readings.next().await?), readings)));
    let events = once(async { start }).chain(events).map(Ok::<Event, Infallible>);
    let keep_alive = KeepAlive::new().interval(LIVE_KEEPALIVE_INTERVAL);
    ([NO_BUFFERING], Sse::new(events).keep_alive(keep_alive)).into_response()
}

#[expect(clippy::expect_used, reason = "finite numbers and texts are valid JSON")]
fn event(LiveReading { device, reading, position }: &LiveReading) -> Event {
    let mut line = Vec::new();
    write_ndjson(&mut line, device, &[*reading]).expect("a reading is valid JSON");
    let line = str::from_utf8(line.trim_ascii_end()).expect("JSON is UTF-8");
    Event::default().event(READING).id(position.to_string()).data(line)
}
