//! The form of a table name.

use crate::base::error::{Code, Error, Result};

/// A full name: `db.table`, UTF-8, exactly one dot, nothing empty.
///
/// Looked at only when a name is not known, so that a warm lookup need not.
pub(super) fn full_name(name: &[u8]) -> Result<&str> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Err(Error::new(
            Code::InvalidUtf8,
            format!(
                "table name '{}' is not UTF-8; convert it first",
                String::from_utf8_lossy(name)
            ),
        ));
    };
    match text.split_once('.') {
        Some((schema, table))
            if !schema.is_empty() && !table.is_empty() && !table.contains('.') =>
        {
            Ok(text)
        }
        _ => Err(Error::new(
            Code::TableName,
            format!("'{text}' is no table name; give database and table with one dot: db.table"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_dot_and_nothing_empty() {
        assert_eq!(full_name(b"db.t"), Ok("db.t"));
        assert_eq!(full_name("d\u{e9}b.t".as_bytes()), Ok("d\u{e9}b.t"));
        for name in ["", "t", ".", ".t", "db.", "db..t", "a.b.c", "db.t."] {
            assert_eq!(
                full_name(name.as_bytes()).map_err(|e| e.code),
                Err(Code::TableName),
                "{name}"
            );
        }
        assert_eq!(full_name(b"db.\xff").map_err(|e| e.code), Err(Code::InvalidUtf8));
    }
}
