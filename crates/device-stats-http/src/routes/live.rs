//! `/live`: readings as they are committed, as server-sent events (WHATWG HTML, "Server-sent events").

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderName, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use device_stats_domain::limits::{LIVE_RATE_DEFAULT, LIVE_RATE_MAX, LIVE_SIGN_PAUSE};
use futures_util::StreamExt;
use futures_util::stream::{once, unfold};
use serde_json::json;
use utoipa::IntoParams;

use crate::errors::ApiError;
use crate::extract::caller::Caller;
use crate::extract::input::{FromInput, Input, Parsed, PathDevice, PathUser};
use crate::openapi::ErrorAnswer;
use device_stats_formats::encode::write_ndjson;
use device_stats_formats::faults::{Faults, Problem};
use device_stats_formats::json::Json;
use device_stats_formats::values;
use device_stats_service::{Action, LiveReading, LiveReadings, Position, Service};

/// The name of the events.
const READING: &str = "reading";
const LAST_EVENT_ID: &str = "Last-Event-ID";
/// How long a client is to wait before it connects again, unless it knows better.
const RECONNECT_AFTER: Duration = Duration::from_secs(1);
/// Has nginx hand on each event at once.
const NO_BUFFERING: (HeaderName, HeaderValue) =
    (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));

/// What of the readings is wanted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes the query; `LiveQuery` is read from it")]
pub(crate) struct LiveParams {
    /// Most readings a second of each device: above 0, at most 1,000. Of those that come faster, the newest is sent when it is
    /// the next one's turn; in the first second of a device as many may come at once.
    #[param(example = 10, exclusive_minimum = 0, maximum = 1000, default = 10)]
    rate: Option<f64>,
}

/// Where a client was.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "describes the header; `LiveQuery` is read from it")]
pub(crate) struct LastEventParam {
    /// The `id` of the last event that came, as browsers send it when they connect again.
    #[param(rename = "Last-Event-ID", example = "9f3c27-1041-1795428000250000")]
    last_event_id: Option<String>,
}

/// How a client wants to watch.
pub(crate) struct LiveQuery {
    rate: f64,
    since: Option<Position>,
}

impl FromInput for LiveQuery {
    fn read(input: &Input, faults: &mut Faults) -> Option<Self> {
        let rate = input.query("rate", faults, rate);
        input.refuse_other_queries(&["rate"], faults);
        let since = input.headers.get(LAST_EVENT_ID).filter(|value| !value.is_empty()).map(|value| {
            let text = String::from_utf8_lossy(value.as_bytes()).into_owned();
            let position = text.parse().map_err(|_| {
                Problem::new("event_id_invalid", "Input should be the id of an event of this stream")
            });
            faults.keep(vec!["header".into(), LAST_EVENT_ID.into()], &Json::String(text), position)
        });
        let since = match since {
            None => None,
            Some(position) => Some(position?),
        };
        Some(Self { rate: rate?.unwrap_or(LIVE_RATE_DEFAULT), since })
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

/// Watch the readings of a device
///
/// Server-sent events, for as long as the client listens: an event `reading` for each reading as it is committed, by any node,
/// with the reading as in a line of an NDJSON export, in the order in which they were committed. A client that connects again
/// with `Last-Event-ID`, as browsers do, gets what it missed: all of it for a minute on the same node, else up to 1,000
/// readings that are later than those it had. A client that does not read is dropped, and may come back. The stream ends
/// when the device is deleted.
#[utoipa::path(
    get, path = "/api/v1/stats/devices/{device_id}/live", tag = "statistics",
    params(crate::openapi::DeviceIdParam, LiveParams, LastEventParam),
    responses(
        (status = 200, description = "The events.", content_type = "text/event-stream", body = String,
            example = "event: reading\nid: 9f3c27-1041-1795428000250000\ndata: {\"device_id\":\"pump-7\",\"timestamp\":\"2026-11-23T10:00:00.250000Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n\n"),
        (status = 404, description = "`Device not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn watch_device(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathDevice, LiveQuery)>,
) -> Result<Response, ApiError> {
    let (device, LiveQuery { rate, since }) = input;
    let device = service.device(who, device.id()?, Action::Read).await?;
    Ok(answer(service.watch_device(device, rate, since).await?))
}

/// Watch the readings of all devices of a user
///
/// As of one device, with the rate for each of them. Devices that the user gets or loses are noticed within seconds. What comes
/// late, with a time before that of the last event, may be missed by a client that comes back after more than a minute, or
/// to another node; such a client gets up to 10,000 readings.
#[utoipa::path(
    get, path = "/api/v1/stats/users/{user_id}/live", tag = "statistics",
    params(crate::openapi::UserIdParam, LiveParams, LastEventParam),
    responses(
        (status = 200, description = "The events.", content_type = "text/event-stream", body = String,
            example = "event: reading\nid: 9f3c27-1041-1795428000250000\ndata: {\"device_id\":\"pump-7\",\"timestamp\":\"2026-11-23T10:00:00.250000Z\",\"x\":1.5,\"y\":-0.25,\"z\":9.81}\n\n"),
        (status = 404, description = "`User not found`.", body = ErrorAnswer),
    ),
)]
pub(crate) async fn watch_user(
    State(service): State<Service>,
    Caller(who): Caller,
    Parsed(input): Parsed<(PathUser, LiveQuery)>,
) -> Result<Response, ApiError> {
    let (PathUser(id), LiveQuery { rate, since }) = input;
    let user = service.user(who, id, Action::Read).await?;
    Ok(answer(service.watch_user(user, rate, since).await?))
}

fn answer(readings: LiveReadings) -> Response {
    // Without data it is no event, but the client knows from then on where it is.
    let start = Event::default().retry(RECONNECT_AFTER).id(readings.start().to_string());
    let events = unfold(readings, async |mut readings| Some((event(&readings.next().await?), readings)));
    let events = once(async { start }).chain(events).map(Ok::<Event, Infallible>);
    let sign = KeepAlive::new().interval(LIVE_SIGN_PAUSE);
    ([NO_BUFFERING], Sse::new(events).keep_alive(sign)).into_response()
}

fn event(LiveReading { device, reading, position }: &LiveReading) -> Event {
    let mut line = Vec::new();
    // Neither texts nor finite numbers can fail to be written.
    let _ = write_ndjson(&mut line, device, &[*reading]);
    let line = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
    Event::default().event(READING).id(position.to_string()).data(line)
}
