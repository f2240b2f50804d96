//! A parser of server-sent events (WHATWG HTML, "Server-sent events"), which arrive in pieces.

use std::time::Duration;

/// A parser of one stream.
#[derive(Debug, Default)]
pub(crate) struct EventParser {
    /// The line that is not complete yet.
    line: Vec<u8>,
    /// Whether the last byte was a carriage return. A line feed after it belongs to the same end of line.
    after_return: bool,
    name: String,
    data: Vec<String>,
    id: Option<String>,
    /// The id of the last complete event, for a reconnection.
    pub(crate) last_id: Option<String>,
    /// The pause before a reconnection that the server asks for.
    pub(crate) retry: Option<Duration>,
}

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Event {
    /// Type of the event; `message` by default.
    pub(crate) name: String,
    pub(crate) data: String,
}

impl EventParser {
    /// Returns a parser for the next connection. It keeps the id of the last event, from which the new
    /// connection continues.
    pub(crate) fn next_connection(self) -> Self {
        Self { id: self.last_id.clone(), last_id: self.last_id, retry: self.retry, ..Self::default() }
    }

    /// Parses the next bytes, and returns the events that they complete.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Vec<Event> {
        let mut events = Vec::new();
        for byte in bytes {
            let is_second_end = *byte == b'\n' && self.after_return;
            self.after_return = *byte == b'\r';
            match byte {
                _ if is_second_end => {}
                b'\n' | b'\r' => {
                    let line = std::mem::take(&mut self.line);
                    events.extend(self.end_line(&String::from_utf8_lossy(&line)));
                }
                byte => self.line.push(*byte),
            }
        }
        events
    }

    /// Interprets a line. An empty line completes an event.
    fn end_line(&mut self, line: &str) -> Option<Event> {
        if line.is_empty() {
            self.last_id.clone_from(&self.id);
            let (name, data) = (std::mem::take(&mut self.name), std::mem::take(&mut self.data));
            let name = if name.is_empty() { "message".to_owned() } else { name };
            return (!data.is_empty()).then(|| Event { name, data: data.join("\n") });
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.name),
            "data" => self.data.push(value.to_owned()),
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" => self.retry = value.parse().ok().map(Duration::from_millis).or(self.retry),
            // A comment, which begins with a colon, or an unknown field.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "retry: 1500\nid: a-0\n\n: idle\n\nevent: reading\r\nid: a-1\r\ndata: {\"x\":1}\r\n\r\n\
        data:two\rdata:  lines: é\r\rid: a-2\nunknown: 1\nevent\ndata\n\nid: never\ndata: cut off";

    fn expected() -> Vec<Event> {
        [("reading", "{\"x\":1}"), ("message", "two\n lines: é"), ("message", "")]
            .map(|(name, data)| Event { name: name.to_owned(), data: data.to_owned() })
            .to_vec()
    }

    #[test]
    fn the_way_the_events_are_split_does_not_matter() {
        let bytes = STREAM.as_bytes();
        for first in 0..=bytes.len() {
            for second in first..=bytes.len() {
                let mut parser = EventParser::default();
                let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
                let events: Vec<Event> = pieces.iter().flat_map(|piece| parser.push(piece)).collect();
                assert_eq!(events, expected(), "{first} {second}");
                assert_eq!(parser.last_id.as_deref(), Some("a-2"));
                assert_eq!(parser.retry, Some(Duration::from_millis(1500)));
            }
        }
    }

    #[test]
    fn a_new_connection_continues_after_the_last_complete_event() {
        let mut parser = EventParser::default();
        parser.push(STREAM.as_bytes());
        let mut parser = parser.next_connection();
        assert_eq!(parser.push(b"data: x\n\n"), [Event { name: "message".to_owned(), data: "x".to_owned() }]);
        assert_eq!(parser.last_id.as_deref(), Some("a-2"));
    }
}
