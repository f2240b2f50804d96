//! The words for errors of the operating system in messages to users.

use std::io::{Error, ErrorKind};

/// Returns the words for an error of the operating system; `None` for an error with words of its own.
pub(crate) fn io_words(error: &Error) -> Option<String> {
    if error.get_ref().is_some() {
        return None;
    }
    let words = match error.kind() {
        ErrorKind::NotFound => "it does not exist",
        ErrorKind::PermissionDenied => "permission is denied",
        ErrorKind::IsADirectory => "it is a folder",
        ErrorKind::NotADirectory => "a part of its path is not a folder",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        ErrorKind::StorageFull => "the disk is full",
        ErrorKind::QuotaExceeded => "the disk quota is used up",
        ErrorKind::FileTooLarge => "the file would be too large",
        ErrorKind::AddrInUse => "another program uses this address",
        ErrorKind::AddrNotAvailable => "this machine does not have this address",
        ErrorKind::ConnectionRefused => "the connection is refused",
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            "the connection was closed"
        }
        ErrorKind::HostUnreachable | ErrorKind::NetworkUnreachable => "there is no route to the host",
        ErrorKind::TimedOut => "the operation took too long",
        ErrorKind::UnexpectedEof => "it is cut off",
        _ => return error.raw_os_error().map(|number| system_words(error, number)),
    };
    Some(words.to_owned())
}

/// Returns the words of the operating system, with the number of the error.
fn system_words(error: &Error, number: i32) -> String {
    let text = error.to_string();
    let words = text.split(" (os error").next().unwrap_or_default();
    format!("the operating system reports error {number}, {words:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_have_words_and_other_errors_keep_theirs() {
        assert_eq!(io_words(&Error::from_raw_os_error(2)).unwrap(), "it does not exist");
        assert_eq!(io_words(&ErrorKind::UnexpectedEof.into()).unwrap(), "it is cut off");
        let rare = io_words(&Error::from_raw_os_error(5)).unwrap();
        assert!(
            rare.starts_with("the operating system reports error 5, \"") && !rare.contains("(os"),
            "{rare}"
        );
        assert_eq!(io_words(&Error::other("line 3 is not UTF-8")), None);
    }
}
