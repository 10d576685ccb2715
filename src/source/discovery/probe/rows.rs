//! Cells of an answer, as texts, numbers and addresses.

use crate::base::text::excerpt;
use crate::config::{DEFAULT_SERVER_PORT, Node};
use crate::mysql::result_set::Row;

/// More of a text than this is of no use to anybody.
const MAX_TEXT: usize = 1024;

/// A text; empty for NULL.
pub fn text(row: Row<'_>, column: usize) -> String {
    let bytes = row.get(column).unwrap_or_default();
    let bytes = bytes.get(..MAX_TEXT).unwrap_or(bytes);
    String::from_utf8_lossy(bytes).into_owned()
}

/// A text that is there and not empty.
pub fn some_text(row: Row<'_>, column: usize) -> Option<String> {
    Some(text(row, column)).filter(|text| !text.is_empty())
}

pub fn number<T: std::str::FromStr>(row: Row<'_>, column: usize) -> Option<T> {
    std::str::from_utf8(row.get(column)?).ok()?.parse().ok()
}

/// A variable that is on. Servers write numbers, words, and MariaDB more than two of them.
pub fn is_on(row: Row<'_>, column: usize) -> Option<bool> {
    let bytes = row.get(column)?;
    Some(!matches!(bytes, b"0" | b"") && !bytes.eq_ignore_ascii_case(b"OFF"))
}

/// An address of two columns. What is none is kept as it is, of a member that counts all the same; it
/// is never asked.
pub fn node(row: Row<'_>, host: usize, port: usize) -> Node {
    let (host, port) = (text(row, host), number(row, port).unwrap_or(0));
    node_of(&host, port).unwrap_or(Node { host: excerpt(&host, 255), port: 0 })
}

/// Reads `host:port`, `host`, `[address]:port`.
pub fn address(text: &str) -> Option<Node> {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
            node_of(host, port.parse().ok()?)
        }
        _ => node_of(text, DEFAULT_SERVER_PORT),
    }
}

fn node_of(host: &str, port: u16) -> Option<Node> {
    let host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']')?,
        None => host,
    };
    Node::new(host, port).filter(|node| node.port > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_metadata_has_them() {
        let node = |host: &str, port| Some(Node { host: host.into(), port });
        for (text, expected) in [
            ("db1:3307", node("db1", 3307)),
            ("db1", node("db1", 3306)),
            ("[::1]:5", node("::1", 5)),
            ("[::1]", node("::1", 3306)),
            ("::1", node("::1", 3306)),
            ("", None),
            (":3306", None),
            ("a b:1", None),
            ("db1:0", None),
            ("db1:x", None),
            ("db1:70000", None),
            ("[::1", None),
        ] {
            assert_eq!(address(text), expected, "{text}");
        }
    }
}
