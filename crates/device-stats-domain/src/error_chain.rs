//! An error and its causes as one line of text.

use std::error::Error;
use std::io;

use crate::io_words::io_words;

/// Formats an error and its causes as one line. Leaves out a cause if the text of the error above it ends
/// with the text of the cause. Errors of the operating system are in the words of this service.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut last = error.to_string();
    let mut text = words(error).unwrap_or_else(|| last.clone());
    let mut next = error.source();
    while let Some(cause) = next {
        next = cause.source();
        let own = cause.to_string();
        if !last.ends_with(&own) {
            text.push_str(": ");
            text.push_str(words(cause).as_ref().unwrap_or(&own));
        }
        last = own;
    }
    text
}

fn words(error: &(dyn Error + 'static)) -> Option<String> {
    error.downcast_ref::<io::Error>().and_then(io_words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Level {
        text: &'static str,
        source: Option<Box<Level>>,
    }

    #[test]
    fn each_cause_is_written_once() {
        let level = |text, source: Option<Level>| Level { text, source: source.map(Box::new) };
        let error = level("stopped", Some(level("no answer: refused", Some(level("refused", None)))));
        assert_eq!(error_chain(&error), "stopped: no answer: refused");
    }
}
