//! The exit codes of all commands: the only place that maps errors to codes.

use device_stats_client::ClientError;
use device_stats_postgres::InvalidPostgresUrl;
use device_stats_store::{SchemaError, StoreError};
use reqwest::StatusCode;

use super::not_found::NotFound;
use super::stop_signal::StopSignal;
use super::usage::UsageError;
use crate::logging::LoggingError;

/// The exit codes in the help.
pub(super) const HELP: &str = "\
Exit codes:
  0    Done
  1    Faults found, no readings found, or another failure, such as an unreadable file
  2    Wrong usage: an invalid command line or setting
  3    Refused: by the server (4xx), or because a user or device does not exist
  4    Unreachable: no answer, or the server or its database is unavailable (5xx)
  130  Stopped by SIGINT (Ctrl-C)
  143  Stopped by SIGTERM";

/// Error code of the server for a period without readings.
const NO_READINGS: &str = "no_readings";

/// The reason why a command failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Faults were found, no readings were found, or the command failed for a reason without another code.
    Faults,
    /// The command line or a setting is invalid.
    Usage,
    /// The server refused a request, or the user or device does not exist.
    Refused,
    /// The server or the database gave no usable answer.
    Unreachable,
    /// A signal stopped the command.
    Stopped(StopSignal),
}

impl Failure {
    /// Returns the reason of an error: the first cause with a known reason, otherwise [`Self::Faults`].
    pub(super) fn of(error: &anyhow::Error) -> Self {
        error.chain().find_map(reason).unwrap_or(Self::Faults)
    }

    /// Returns the exit code.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Faults => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::Unreachable => 4,
            Self::Stopped(signal) => signal.exit_code(),
        }
    }
}

fn reason(cause: &(dyn std::error::Error + 'static)) -> Option<Failure> {
    if let Some(signal) = cause.downcast_ref::<StopSignal>() {
        return Some(Failure::Stopped(*signal));
    }
    if let Some(error) = cause.downcast_ref::<ClientError>() {
        return Some(reason_of_client_error(error));
    }
    if let Some(not_found) = cause.downcast_ref::<NotFound>() {
        return Some(match not_found {
            NotFound::User(_) | NotFound::Device(_) | NotFound::Token(_) => Failure::Refused,
            NotFound::Reading { .. } | NotFound::Readings => Failure::Faults,
        });
    }
    if cause.is::<UsageError>() || cause.is::<InvalidPostgresUrl>() {
        return Some(Failure::Usage);
    }
    let is_unavailable = matches!(cause.downcast_ref(), Some(SchemaError::Unavailable(_)))
        || matches!(cause.downcast_ref(), Some(StoreError::Unavailable(_) | StoreError::DevicesLocked(_)));
    match cause.downcast_ref() {
        Some(LoggingError::Filter { .. }) => Some(Failure::Usage),
        _ => is_unavailable.then_some(Failure::Unreachable),
    }
}

fn reason_of_client_error(error: &ClientError) -> Failure {
    match error {
        ClientError::Unreachable { .. }
        | ClientError::Interrupted { .. }
        | ClientError::UnexpectedResponse => Failure::Unreachable,
        ClientError::Refused { code, .. } if code.as_deref() == Some(NO_READINGS) => Failure::Faults,
        ClientError::Refused { status, .. } if is_temporary(*status) => Failure::Unreachable,
        ClientError::Refused { .. } | ClientError::Faulty(_) => Failure::Refused,
        ClientError::NotAddressable(_) => Failure::Usage,
        ClientError::Setup => Failure::Faults,
    }
}

/// Returns whether the same request may succeed later. The client has already made its retries.
fn is_temporary(status: StatusCode) -> bool {
    // 409: an earlier attempt of the same request is still being executed.
    let temporary = [StatusCode::REQUEST_TIMEOUT, StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS];
    status.is_server_error() || temporary.contains(&status)
}

#[cfg(test)]
mod tests {
    use anyhow::{Context, anyhow};
    use device_stats_client::UserChoice;

    use super::*;

    fn refused(status: u16, code: Option<&str>) -> anyhow::Error {
        let (status, code) = (StatusCode::from_u16(status).unwrap(), code.map(str::to_owned));
        ClientError::Refused { status, code, retry_after: None, detail: "no".to_owned() }.into()
    }

    #[test]
    fn each_error_has_one_exit_code() {
        let user = || NotFound::User(UserChoice::Name("ann".to_owned()));
        for (error, code) in [
            (anyhow!("the file is missing"), 1),
            (refused(404, Some(NO_READINGS)), 1),
            (NotFound::Readings.into(), 1),
            (UsageError("no".to_owned()).into(), 2),
            (ClientError::NotAddressable(String::new()).into(), 2),
            (refused(404, Some("device_not_found")), 3),
            (refused(404, None), 3),
            (refused(409, None), 4),
            (refused(413, None), 3),
            (ClientError::Faulty(Vec::new()).into(), 3),
            (user().into(), 3),
            (refused(408, None), 4),
            (refused(429, None), 4),
            (refused(500, None), 4),
            (refused(503, Some("queue_full")), 4),
            (SchemaError::Unavailable("refused".into()).into(), 4),
            (StoreError::Unavailable("lost".into()).into(), 4),
            (StopSignal::Interrupt.into(), 130),
            (StopSignal::Terminate.into(), 143),
        ] {
            assert_eq!(Failure::of(&error).exit_code(), code, "{error:?}");
            let explained = error.context("stopped after 2 readings").context("and more");
            assert_eq!(Failure::of(&explained).exit_code(), code, "{explained:?}");
        }
        let explained = Err::<(), _>(user()).context("cannot export").unwrap_err();
        assert_eq!(Failure::of(&explained), Failure::Refused);
    }
}
