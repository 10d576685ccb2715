//! What came of a reply before its connection was closed, read without HTTP.
//!
//! A real node says no to a password by a head that no blank line ends, and when its store is down
//! it closes the connection without a byte. To an HTTP client both are an incomplete message.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::config::Node;
use crate::net::connect::connect;
use crate::net::tls::{TlsConfig, secured};

/// A status line is shorter.
const MOST: usize = 512;

/// Sends a request and gives the first line of what comes back; empty if nothing does. Takes as
/// long as the node likes.
pub async fn status_line(
    node: &Node,
    tls: Option<TlsConfig>,
    request: &[u8],
) -> io::Result<String> {
    let stream = connect(node).await?;
    match tls {
        None => exchange(stream, request).await,
        Some(tls) => exchange(secured(stream, &node.host, tls).await?, request).await,
    }
}

async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    request: &[u8],
) -> io::Result<String> {
    // A node may close before it has read all, and what it said is there all the same.
    let sent = async { stream.write_all(request).await.and(stream.flush().await) }.await;
    let mut line = Vec::new();
    let mut piece = [0; 128];
    while line.len() < MOST && !line.contains(&b'\n') {
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => break,
            Ok(count) => line.extend_from_slice(piece.get(..count).unwrap_or_default()),
        }
    }
    if line.is_empty() {
        sent?;
    }
    let line = line.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).into_owned())
}

/// The status in a status line.
pub fn status(line: &str) -> Option<u16> {
    let (version, rest) = line.split_once(' ')?;
    let number = rest.split(' ').next()?;
    version.starts_with("HTTP/").then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses() {
        assert_eq!(status("HTTP/1.0 400 Bad request"), Some(400));
        assert_eq!(status("HTTP/1.1 200"), Some(200));
        for line in ["", "HTTP/1.0", "HTTP/1.0 x", "SSH-2.0-x 400", "Content-length: 0"] {
            assert_eq!(status(line), None, "{line}");
        }
    }
}
