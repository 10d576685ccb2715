//! HTTP/1.0 as Python's BaseHTTPServer speaks it, and nothing more.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::clock;

/// A request without its body.
pub struct Head {
    pub verb: String,
    pub path: String,
    headers: Vec<(String, String)>,
    /// What came in together with the head.
    pub rest: Vec<u8>,
    pub length: usize,
}

impl Head {
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Reads up to the blank line; None if the client went away before it.
    pub fn read(stream: &mut impl Read) -> io::Result<Option<Head>> {
        let mut data = Vec::new();
        let end = loop {
            if let Some(at) = find(&data, b"\r\n\r\n") {
                break (at, at + 4);
            }
            if let Some(at) = find(&data, b"\n\n") {
                break (at, at + 2);
            }
            let mut chunk = [0; 8192];
            let n = stream.read(&mut chunk)?;
            if n == 0 || data.len() > 1 << 16 {
                return Ok(None);
            }
            data.extend_from_slice(&chunk[..n]);
        };
        let text = String::from_utf8_lossy(&data[..end.0]).into_owned();
        let mut lines = text.lines();
        let mut request = lines.next().unwrap_or_default().split_whitespace();
        let verb = request.next().unwrap_or_default().to_owned();
        let path = request.next().unwrap_or_default().to_owned();
        let headers = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
            .collect();
        Ok(Some(Head { verb, path, headers, rest: data.split_off(end.1), length: end.1 }))
    }

    /// Reads the body; None without a usable Content-Length.
    pub fn body(&mut self, stream: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
        let length: Option<usize> = self.header("content-length").and_then(|l| l.parse().ok());
        let Some(length) = length.filter(|l| *l < 1 << 26) else {
            return Ok(None);
        };
        let mut body = std::mem::take(&mut self.rest);
        let missing = length.saturating_sub(body.len());
        stream.take(missing as u64).read_to_end(&mut body)?;
        body.truncate(length);
        Ok(Some(body))
    }

    /// Whether the client takes gzip, in the reading of Python's XML-RPC server.
    pub fn takes_gzip(&self) -> bool {
        let Some(accepted) = self.header("accept-encoding") else {
            return false;
        };
        accepted.split(',').any(|entry| {
            let (coding, params) = entry.split_once(';').unwrap_or((entry, ""));
            let quality = params.trim().strip_prefix("q=").and_then(|q| q.parse().ok());
            coding.trim() == "gzip" && quality.unwrap_or(1.0f64) > 0.0
        })
    }
}

fn find(data: &[u8], needle: &[u8]) -> Option<usize> {
    data.windows(needle.len()).position(|w| w == needle)
}

/// Status line, Server and Date: all that a real node's 400 ever says.
pub fn start(status: u16, reason: &str) -> String {
    format!(
        "HTTP/1.0 {status} {reason}\r\nServer: BaseHTTP/0.3 Python/2.8.5\r\nDate: {}\r\n",
        clock::http_date()
    )
}

/// A status without a body.
pub fn empty(status: u16, reason: &str) -> Vec<u8> {
    (start(status, reason) + "Content-length: 0\r\n\r\n").into_bytes()
}

/// The challenge. The header is closed by one line end too many.
pub fn challenge(realm: &str, nonce: &str, opaque: &str) -> Vec<u8> {
    let fields = format!(
        "WWW-Authenticate: Digest realm=\"{realm}\", nonce=\"{nonce}\", algorithm=\"MD5\", \
         opaque=\"{opaque}\", qop=\"auth\"\r\n\r\n\r\n"
    );
    (start(401, "Unauthorized") + &fields).into_bytes()
}

pub fn not_found() -> Vec<u8> {
    let rest = "Content-type: text/plain\r\nContent-length: 12\r\n\r\nNo such page";
    (start(404, "Not Found") + rest).into_bytes()
}

/// The answer to any method but POST.
pub fn unsupported(verb: &str) -> Vec<u8> {
    let reason = format!("Unsupported method ('{verb}')");
    let page = format!(
        "Connection: close\r\nContent-Type: text/html\r\n\r\n<head>\n<title>Error response\
         </title>\n</head>\n<body>\n<h1>Error response</h1>\n<p>Error code 501.\n<p>Message: \
         {reason}.\n<p>Error code explanation: 501 = Server does not support this operation.\n\
         </body>\n"
    );
    (start(501, &reason) + &page).into_bytes()
}

/// An XML-RPC answer; long ones packed if the client takes that.
pub fn xml(body: &str, gzip: bool) -> Vec<u8> {
    let mut head = start(200, "OK") + "Content-type: text/xml\r\n";
    let mut body = body.as_bytes().to_vec();
    if gzip && body.len() > 1400 {
        body = pack(&body);
        head += "Content-Encoding: gzip\r\n";
    }
    head += &format!("Content-length: {}\r\n\r\n", body.len());
    let mut reply = head.into_bytes();
    reply.append(&mut body);
    reply
}

fn pack(body: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing to memory does not fail.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default()
}

/// A page that has no place in XML-RPC.
pub fn html_page() -> Vec<u8> {
    let page = "<html><head><title>Welcome</title></head><body><h1>It works!</h1></body></html>\n";
    let rest = format!("Content-type: text/html\r\nContent-length: {}\r\n\r\n{page}", page.len());
    (start(200, "OK") + &rest).into_bytes()
}

/// Good enough a reason for any status.
pub fn reason(status: u16) -> &'static str {
    match status {
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        _ => "Status",
    }
}

/// The method name as found before the body is parsed: on one line, in any case, greedily.
pub fn method_name(body: &str) -> Option<&str> {
    body.split('\n').find_map(|line| {
        // ASCII folding keeps the offsets.
        let folded = line.to_ascii_lowercase();
        let start = folded.find("<methodname>")? + "<methodname>".len();
        let end = folded.rfind("</methodname>")?;
        line.get(start..end)
    })
}
