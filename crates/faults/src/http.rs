//! As much of HTTP as a client under test needs: one connection, one request at a time, and every way it can end.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

/// How long an answer may take before the client gives up.
const PATIENCE: Duration = Duration::from_secs(30);

/// An answer that arrived whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Answer {
    /// Returns whether the server said that it is done.
    pub(crate) fn done(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Returns the first text field of a name.
    pub(crate) fn text(&self, field: &str) -> Option<String> {
        let value: serde_json::Value = serde_json::from_str(&self.body).ok()?;
        value[field].as_str().map(str::to_owned)
    }
}

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    pub(crate) token: String,
    pub(crate) key: Option<String>,
    pub(crate) body: Option<String>,
}

impl Ask {
    pub(crate) fn get(path: impl Into<String>, token: &str) -> Self {
        Self { method: "GET", path: path.into(), token: token.to_owned(), key: None, body: None }
    }

    /// Returns the bytes of the request.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let Self { method, path, token, key, body } = self;
        let body = body.as_deref().unwrap_or_default();
        let key = key.as_ref().map(|key| format!("Idempotency-Key: {key}\r\n")).unwrap_or_default();
        let kind = if body.is_empty() { "" } else { "Content-Type: application/json\r\n" };
        let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n");
        format!("{head}{key}{kind}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
    }
}

/// A client with a connection of its own, made anew after it broke.
pub(crate) struct Client {
    address: SocketAddr,
    patience: Duration,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self::patient(address, PATIENCE)
    }

    /// Returns a client that gives up on an answer after a time of its own.
    pub(crate) fn patient(address: SocketAddr, patience: Duration) -> Self {
        Self { address, patience, stream: None }
    }

    /// Sends a request and waits for the whole answer. After an error nobody knows whether it was done.
    pub(crate) fn send(&mut self, ask: &Ask) -> io::Result<Answer> {
        let mut stream = if let Some(stream) = self.stream.take() {
            stream
        } else {
            let stream = connect(self.address)?;
            stream.set_read_timeout(Some(self.patience))?;
            BufReader::new(stream)
        };
        stream.get_mut().write_all(&ask.bytes())?;
        let answer = read(&mut stream)?;
        self.stream = Some(stream);
        Ok(answer)
    }
}

/// Opens a connection that gives up after a while.
pub(crate) fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Reads one answer.
pub(crate) fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Answer> {
    let broken = || io::Error::new(io::ErrorKind::UnexpectedEof, "the answer broke off");
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(broken());
    }
    let status = line.split(' ').nth(1).and_then(|word| word.parse().ok()).ok_or_else(broken)?;
    // Servers of the older version say by closing that this was all.
    let until_closed = line.starts_with("HTTP/1.0");
    let (mut length, mut chunked) = (0, false);
    loop {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Err(broken());
        }
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(|_| broken())?,
            "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if until_closed && length == 0 {
        stream.read_to_end(&mut body)?;
        return Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() });
    }
    loop {
        let mut size = length;
        if chunked {
            line.clear();
            stream.read_line(&mut line)?;
            size = usize::from_str_radix(line.trim_end(), 16).map_err(|_| broken())?;
        }
        let start = body.len();
        body.resize(start + size, 0);
        stream.read_exact(body.get_mut(start..).unwrap_or_default())?;
        if chunked {
            line.clear();
            stream.read_line(&mut line)?;
        }
        if !chunked || size == 0 {
            break;
        }
    }
    Ok(Answer { status, body: String::from_utf8_lossy(&body).into_owned() })
}
