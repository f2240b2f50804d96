//! A minimal HTTP/1.1 client: one persistent connection with sequential exchanges. The client needs little
//! CPU time, so that the measurements show the speed of the server.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

/// Read timeout.
const READ_TIMEOUT: Duration = Duration::from_mins(2);
/// Size of a read, in bytes.
const READ_BYTES: usize = 64 * 1024;

/// A connection to a server.
pub(crate) struct Connection {
    stream: TcpStream,
    /// Received bytes of the response.
    received: Vec<u8>,
}

/// A response.
#[derive(Debug, PartialEq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Connection {
    /// Connects to `HOST:PORT`.
    ///
    /// # Errors
    /// If the connection fails.
    pub(crate) fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(READ_TIMEOUT))?;
        Ok(Self { stream, received: Vec::with_capacity(READ_BYTES) })
    }

    /// Sends a request and reads the response, which must have a `Content-Length`.
    ///
    /// # Errors
    /// If the connection fails, or the response is invalid.
    pub(crate) fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Response> {
        self.stream.write_all(request)?;
        self.received.clear();
        let head_end = loop {
            if let Some(position) = self.received.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break position + 4;
            }
            self.read_more()?;
        };
        let head = self.received.get(..head_end).and_then(|head| str::from_utf8(head).ok());
        let (status, length) = read_head(head.context("the head of the response is not UTF-8")?)?;
        while self.received.len() < head_end + length {
            self.read_more()?;
        }
        ensure!(self.received.len() == head_end + length, "the response is longer than its Content-Length");
        Ok(Response { status, body: self.received.split_off(head_end) })
    }

    fn read_more(&mut self) -> anyhow::Result<()> {
        let end = self.received.len();
        self.received.resize(end + READ_BYTES, 0);
        let free = self.received.get_mut(end..).context("the buffer was extended")?;
        let count = self.stream.read(free).context("cannot read the response")?;
        self.received.truncate(end + count);
        ensure!(count > 0, "the server has closed the connection");
        Ok(())
    }
}

/// Returns the head of a POST request with a token, if there is one, and a body of this length, in bytes.
pub(crate) fn post_head(
    address: &str,
    token: Option<&str>,
    path: &str,
    content_type: &str,
    length: usize,
) -> String {
    let token = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\n{token}content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n"
    )
}

/// Returns the status and the length of the body in bytes.
pub(crate) fn read_head(head: &str) -> anyhow::Result<(u16, usize)> {
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.strip_prefix("HTTP/1.1 ")).and_then(|line| line.get(..3));
    let status = status.context("the response is not HTTP/1.1")?.parse()?;
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            return Ok((status, value.trim().parse()?));
        }
    }
    bail!("the response has no Content-Length")
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    #[test]
    fn a_response_is_complete_wherever_it_is_cut() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let mut request = [0; 4];
            for response in [
                "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
                "HTTP/1.1 404 No\r\ncontent-length:0\r\n\r\n",
            ] {
                stream.read_exact(&mut request).unwrap();
                for byte in response.as_bytes() {
                    stream.write_all(&[*byte]).unwrap();
                }
            }
        });
        let mut connection = Connection::open(&address).unwrap();
        let mut exchange = || connection.exchange(b"ping");

        assert_eq!(exchange().unwrap(), Response { status: 200, body: b"hello".to_vec() });
        assert_eq!(exchange().unwrap(), Response { status: 404, body: Vec::new() });
        server.join().unwrap();
        assert!(exchange().is_err());
    }

    #[test]
    fn invalid_responses_are_refused() {
        for head in [
            "",
            "HTTP/1.0 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 x00\r\ncontent-length: 1\r\n\r\n",
        ] {
            assert!(read_head(head).is_err(), "{head}");
        }
    }
}
