//! A server that gives every request the same answer.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};

/// A server with one answer.
pub(crate) struct FixedAnswer {
    pub(crate) url: String,
    /// The first line of each request, without the version of HTTP.
    pub(crate) requests: Receiver<String>,
}

impl FixedAnswer {
    /// Starts a server. Its thread ends with the process.
    pub(crate) fn start(status: &'static str, body: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, requests) = channel();
        std::thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = BufReader::new(connection.unwrap());
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if connection.read_line(&mut head).unwrap() == 0 {
                        break;
                    }
                }
                let request = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
                // A test may not read the requests.
                let _ = sender.send(request.to_owned());
                let length = body.len();
                let head = format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}");
                write!(connection.get_mut(), "{head}\r\n\r\n{body}").unwrap();
            }
        });
        Self { url, requests }
    }
}
