//! Where services run and servers stand: the name of a zone, which only its equals mean.

use crate::base::error::{Code, Error, Result};
use crate::base::text::excerpt;

/// The most bytes of a zone's name.
const MAX_ZONE: usize = 64;

/// Checks the name of a zone.
///
/// # Errors
/// It is empty, too long, or has control characters.
pub fn check_zone(name: &str) -> Result<()> {
    let what = if name.is_empty() {
        "is empty".to_owned()
    } else if name.len() > MAX_ZONE {
        format!("has {} bytes, and {MAX_ZONE} are the most", name.len())
    } else if name.chars().any(char::is_control) {
        "has control characters, which a zone has none of".to_owned()
    } else {
        return Ok(());
    };
    Err(Error::new(Code::Argument, format!("zone \"{}\" {what}", excerpt(name, 80))))
}

/// Whether it may be the name of a zone.
pub fn is_zone(name: &str) -> bool {
    check_zone(name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for name in ["a", "eu-west-1a", "Z\u{fc}rich, Halle 2", &"x".repeat(MAX_ZONE)] {
            assert!(is_zone(name), "{name}");
        }
        for (name, part) in [
            ("", "empty"),
            ("a\tb", "control"),
            ("a\0", "control"),
            ("\u{85}", "control"),
            (&"x".repeat(MAX_ZONE + 1), "65 bytes, and 64"),
            (&"\u{fc}".repeat(33), "66 bytes, and 64"),
        ] {
            let why = check_zone(name).unwrap_err().message;
            assert!(why.contains(part), "{name}: {why}");
        }
    }
}
