//! An error and its causes as one line of text.

use std::error::Error;

/// Formats an error and its causes as one line. Leaves out a cause if the text of the error above it ends
/// with the text of the cause.
pub fn error_chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut next = error.source();
    while let Some(cause) = next {
        next = cause.source();
        let cause = cause.to_string();
        if !last.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        last = cause;
    }
    text
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
